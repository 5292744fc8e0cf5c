"""The tools that judge the collection as a whole, each as a test: pytest's summary is the summary of everything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
Run = Callable[..., str]


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Everything in this folder can be left out with ``-m 'not packaging'``."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.packaging)


@pytest.fixture(scope="session")
def run(root: Path) -> Run:
    """Run a tool of the virtual environment and return what it printed; a failure shows all of it."""

    def _run(*argv: str | Path, cwd: Path = root, env: dict[str, str] | None = None) -> str:
        environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1", **(env or {})}
        done = subprocess.run(
            [str(part) for part in argv],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(
                f"{' '.join(str(part) for part in argv)} ended with {done.returncode}:\n{done.stdout}", pytrace=False
            )
        return done.stdout

    return _run


def tracked_files(root: Path) -> list[Path]:
    """What is, or would be, committed: relative paths, without the link of the collection to itself."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    paths = (Path(name) for name in listed if name)
    return [path for path in paths if (root / path).exists() and path.parts[0] != "collections"]


@pytest.fixture(scope="session")
def collection_copy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the collection at ``…/ansible_collections/netops/aci_calico``, the only place that ansible-test accepts."""
    copy = tmp_path_factory.mktemp("copy") / "ansible_collections" / "netops" / "aci_calico"
    for path in tracked_files(root):
        target = copy / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, target, follow_symlinks=False)
    return copy


@pytest.fixture(scope="session")
def artifact(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection's tarball, built from the checkout as it stands."""
    folder = tmp_path_factory.mktemp("artifact")
    run("ansible-galaxy", "collection", "build", "--output-path", folder, ".")
    (tarball,) = folder.glob("netops-aci_calico-*.tar.gz")
    return tarball
