"""Get BIRD 1.6, once for a machine: ``python tests/lab/twin/bird_package.py``.

Debian 12 (bookworm) is the last release with BIRD 1.6. Its package is unpacked into a folder that the twin searches
first; nothing is installed. Only the standard library is needed.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

if not __package__:  # started as a file
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from lab.kube.build import cache_root
from lab.kube.build.apt import PrivateApt, system_mirror
from lab.kube.build.progress import BuildError, run

SUITE = "bookworm"


def search_path() -> str:
    """Return the twin's search path for programs: the unpacked package, then the machine's own programs."""
    return os.pathsep.join([str(_folder() / "usr/sbin"), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _folder() -> Path:
    return cache_root() / "bird"


def fetch() -> str:
    """Return the path of BIRD 1.6; download it first if this machine does not have it.

    Later versions have no ``bird6``.
    """
    if program := shutil.which("bird6", path=search_path()):
        return program
    cache_root().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_root(), prefix="bird.") as name:
        work = Path(name)
        apt = PrivateApt(work / "apt", system_mirror())
        apt.update({SUITE: "deb"})
        apt.download(work / "packages", [f"bird/{SUITE}"])
        (package,) = (work / "packages").glob("bird_*.deb")
        run(["dpkg", "-x", str(package), str(work / "bird")], why=f"{package.name} cannot be unpacked")
        (work / "bird").rename(_folder())
    return str(_folder() / "usr/sbin/bird6")


if __name__ == "__main__":
    try:
        print(fetch())
    except BuildError as error:
        sys.exit(f"BIRD 1.6 was not fetched: {error}")
