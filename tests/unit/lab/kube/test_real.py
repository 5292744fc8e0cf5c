"""The launcher of the real server, with substitute programs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from unit.lab.kube.test_build import executable

from lab.kube import real
from lab.kube.real import ADMIN, OPERATOR, RealKubeServer, find_assets
from lab.processes import LabError


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    """Return an etcd that runs and records its process id and arguments, and a server that gives up."""
    folder = tmp_path / "assets"
    executable(folder / "etcd", f'echo $$ > {folder}/etcd.pid; echo "$@" > {folder}/etcd.arguments; exec sleep 60')
    executable(
        folder / "kube-apiserver",
        f'echo "$@" > {folder}/server.arguments; while [ ! -s {folder}/etcd.arguments ]; do sleep 0.01; done; '
        "echo 'Error: no way'; exit 1",
    )
    return folder


class TestAssets:
    def test_are_those_that_the_environment_names(self, assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
        assert find_assets() == assets

    def test_are_not_looked_for_elsewhere_when_those_are_incomplete(
        self, assets: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(real, "built_assets", lambda: assets)
        monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets.parent))
        with pytest.raises(LabError, match="kube-apiserver and etcd"):
            find_assets()

    def test_are_the_built_ones_otherwise(self, assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
        monkeypatch.setattr(real, "built_assets", lambda: assets)
        assert find_assets() == assets

    def test_are_missed_with_the_way_to_get_them(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
        monkeypatch.setattr(real, "built_assets", lambda: tmp_path / "none")
        assert find_assets() is None
        with pytest.raises(LabError, match="make kube-apiserver"):
            RealKubeServer().__enter__()


def test_a_server_that_ends_is_reported_with_its_last_words(assets: Path, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"(?s)kube-apiserver ended.*Error: no way"):
        RealKubeServer(state_dir=tmp_path / "state", assets=assets).__enter__()


def test_nothing_runs_after_a_failed_start(assets: Path, tmp_path: Path) -> None:
    with pytest.raises(LabError):
        RealKubeServer(state_dir=tmp_path / "state", assets=assets).__enter__()
    pid = int((assets / "etcd.pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_server_that_never_gets_ready_is_not_waited_for_for_ever(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(assets / "kube-apiserver", "echo 'still thinking'; exec sleep 60")
    monkeypatch.setattr(real, "START_SECONDS", 0.3)
    started = time.monotonic()
    with pytest.raises(LabError, match=r"(?s)not ready within.*still thinking"):
        RealKubeServer(state_dir=tmp_path / "state", assets=assets).__enter__()
    assert time.monotonic() - started < 5


def test_the_database_wants_a_certificate_and_no_secret_is_on_a_command_line(assets: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with pytest.raises(LabError):
        RealKubeServer(state_dir=state, assets=assets).__enter__()
    assert "--client-cert-auth=true" in (assets / "etcd.arguments").read_text()
    arguments = (assets / "server.arguments").read_text()
    for flag in ("--authorization-mode=RBAC", "--anonymous-auth=false", "--bind-address=127.0.0.1"):
        assert flag in arguments
    identities = real._Identities(state / "pki")
    for user in (ADMIN, OPERATOR):
        assert identities.token_of(user) not in arguments


def test_identities_outlive_a_restart_and_are_nobody_elses(tmp_path: Path) -> None:
    first = real._Identities(tmp_path / "pki")
    tokens = {user: first.token_of(user) for user in (ADMIN, OPERATOR)}
    again = real._Identities(tmp_path / "pki")
    assert {user: again.token_of(user) for user in tokens} == tokens
    assert tokens[ADMIN] != tokens[OPERATOR]
    assert (tmp_path / "pki").stat().st_mode & 0o077 == 0
    for private in (again.key, again.tokens):
        assert private.stat().st_mode & 0o077 == 0


def test_only_the_administrator_is_in_a_group_that_may_do_everything(tmp_path: Path) -> None:
    rows = real._Identities(tmp_path / "pki").tokens.read_text().splitlines()
    assert [row.endswith('"system:masters"') for row in rows] == [True, False]


@pytest.mark.parametrize(("version", "gate"), [("v1.20.2", True), ("v1.21.0", False), ("v1.34.1", False)])
def test_two_families_of_service_addresses(assets: Path, tmp_path: Path, version: str, gate: bool) -> None:
    script = (assets / "kube-apiserver").read_text().removeprefix("#!/bin/sh\n")
    executable(assets / "kube-apiserver", f'[ "$1" = --version ] && echo Kubernetes {version} && exit\n{script}')
    subnets = ["192.168.8.0/22", "fd00:8::/112"]
    with pytest.raises(LabError):
        RealKubeServer(state_dir=tmp_path / "state", assets=assets, service_subnets=subnets).__enter__()
    arguments = (assets / "server.arguments").read_text()
    assert "--service-cluster-ip-range=192.168.8.0/22,fd00:8::/112" in arguments
    assert ("--feature-gates=IPv6DualStack=true" in arguments) == gate


def test_a_database_that_ends_is_what_is_reported(assets: Path, tmp_path: Path) -> None:
    executable(assets / "etcd", "echo 'bind: address already in use'; exit 1")
    executable(assets / "kube-apiserver", "exec sleep 60")
    with pytest.raises(LabError, match=r"(?s)etcd ended.*address already in use"):
        RealKubeServer(state_dir=tmp_path / "state", assets=assets).__enter__()
