"""The steps from Debian's source package to a folder of programs.

Debian ships the server's source but not the server. The source lacks one generated file, the OpenAPI definitions,
which its own generator makes. Go 1.15 is the compiler that this version of Kubernetes was released with; later ones
compile it into a server that panics, so it comes from bullseye whatever the machine runs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from . import KUBERNETES_VERSION, is_complete
from .apt import PrivateApt
from .progress import BuildError, Progress, need_programs, run, stream

SUITES = {"bookworm": "deb deb-src", "bullseye": "deb"}
BINARIES = ["golang-1.15-go/bullseye", "golang-1.15-src/bullseye", "etcd-server/bookworm", "kubernetes-client/bookworm"]
SOURCE = "kubernetes/bookworm"
PROGRAMS = {"apt-get": "apt", "dpkg": "dpkg", "dpkg-source": "dpkg-dev", "xz": "xz-utils", "patch": "patch"}

#: Bytes on the disk while the build runs (sources, compiler, Go's build cache), measured and rounded up.
DISK_NEEDED = 3 * 10**9

OPENAPI_TAG = re.compile(rb"^\s*//\s*\+k8s:openapi-gen=", re.MULTILINE)
OPENAPI_SKIPPED = ("code-generator", "sample-apiserver")
VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


def build(target: Path, mirror: str, progress: Progress) -> None:
    """Builds into the folder ``target``, which appears complete or not at all. The caller holds the lock."""
    need_programs(PROGRAMS)
    work = target.with_name(f"{target.name}.building")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        _need_disk(work)
        result = _Build(work, progress).run(PrivateApt(work / "apt", mirror))
        shutil.rmtree(target, ignore_errors=True)
        result.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _need_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < DISK_NEEDED:
        raise BuildError(
            f"{folder.parent} has {free / 1e9:.1f} GB free, the build needs {DISK_NEEDED / 1e9:.0f} GB for a while"
        )


class _Build:
    """One build in the folder ``work``."""

    def __init__(self, work: Path, progress: Progress) -> None:
        self.progress = progress
        self.packages = work / "packages"
        self.prefix = work / "prefix"
        self.gopath = work / "go"
        self.source = self.gopath / "src" / "k8s.io" / "kubernetes"
        self.result = work / "assets"
        self.go = self.prefix / "usr" / "lib" / "go-1.15"
        self.environment = {
            "PATH": f"{self.go / 'bin'}:{os.environ['PATH']}",
            "HOME": str(work),
            "GOROOT": str(self.go),
            "GOPATH": str(self.gopath),
            "GOCACHE": str(work / "go-cache"),
            "GOTMPDIR": str(work),
            "GOPROXY": "off",
            "CGO_ENABLED": "0",
        }

    def run(self, apt: PrivateApt) -> Path:
        self.progress.say("fetching the package lists (private to this build)")
        apt.update(SUITES)
        self.progress.say("fetching the source of kubernetes, Go 1.15, etcd and kubectl (110 MB)")
        apt.download(self.packages, BINARIES, SOURCE)
        self.progress.say("unpacking")
        self._unpack()
        self.progress.say("generating the OpenAPI definitions")
        self._generate_openapi()
        self.result.mkdir()
        self._compile(self.result / "kube-apiserver")
        for program in ("etcd", "kubectl"):
            shutil.copy2(self.prefix / "usr" / "bin" / program, self.result)
        self._describe()
        return self._checked()

    def _unpack(self) -> None:
        for package in sorted(self.packages.glob("*.deb")):
            run(["dpkg", "-x", str(package), str(self.prefix)], why=f"{package.name} could not be unpacked")
        (description,) = self.packages.glob("*.dsc")
        self.source.parent.mkdir(parents=True)
        # apt has verified the archive's signature and the checksums already.
        run(
            ["dpkg-source", "--no-check", "-x", str(description), str(self.source)],
            why="the source could not be unpacked",
        )

    def _generate_openapi(self) -> None:
        environment = self.environment | {"GO111MODULE": "off"}
        generator = self.gopath / "bin" / "openapi-gen"
        run(
            ["go", "build", "-o", str(generator), "./vendor/k8s.io/kube-openapi/cmd/openapi-gen"],
            cwd=self.source,
            env=environment,
            why="the OpenAPI generator does not compile",
        )
        package = "k8s.io/kubernetes/pkg/generated/openapi"
        folders = ",".join(f"k8s.io/kubernetes/{folder}" for folder in self._openapi_folders())
        boilerplate = "vendor/k8s.io/code-generator/hack/boilerplate.go.txt"
        run(
            [
                str(generator),
                "-i",
                folders,
                "-p",
                package,
                "-O",
                "zz_generated.openapi",
                "-h",
                boilerplate,
                "-r",
                os.devnull,
            ],
            cwd=self.source,
            env=environment,
            why="the OpenAPI definitions could not be generated",
        )

    def _openapi_folders(self) -> list[str]:
        """Folders of the packages that ask for OpenAPI definitions, named as the server imports them."""
        staging = "staging/src/k8s.io/"
        folders = set()
        for top in ("pkg", staging):
            for file in (self.source / top).rglob("*.go"):
                folder = file.parent.relative_to(self.source).as_posix()
                skipped = folder.removeprefix(staging).split("/")[0] in OPENAPI_SKIPPED
                if not skipped and OPENAPI_TAG.search(file.read_bytes()):
                    folders.add(folder.replace(staging, "vendor/k8s.io/", 1))
        return sorted(folders)

    def _compile(self, binary: Path) -> None:
        environment = self.environment | {"GO111MODULE": "on", "GOFLAGS": "-mod=vendor"}
        command = "./cmd/kube-apiserver"
        listing = ["go", "list", "-deps", command]
        total = len(run(listing, cwd=self.source, env=environment, why="the source does not resolve").splitlines())
        self.progress.say(f"compiling {total} packages (5 to 10 minutes on two cores)")
        building = ["go", "build", "-v", "-trimpath", f"-ldflags={_linker_flags()}", "-o", str(binary), command]
        lines = stream(building, cwd=self.source, env=environment, why="kube-apiserver does not compile")
        for done, _package in enumerate(lines, start=1):
            if done % 100 == 0:
                self.progress.say(f"compiled {done} of {total} packages")

    def _describe(self) -> None:
        """Writes where the programs come from, for bug reports."""
        packages = sorted(package.name for package in self.packages.iterdir() if package.suffix in (".deb", ".dsc"))
        facts = {"kubernetes": KUBERNETES_VERSION, "packages": packages, "seconds": round(self.progress.seconds)}
        (self.result / "BUILD.json").write_text(json.dumps(facts, indent=2) + "\n")

    def _checked(self) -> Path:
        """The result, once its server starts and says the version that it should."""
        said = run(
            [str(self.result / "kube-apiserver"), "--version"], why="the built kube-apiserver does not start"
        ).strip()
        if said != f"Kubernetes v{KUBERNETES_VERSION}" or not is_complete(self.result):
            raise BuildError(f"the built server says {said!r}, expected version {KUBERNETES_VERSION}")
        return self.result


def _linker_flags() -> str:
    major, minor, _patch = KUBERNETES_VERSION.split(".")
    values = {"gitVersion": f"v{KUBERNETES_VERSION}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    stamps = (f"-X {package}.{name}={value}" for package in VERSION_PACKAGES for name, value in values.items())
    return " ".join(["-s", "-w", *stamps])
