"""Fixtures for tools that check the whole collection, each as a test, so that pytest's summary covers everything."""

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
    """Mark each test of this folder, so that ``-m 'not packaging'`` leaves it out."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.packaging)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print which core test_newest_core.py ran on, or why on none."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "newest core":
                    terminalreporter.write_line(f"newest core: {value}")


@pytest.fixture(scope="session")
def run(root: Path) -> Run:
    """Return a function that runs a tool of the virtual environment and returns its output.

    ``env`` is added to the environment; None removes a variable. A failure shows the whole output or, with the pattern
    ``shown``, only the lines that begin with it.
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
    """Copy the files that are or would be committed, with or without the collection's links to itself."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(listing, cwd=root, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        source = root / name
        if source.is_file() or (links and source.is_symlink()):  # deleted files are neither
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
    return target


@pytest.fixture(scope="session")
def collection_copy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the collection at ``…/ansible_collections/netops/aci_calico``, as ansible-test requires.

    Links to the collections that it depends on are beside it: ansible-test looks nowhere else.
    """
    collections = tmp_path_factory.mktemp("copy") / "ansible_collections"
    for namespace in ("cisco", "kubernetes"):
        package = importlib.import_module(f"ansible_collections.{namespace}")
        (collections / namespace).parent.mkdir(exist_ok=True)
        (collections / namespace).symlink_to(next(iter(package.__path__)))
    return copy_files(root, collections / "netops" / "aci_calico", links=False)


@pytest.fixture(scope="session")
def checkout(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the checkout in a folder with another name."""
    return copy_files(root, tmp_path_factory.mktemp("checkout") / "ma copie (2)", links=True)


@pytest.fixture(scope="session")
def artifact(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the collection's tarball, built from the checkout."""
    folder = tmp_path_factory.mktemp("artifact")
    run("ansible-galaxy", "collection", "build", "--output-path", folder, ".")
    (tarball,) = folder.glob("netops-aci_calico-*.tar.gz")
    return tarball


@pytest.fixture(scope="session")
def installed(run: Run, artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a collections folder that holds only the artifact."""
    folder = tmp_path_factory.mktemp("installed")
    # Without the variable, ansible-galaxy finds the collection in the checkout and installs nothing.
    env = {"ANSIBLE_CONFIG": None, "ANSIBLE_COLLECTIONS_PATH": str(folder)}
    run("ansible-galaxy", "collection", "install", "--no-deps", "--collections-path", folder, artifact, cwd=folder, env=env)
    return folder
