"""The newest ansible-core on the newest Python of this machine: units, sanity and ``make lab`` once more."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# The newest minor version that tools/venv takes.
NEWEST = 13
CHECKS = ("tests/unit", "--ignore=tests/unit/lab", "tests/packaging/test_sanity.py", "tests/integration/test_lab.py")
# What the artifact contains. The first core's run checks tests and tools, too.
SHIPPED = "docs/ meta/ playbooks/ plugins/ roles/"
CORE = "import sys, ansible; print(f'ansible-core {ansible.__version__} on Python {sys.version.split()[0]}')"


def newest_python() -> str | None:
    """Return a Python newer than the one that runs the tests; None if this machine has none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for minor in range(NEWEST, sys.version_info.minor, -1):
        name = f"python3.{minor}"
        folders = [*os.get_exec_path(), *map(str, pyenv.glob(f"versions/3.{minor}.*/bin"))]
        found = filter(None, (shutil.which(name, path=folder) for folder in folders))
        # pyenv's commands are there for versions that are not selected, and fail.
        working = (python for python in found if _succeeds(python, "-c", "import ensurepip, venv"))
        if python := next(working, None):
            return python
    return None


def _succeeds(*argv: str) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def test_units_sanity_and_lab(run, root, record_property):
    python = newest_python()
    if python is None:
        core = run(sys.executable, "-c", CORE).strip()
        record_property("newest core", f"none besides {core}, which ran everything: this machine has no newer Python")
        return
    environment = root / ".cache" / f"venv-{Path(python).name}"
    run("tools/venv", "requirements-test.txt", environment, env={"PYTHON": python})
    path = f"{environment}/bin{os.pathsep}{os.environ['PATH']}"
    core = run(environment / "bin/python", "-c", CORE).strip()
    pytest = (environment / "bin/python", "-m", "pytest", "--numprocesses=2", "--dist=loadfile", "--quiet")
    said = run(*pytest, *CHECKS, env={"PATH": path, "PYTEST_ADDOPTS": None, "SANITY_TARGETS": SHIPPED})
    record_property("newest core", f"{core}: {said.splitlines()[-1]}")
