"""BIRD 1.6 on machines whose own packages lack it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.kube.build.apt import PrivateApt
from lab.twin import bird_package


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder that is searched in addition to the unpacked package."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    own = bird_package.search_path().split(":")[0]
    monkeypatch.setattr(bird_package, "search_path", lambda: f"{own}:{tmp_path}")
    return tmp_path


def test_takes_what_the_machine_has(path: Path) -> None:
    (path / "bird6").touch(mode=0o755)
    assert bird_package.fetch() == str(path / "bird6")


def test_unpacks_the_package_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask apt for the package's name and suite, and unpack a package that the test builds."""
    asked: list[object] = []

    def download(_apt: PrivateApt, into: Path, binaries: list[str]) -> None:
        asked.append(binaries)
        (into / "root/DEBIAN").mkdir(parents=True)
        (into / "root/DEBIAN/control").write_text(
            "Package: bird\nVersion: 1.6.8\nArchitecture: all\nMaintainer: none\nDescription: none\n"
        )
        (into / "root/usr/sbin").mkdir(parents=True)
        (into / "root/usr/sbin/bird6").touch(mode=0o755)
        subprocess.run(["dpkg-deb", "--build", into / "root", into / "bird_1.6.8_all.deb"], check=True)

    monkeypatch.setattr(bird_package, "system_mirror", lambda: "mirror")
    monkeypatch.setattr(PrivateApt, "update", lambda _apt, suites: asked.append(suites))
    monkeypatch.setattr(PrivateApt, "download", download)
    program = bird_package.fetch()
    assert program == str(path / "cache/netops.aci_calico/bird/usr/sbin/bird6")
    assert bird_package.fetch() == program
    assert asked == [{"bookworm": "deb"}, ["bird/bookworm"]]
