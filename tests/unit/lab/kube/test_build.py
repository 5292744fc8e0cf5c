"""The build of kube-apiserver, without building: searching, refusing, writing and cleaning up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.kube import build
from lab.kube.build import __main__ as command
from lab.kube.build import apiserver
from lab.kube.build import apt as private_apt
from lab.kube.build.progress import BuildError, Progress, need_programs, run

PROGRAM = Path(build.__file__).parent
MIRROR = "http://mirror.test/debian"


def executable(path: Path, script: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def complete(folder: Path) -> Path:
    for name in build.SERVERS:
        executable(folder / name)
    return folder


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder at the start of the path, for substitute programs."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path / "bin"


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Substitute Debian's keys."""
    monkeypatch.setattr(private_apt, "KEYRING", executable(tmp_path / "keyring.gpg"))


@pytest.fixture
def steps(tmp_path: Path) -> apiserver._Build:
    """Return a build in an empty folder."""
    return apiserver._Build(tmp_path, Progress())


def write(files: dict[Path, str]) -> None:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class TestCache:
    @pytest.mark.parametrize(("variable", "below"), [("XDG_CACHE_HOME", ""), ("HOME", ".cache")])
    def test_is_outside_of_the_checkout(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, below: str) -> None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setenv(variable, str(tmp_path))
        version = build.KUBERNETES_VERSION
        assert build.built_assets() == tmp_path / below / "netops.aci_calico" / "kubebuilder" / version

    @pytest.mark.parametrize("missing", build.SERVERS)
    def test_is_incomplete_without_a_server(self, tmp_path: Path, missing: str) -> None:
        complete(tmp_path)
        assert build.is_complete(tmp_path)
        (tmp_path / missing).unlink()
        assert not build.is_complete(tmp_path)


class TestMirror:
    @pytest.fixture(autouse=True)
    def _debian(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.release = {"ID": "debian", "VERSION_CODENAME": "bookworm", "PRETTY_NAME": "Debian 12"}
        monkeypatch.setattr(private_apt, "_os_release", lambda: self.release)

    @pytest.mark.parametrize("suite", ["bookworm", "stable", "oldstable"])
    def test_is_the_one_of_the_systems_own_suite(self, programs: Path, suite: str) -> None:
        targets = ["http://other.test/ bookworm-security main", f"{MIRROR} {suite} contrib", f"{MIRROR} {suite} main"]
        executable(programs / "apt-get", "printf '%s\\n' " + " ".join(f"'{target}'" for target in targets))
        assert private_apt.system_mirror() == MIRROR

    @pytest.mark.parametrize(
        ("release", "target"),
        [
            ({}, "http://other.test/ nodistro main"),
            ({"ID": "ubuntu", "VERSION_CODENAME": "noble", "PRETTY_NAME": "Ubuntu 24.04"}, f"{MIRROR} noble main"),
        ],
    )
    def test_is_asked_for_without_a_debian_suite(self, programs: Path, release: dict[str, str], target: str) -> None:
        self.release |= release
        executable(programs / "apt-get", f"echo '{target}'")
        with pytest.raises(BuildError, match=f"{self.release['PRETTY_NAME']}.*--mirror"):
            private_apt.system_mirror()


class TestPrivateApt:
    @pytest.mark.usefixtures("keyring")
    def test_touches_nothing_of_the_systems(self, programs: Path, tmp_path: Path) -> None:
        log = tmp_path / "log"
        executable(programs / "apt-get", f"echo \"$@\" >> '{log}'")
        apt = private_apt.PrivateApt(tmp_path / "apt", MIRROR)
        apt.update({"bookworm": "deb deb-src", "bullseye": "deb"})
        apt.download(tmp_path / "packages", ["etcd-server/bookworm"], "kubernetes/bookworm")

        settings = (tmp_path / "apt" / "apt.conf").read_text()
        for place in ("Dir::Etc::sourceparts", "Dir::State::lists", "Dir::Cache"):
            assert f'{place} "{tmp_path}/apt/' in settings
        sources = (tmp_path / "apt" / "sources" / "debian.sources").read_text()
        assert sources.count(f"URIs: {MIRROR}") == 2
        assert "Types: deb deb-src" in sources
        configuration = f"-q -c {tmp_path}/apt/apt.conf"
        assert log.read_text().splitlines() == [
            f"{configuration} update",
            f"{configuration} download etcd-server/bookworm",
            f"{configuration} source --download-only kubernetes/bookworm",
        ]

    @pytest.mark.usefixtures("keyring")
    def test_says_what_is_missing_where_the_mirror_does_not_answer(self, programs: Path, tmp_path: Path) -> None:
        executable(programs / "apt-get", "echo 'E: Could not resolve mirror.test'; exit 100")
        with pytest.raises(BuildError, match=r"(?s)bullseye.*ended with 100.*Could not resolve"):
            private_apt.PrivateApt(tmp_path / "apt", MIRROR).update({"bullseye": "deb"})

    def test_wants_debians_keys(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(private_apt, "KEYRING", tmp_path / "none.gpg")
        with pytest.raises(BuildError, match="debian-archive-keyring"):
            private_apt.PrivateApt(tmp_path / "apt", MIRROR).update({"bookworm": "deb"})


class TestEnsure:
    def test_builds_where_none_is_and_on_request(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        built: list[Path] = []
        monkeypatch.setattr(command, "build", lambda target, *__: built.append(complete(target)))
        command.ensure(tmp_path / "assets", MIRROR)
        command.ensure(tmp_path / "assets", MIRROR)
        assert len(built) == 1
        command.ensure(tmp_path / "assets", MIRROR, force=True)
        assert len(built) == 2

    def test_waits_for_another_build_and_takes_its_result(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(command, "build", lambda *__: pytest.fail("built a second time"))
        target = tmp_path / "assets"
        other = f"flock {target}.lock sh -c 'echo locked; sleep 0.5; mkdir {target}; cp /bin/true {target}/etcd; cp /bin/true {target}/kube-apiserver'"
        with subprocess.Popen(other, shell=True, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            command.ensure(target, MIRROR)
        assert "waiting for another build" in capfd.readouterr().err

    @pytest.mark.usefixtures("keyring")
    def test_leaves_nothing_of_a_build_that_failed(self, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        executable(programs / "apt-get", "exit 1")
        monkeypatch.setattr(apiserver, "need_programs", lambda _programs: None)
        with pytest.raises(BuildError):
            command.ensure(tmp_path / "cache" / "assets", MIRROR)
        assert [path.name for path in (tmp_path / "cache").iterdir()] == ["assets.lock"]

    def test_wants_room_on_the_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(apiserver, "need_programs", lambda _programs: None)
        monkeypatch.setattr(apiserver, "DISK_NEEDED", 10**18)
        with pytest.raises(BuildError, match="GB free"):
            command.ensure(tmp_path / "cache" / "assets", MIRROR)


class Mirror:
    """An apt whose mirror has some suites."""

    def __init__(self, *suites: str) -> None:
        self.suites = suites

    def update(self, suites: dict[str, str]) -> None:
        if missing := set(suites) - set(self.suites):
            raise BuildError(f"the mirror has no {missing}")


class TestToolchain:
    @pytest.mark.parametrize(
        ("suites", "toolchain"), [(("bookworm", "bullseye"), apiserver.TOOLCHAIN), (("bookworm",), apiserver.LATER_TOOLCHAIN)]
    )
    def test_is_the_one_that_the_mirror_still_has(self, steps: apiserver._Build, suites: Any, toolchain: Any) -> None:
        assert steps._choose_toolchain(Mirror(*suites)) == toolchain

    def test_is_missed_where_the_mirror_has_neither(self, steps: apiserver._Build) -> None:
        with pytest.raises(BuildError, match="bookworm"):
            steps._choose_toolchain(Mirror("trixie"))

    def test_is_fetched_from_its_own_suite(self) -> None:
        assert apiserver.TOOLCHAIN.packages == ["golang-1.15-go/bullseye", "golang-1.15-src/bullseye"]
        assert "golang-github-modern-go-reflect2-dev/bookworm" in apiserver.LATER_TOOLCHAIN.packages

    def test_of_later_go_gets_a_known_source_mended(self, steps: apiserver._Build) -> None:
        library = steps.source / "vendor/github.com/modern-go/reflect2"
        validator = steps.source / "vendor/k8s.io/kube-openapi/pkg/validation/validate/type.go"
        newer = steps.prefix / "usr/share/gocode/src/github.com/modern-go/reflect2/new.go"
        unpatched = f"if data == nil || {apiserver.ZERO_COMPARISON} {{"
        write({validator: unpatched, library / "old.go": "package old", newer: "package new"})
        steps._mend_for_later_go()
        assert [path.name for path in library.iterdir()] == ["new.go"]
        assert validator.read_text() == "if data == nil || false {"
        with pytest.raises(BuildError, match="nothing to patch"):
            steps._mend_for_later_go()


class TestSteps:
    def test_finds_the_packages_that_ask_for_openapi_definitions(self, steps: apiserver._Build) -> None:
        files = {
            "pkg/apis/abac/v0/doc.go": "// +k8s:openapi-gen=true\npackage v0",
            "pkg/other/doc.go": "package other",
            "staging/src/k8s.io/api/core/v1/doc.go": "\n// +k8s:openapi-gen=true\npackage v1",
            "staging/src/k8s.io/code-generator/doc.go": "// +k8s:openapi-gen=true\npackage x",
            "staging/src/k8s.io/api/text.go": 'var tag = "+k8s:openapi-gen=true"',
        }
        write({steps.source / name: text for name, text in files.items()})
        assert steps._openapi_folders() == ["pkg/apis/abac/v0", "vendor/k8s.io/api/core/v1"]

    def test_stamps_the_version_where_the_server_and_its_clients_look(self) -> None:
        flags = apiserver._linker_flags()
        for package in apiserver.VERSION_PACKAGES:
            assert f"-X {package}.gitVersion=v{build.KUBERNETES_VERSION}" in flags

    @pytest.mark.parametrize(
        ("script", "problem"),
        [("echo Kubernetes v0.0.0-master", r"v0\.0\.0-master"), ("echo 'panic: oh'; exit 2", r"(?s)does not start.*panic: oh")],
    )
    def test_refuses_a_wrong_server(self, steps: apiserver._Build, script: str, problem: str) -> None:
        executable(complete(steps.result) / "kube-apiserver", script)
        with pytest.raises(BuildError, match=problem):
            steps._checked()


def test_names_all_missing_programs_and_their_packages() -> None:
    with pytest.raises(BuildError, match=r"no-such-a, no-such-b\. On Debian: apt-get install one two"):
        need_programs({"no-such-a": "two", "sh": "dash", "no-such-b": "one"})


def test_shows_only_the_end_of_a_long_failure() -> None:
    with pytest.raises(BuildError) as failure:
        run(["sh", "-c", "seq 1 1000; exit 3"], why="counting failed")
    text = str(failure.value)
    assert text.startswith("counting failed\nsh ended with 3:\n")
    assert text.endswith("\n1000")
    assert len(text.splitlines()) < 40


def test_command_prints_the_folder_or_what_to_do_instead(tmp_path: Path, programs: Path) -> None:
    def run_command() -> tuple[int, str, str]:
        command = [sys.executable, PROGRAM, "--output", tmp_path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    executable(programs / "apt-get", "exit 100")
    code, printed, problem = run_command()
    assert (code, printed) == (1, "")
    assert "was not built" in problem
    assert "KUBEBUILDER_ASSETS" in problem
    complete(tmp_path)
    assert run_command() == (0, f"{tmp_path}\n", "")
