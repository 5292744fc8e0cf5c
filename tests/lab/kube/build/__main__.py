"""Command line of the build: print the folder to put into KUBEBUILDER_ASSETS."""

from __future__ import annotations

import argparse
import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if not __package__:  # started as a folder: python tests/lab/kube/build
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from lab.kube.build import built_assets, is_complete
from lab.kube.build.apiserver import build
from lab.kube.build.apt import system_mirror
from lab.kube.build.progress import BuildError, Progress, need_programs


def main() -> int:
    parser = argparse.ArgumentParser(description="Build kube-apiserver, etcd and kubectl from Debian's packages.")
    parser.add_argument("--output", type=Path, default=built_assets(), help="folder for the programs (%(default)s)")
    parser.add_argument("--mirror", help="Debian mirror (default: the one of this machine's apt)")
    parser.add_argument("--force", action="store_true", help="build even when the folder is complete")
    arguments = parser.parse_args()
    try:
        ensure(arguments.output.resolve(), arguments.mirror, arguments.force)
    except BuildError as error:
        print(
            f"kube-apiserver was not built: {error}\n\n"
            "You can also use another folder with kube-apiserver and etcd, such as envtest's: name it in KUBEBUILDER_ASSETS.",
            file=sys.stderr,
        )
        return 1
    print(arguments.output.resolve())
    return 0


def ensure(target: Path, mirror: str | None = None, force: bool = False) -> None:
    """Build into ``target`` unless it has a complete build. Raises ``BuildError``."""
    if is_complete(target) and not force:
        return
    progress = Progress()
    with _only_one(target, progress):
        if is_complete(target) and not force:  # another process has built it meanwhile
            return
        need_programs({"apt-get": "apt"})
        build(target, mirror or system_mirror(), progress)
        progress.say(f"done: {target}")


@contextmanager
def _only_one(target: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock beside ``target`` during the block. The system releases it when this process ends."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say(f"waiting for another build of {target}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
