"""The steps from Debian's source package to a folder of programs.

Debian ships the server's source but not the server. The source lacks one generated file, the OpenAPI definitions, which
its own generator writes. This version of Kubernetes was released with Go 1.15, which is in bullseye. Bookworm's Go 1.19
is the fallback for mirrors without bullseye: the unchanged source, compiled with it, panics, so two places are patched
first.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import KUBERNETES_VERSION, is_complete
from .apt import PrivateApt
from .progress import BuildError, Progress, need_programs, run, stream


@dataclass(frozen=True)
class Toolchain:
    """A Go compiler and the suite that has it."""

    go: str
    suite: str
    extra_packages: tuple[str, ...] = ()

    @property
    def packages(self) -> list[str]:
        """Return the packages to download, as arguments of apt."""
        names = (f"golang-{self.go}-go", f"golang-{self.go}-src", *self.extra_packages)
        return [f"{name}/{self.suite}" for name in names]


TOOLCHAIN = Toolchain("1.15", "bullseye")
LATER_TOOLCHAIN = Toolchain("1.19", "bookworm", ("golang-github-modern-go-reflect2-dev",))
SUITES = {"bookworm": "deb deb-src", TOOLCHAIN.suite: "deb"}
BINARIES = ["etcd-server/bookworm", "kubernetes-client/bookworm"]
SOURCE = "kubernetes/bookworm"
PROGRAMS = {"apt-get": "apt", "dpkg": "dpkg", "dpkg-source": "dpkg-dev", "xz": "xz-utils", "patch": "patch"}

#: Bytes on the disk during a build (sources, compiler, Go's build cache), measured and rounded up.
DISK_NEEDED = 3 * 10**9

OPENAPI_TAG = re.compile(rb"^\s*//\s*\+k8s:openapi-gen=", re.MULTILINE)
ZERO_COMPARISON = "reflect.DeepEqual(reflect.Zero(reflect.TypeOf(data)), reflect.ValueOf(data))"
OPENAPI_SKIPPED = ("code-generator", "sample-apiserver")
SERVER = "k8s.io/kubernetes/cmd/kube-apiserver"
VERSION_PACKAGES = tuple(
    f"k8s.io/kubernetes/vendor/k8s.io/{package}" for package in ("component-base/version", "client-go/pkg/version")
)


def build(target: Path, mirror: str, progress: Progress) -> None:
    """Build into the folder ``target``, which appears complete or not at all. The caller holds the lock."""
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
        raise BuildError(f"{folder.parent} has {free / 1e9:.1f} GB free; the build temporarily needs {DISK_NEEDED / 1e9:.0f} GB")


class _Build:
    """One build in the folder ``work``."""

    def __init__(self, work: Path, progress: Progress) -> None:
        self.progress = progress
        self.packages = work / "packages"
        self.prefix = work / "prefix"
        self.gopath = work / "go"
        self.source = self.gopath / "src" / "k8s.io" / "kubernetes"
        self.result = work / "assets"
        self.work = work

    def run(self, apt: PrivateApt) -> Path:
        self.progress.say("fetching the package lists (private to this build)")
        toolchain = self._choose_toolchain(apt)
        self.progress.say(f"fetching the source of kubernetes, Go {toolchain.go}, etcd and kubectl (110 MB)")
        apt.download(self.packages, [*toolchain.packages, *BINARIES], SOURCE)
        self.progress.say("unpacking")
        self._unpack()
        if toolchain == LATER_TOOLCHAIN:
            self._mend_for_later_go()
        environment = self._environment(toolchain)
        self.progress.say("generating the OpenAPI definitions")
        self._generate_openapi(environment)
        self.result.mkdir()
        self._compile(self.result / "kube-apiserver", environment)
        for program in ("etcd", "kubectl"):
            shutil.copy2(self.prefix / "usr" / "bin" / program, self.result)
        self._describe()
        return self._checked()

    def _choose_toolchain(self, apt: PrivateApt) -> Toolchain:
        try:
            apt.update(SUITES)
        except BuildError:
            apt.update({suite: types for suite, types in SUITES.items() if suite != TOOLCHAIN.suite})
            self.progress.say(f"the mirror has no {TOOLCHAIN.suite}: using Go {LATER_TOOLCHAIN.go}")
            return LATER_TOOLCHAIN
        return TOOLCHAIN

    def _environment(self, toolchain: Toolchain) -> dict[str, str]:
        go = self.prefix / "usr" / "lib" / f"go-{toolchain.go}"
        return {
            "PATH": f"{go / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.work),
            "GOROOT": str(go),
            "GOPATH": str(self.gopath),
            "GOCACHE": str(self.work / "go-cache"),
            "GOTMPDIR": str(self.work),
            "GO111MODULE": "off",
            "GOFLAGS": "",
            "CGO_ENABLED": "0",
        }

    def _unpack(self) -> None:
        for package in sorted(self.packages.glob("*.deb")):
            run(["dpkg", "-x", str(package), str(self.prefix)], why=f"{package.name} could not be unpacked")
        (description,) = self.packages.glob("*.dsc")
        self.source.parent.mkdir(parents=True)
        # apt has already verified the archive's signature and the checksums.
        run(["dpkg-source", "--no-check", "-x", str(description), str(self.source)], why="the source could not be unpacked")

    def _mend_for_later_go(self) -> None:
        """Replace a library that reads internals of the Go runtime, and a comparison that panics with later Go."""
        vendored = self.source / "vendor" / "github.com" / "modern-go" / "reflect2"
        shutil.rmtree(vendored)
        shutil.copytree(self.prefix / "usr" / "share" / "gocode" / "src" / "github.com" / "modern-go" / "reflect2", vendored)
        validator = self.source / "vendor" / "k8s.io" / "kube-openapi" / "pkg" / "validation" / "validate" / "type.go"
        text = validator.read_text()
        if ZERO_COMPARISON not in text:
            raise BuildError(f"{validator.relative_to(self.source)} has unexpected content: nothing to patch")
        validator.write_text(text.replace(ZERO_COMPARISON, "false"))

    def _generate_openapi(self, environment: dict[str, str]) -> None:
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
        output = ["-p", package, "-O", "zz_generated.openapi", "-h", boilerplate, "-r", os.devnull]
        run(
            [str(generator), "-i", folders, *output],
            cwd=self.source,
            env=environment,
            why="the OpenAPI definitions could not be generated",
        )

    def _openapi_folders(self) -> list[str]:
        """Return the folders of the packages that ask for OpenAPI definitions, named as the server imports them."""
        staging = "staging/src/k8s.io/"
        folders = set()
        for top in ("pkg", staging):
            for file in (self.source / top).rglob("*.go"):
                folder = file.parent.relative_to(self.source).as_posix()
                skipped = folder.removeprefix(staging).split("/")[0] in OPENAPI_SKIPPED
                if not skipped and OPENAPI_TAG.search(file.read_bytes()):
                    folders.add(folder.replace(staging, "vendor/k8s.io/", 1))
        return sorted(folders)

    def _compile(self, binary: Path, environment: dict[str, str]) -> None:
        listing = run(
            ["go", "list", "-deps", SERVER], cwd=self.source, env=environment, why="the packages of the source cannot be listed"
        )
        total = len(listing.splitlines())
        self.progress.say(f"compiling {total} packages (3 to 10 minutes on two cores)")
        command = ["go", "build", "-v", "-trimpath", f"-ldflags={_linker_flags()}", "-o", str(binary), SERVER]
        lines = stream(command, cwd=self.source, env=environment, why="kube-apiserver does not compile")
        for done, _package in enumerate(lines, start=1):
            if done % 100 == 0:
                self.progress.say(f"compiled {done} of {total} packages")

    def _describe(self) -> None:
        """Write the origin of the programs, for bug reports."""
        packages = sorted(package.name for package in self.packages.iterdir() if package.suffix in (".deb", ".dsc"))
        facts = {"kubernetes": KUBERNETES_VERSION, "packages": packages, "seconds": round(self.progress.seconds)}
        (self.result / "BUILD.json").write_text(json.dumps(facts, indent=2) + "\n")

    def _checked(self) -> Path:
        """Return the result after checking that its server starts and has the expected version."""
        said = run([str(self.result / "kube-apiserver"), "--version"], why="the built kube-apiserver does not start").strip()
        if said != f"Kubernetes v{KUBERNETES_VERSION}" or not is_complete(self.result):
            raise BuildError(f"the built server's version is {said!r}, not {KUBERNETES_VERSION}")
        return self.result


def _linker_flags() -> str:
    major, minor, _patch = KUBERNETES_VERSION.split(".")
    values = {"gitVersion": f"v{KUBERNETES_VERSION}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    stamps = (f"-X {package}.{name}={value}" for package in VERSION_PACKAGES for name, value in values.items())
    return " ".join(["-s", "-w", *stamps])
