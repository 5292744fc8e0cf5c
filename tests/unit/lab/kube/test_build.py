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


class TestCache:
    def test_is_outside_of_the_checkout(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert build.built_assets() == tmp_path / "netops.aci_calico" / "kubebuilder" / build.KUBERNETES_VERSION

    def test_is_in_the_home_folder_by_default(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert build.cache_root() == tmp_path / ".cache" / "netops.aci_calico"

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

    def test_is_asked_for_where_apt_has_no_debian_suite(self, programs: Path) -> None:
        executable(programs / "apt-get", "echo 'http://other.test/ nodistro main'")
        with pytest.raises(BuildError, match=r"Debian 12.*--mirror"):
            private_apt.system_mirror()

    def test_is_asked_for_on_another_system(self, programs: Path) -> None:
        self.release |= {"ID": "ubuntu", "VERSION_CODENAME": "noble", "PRETTY_NAME": "Ubuntu 24.04"}
        executable(programs / "apt-get", f"echo '{MIRROR} noble main'")
        with pytest.raises(BuildError, match=r"Ubuntu 24\.04.*--mirror"):
            private_apt.system_mirror()


class TestPrivateApt:
    def test_touches_nothing_of_the_systems(
        self, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log = tmp_path / "log"
        executable(programs / "apt-get", f"echo \"$@\" >> '{log}'")
        monkeypatch.setattr(private_apt, "KEYRING", executable(tmp_path / "keyring.gpg"))
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

    def test_says_what_is_missing_where_the_mirror_does_not_answer(
        self, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        executable(programs / "apt-get", "echo 'E: Could not resolve mirror.test'; exit 100")
        monkeypatch.setattr(private_apt, "KEYRING", executable(tmp_path / "keyring.gpg"))
        with pytest.raises(BuildError, match=r"(?s)bullseye.*ended with 100.*Could not resolve"):
            private_apt.PrivateApt(tmp_path / "apt", MIRROR).update({"bullseye": "deb"})

    def test_wants_debians_keys(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(private_apt, "KEYRING", tmp_path / "none.gpg")
        with pytest.raises(BuildError, match="debian-archive-keyring"):
            private_apt.PrivateApt(tmp_path / "apt", MIRROR).update({"bookworm": "deb"})


class TestEnsure:
    def test_does_nothing_where_a_build_is(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(command, "build", lambda *__: pytest.fail("built again"))
        command.ensure(complete(tmp_path))

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
        """Let another build hold the lock for a moment and leave a result."""
        monkeypatch.setattr(command, "build", lambda *__: pytest.fail("built a second time"))
        target = tmp_path / "assets"
        other = f"flock {target}.lock sh -c 'echo locked; sleep 0.5; mkdir {target}; cp /bin/true {target}/etcd; cp /bin/true {target}/kube-apiserver'"
        with subprocess.Popen(other, shell=True, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            command.ensure(target, MIRROR)
        assert "waiting for another build" in capfd.readouterr().err

    def test_leaves_nothing_of_a_build_that_failed(
        self, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        executable(programs / "apt-get", "exit 1")
        monkeypatch.setattr(private_apt, "KEYRING", executable(tmp_path / "keyring.gpg"))
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
        ("suites", "toolchain"),
        [(("bookworm", "bullseye"), apiserver.TOOLCHAIN), (("bookworm",), apiserver.LATER_TOOLCHAIN)],
    )
    def test_is_the_one_that_the_mirror_still_has(self, tmp_path: Path, suites: Any, toolchain: Any) -> None:
        steps = apiserver._Build(tmp_path, Progress())
        assert steps._choose_toolchain(Mirror(*suites)) == toolchain

    def test_is_missed_where_the_mirror_has_neither(self, tmp_path: Path) -> None:
        with pytest.raises(BuildError, match="bookworm"):
            apiserver._Build(tmp_path, Progress())._choose_toolchain(Mirror("trixie"))

    def test_is_fetched_from_its_own_suite(self) -> None:
        assert apiserver.TOOLCHAIN.packages == ["golang-1.15-go/bullseye", "golang-1.15-src/bullseye"]
        assert "golang-github-modern-go-reflect2-dev/bookworm" in apiserver.LATER_TOOLCHAIN.packages

    @pytest.fixture
    def steps(self, tmp_path: Path) -> apiserver._Build:
        """Return a build with an unpacked source and Debian's newer library."""
        steps = apiserver._Build(tmp_path, Progress())
        files = {
            self.validator(steps): f"if data == nil || {apiserver.ZERO_COMPARISON} {{",
            steps.source / "vendor/github.com/modern-go/reflect2/old.go": "package old",
            steps.prefix / "usr/share/gocode/src/github.com/modern-go/reflect2/new.go": "package new",
        }
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return steps

    def validator(self, steps: apiserver._Build) -> Path:
        return steps.source / "vendor/k8s.io/kube-openapi/pkg/validation/validate/type.go"

    def test_of_later_go_gets_the_source_mended(self, steps: apiserver._Build) -> None:
        steps._mend_for_later_go()
        library = steps.source / "vendor/github.com/modern-go/reflect2"
        assert [path.name for path in library.iterdir()] == ["new.go"]
        assert self.validator(steps).read_text() == "if data == nil || false {"

    def test_of_later_go_refuses_a_source_that_it_does_not_know(self, steps: apiserver._Build) -> None:
        self.validator(steps).write_text("package validate")
        with pytest.raises(BuildError, match="nothing to patch"):
            steps._mend_for_later_go()


class TestSteps:
    def test_finds_the_packages_that_ask_for_openapi_definitions(self, tmp_path: Path) -> None:
        steps = apiserver._Build(tmp_path, Progress())
        files = {
            "pkg/apis/abac/v0/doc.go": "// +k8s:openapi-gen=true\npackage v0",
            "pkg/other/doc.go": "package other",
            "staging/src/k8s.io/api/core/v1/doc.go": "\n// +k8s:openapi-gen=true\npackage v1",
            "staging/src/k8s.io/code-generator/doc.go": "// +k8s:openapi-gen=true\npackage x",
            "staging/src/k8s.io/api/text.go": 'var tag = "+k8s:openapi-gen=true"',
        }
        for name, text in files.items():
            path = steps.source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert steps._openapi_folders() == ["pkg/apis/abac/v0", "vendor/k8s.io/api/core/v1"]

    def test_stamps_the_version_where_the_server_and_its_clients_look(self) -> None:
        flags = apiserver._linker_flags()
        for package in apiserver.VERSION_PACKAGES:
            assert f"-X {package}.gitVersion=v{build.KUBERNETES_VERSION}" in flags

    def test_refuses_a_server_of_another_version(self, tmp_path: Path) -> None:
        steps = apiserver._Build(tmp_path, Progress())
        complete(steps.result)
        executable(steps.result / "kube-apiserver", "echo Kubernetes v0.0.0-master")
        with pytest.raises(BuildError, match=r"v0\.0\.0-master"):
            steps._checked()

    def test_refuses_a_server_that_does_not_start(self, tmp_path: Path) -> None:
        steps = apiserver._Build(tmp_path, Progress())
        executable(steps.result / "kube-apiserver", "echo 'panic: oh'; exit 2")
        with pytest.raises(BuildError, match=r"(?s)does not start.*panic: oh"):
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


def test_command_explains_what_to_do_instead(tmp_path: Path, programs: Path) -> None:
    """Run the command with an apt that always fails."""
    executable(programs / "apt-get", "exit 100")
    done = subprocess.run(
        [sys.executable, PROGRAM, "--output", tmp_path / "assets"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "was not built" in done.stderr
    assert "KUBEBUILDER_ASSETS" in done.stderr
    assert done.stdout == ""


def test_command_prints_the_folder(tmp_path: Path) -> None:
    complete(tmp_path)
    done = subprocess.run([sys.executable, PROGRAM, "--output", tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path}\n"
    assert done.stderr == ""
