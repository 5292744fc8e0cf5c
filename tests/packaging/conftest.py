"""The tools that judge the collection as a whole, each as a test: pytest's summary is the summary of everything."""

from __future__ import annotations

import importlib
import os
import re
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
    """Run a tool of the virtual environment and return what it printed; a failure shows all of it.

    ``env`` is added to the environment; a value of None takes the variable away. With ``shown``, a pattern, a failure shows
    only the lines that begin so.
    """

    def _run(*argv: str | Path, cwd: Path = root, env: dict[str, str | None] | None = None, shown: str = "") -> str:
        changes = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1", **(env or {})}
        environment = {name: value for name, value in {**os.environ, **changes}.items() if value is not None}
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
            lines = [line for line in done.stdout.splitlines() if re.match(shown, line)]
            command = " ".join(str(part) for part in argv)
            pytest.fail("\n".join([f"{command} ended with {done.returncode}:", *lines]), pytrace=False)
        return done.stdout

    return _run


def copy_files(root: Path, target: Path, links: bool) -> Path:
    """Copy what is, or would be, committed; with or without the links of the collection to itself."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(listing, cwd=root, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        source = root / name
        if source.is_file() or (links and source.is_symlink()):  # what was deleted but not yet committed is neither
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
    return target


@pytest.fixture(scope="session")
def collection_copy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the collection at ``…/ansible_collections/netops/aci_calico``, the only place that ansible-test accepts.

    The collections that it depends on are beside it: ansible-test looks nowhere else.
    """
    collections = tmp_path_factory.mktemp("copy") / "ansible_collections"
    for namespace in ("cisco", "kubernetes"):
        package = importlib.import_module(f"ansible_collections.{namespace}")
        (collections / namespace).parent.mkdir(exist_ok=True)
        (collections / namespace).symlink_to(next(iter(package.__path__)))
    return copy_files(root, collections / "netops" / "aci_calico", links=False)


@pytest.fixture(scope="session")
def checkout(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as it stands in a folder that somebody else named."""
    return copy_files(root, tmp_path_factory.mktemp("checkout") / "ma copie (2)", links=True)


@pytest.fixture(scope="session")
def artifact(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection's tarball, built from the checkout as it stands."""
    folder = tmp_path_factory.mktemp("artifact")
    run("ansible-galaxy", "collection", "build", "--output-path", folder, ".")
    (tarball,) = folder.glob("netops-aci_calico-*.tar.gz")
    return tarball
