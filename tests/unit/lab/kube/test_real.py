"""The launcher of the real server, with substitute programs."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unit.lab.kube.test_build import executable

from lab.kube import real
from lab.kube.real import RealKubeServer, find_assets
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


@pytest.fixture
def fails(assets: Path, tmp_path: Path) -> Callable[..., str]:
    """Return a function that starts a server and returns the message of its failure."""

    def start(**options: Any) -> str:
        with pytest.raises(LabError) as failed:
            RealKubeServer(state_dir=tmp_path / "state", assets=assets, **options).__enter__()
        return str(failed.value)

    return start


def test_assets_are_the_named_ones_or_the_built_ones(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real, "built_assets", lambda: assets.parent / "none")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    assert find_assets() == assets
    monkeypatch.delenv("KUBEBUILDER_ASSETS")
    assert find_assets() is None
    with pytest.raises(LabError, match="make kube-apiserver"):
        RealKubeServer().__enter__()
    monkeypatch.setattr(real, "built_assets", lambda: assets)
    assert find_assets() == assets
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets.parent))
    with pytest.raises(LabError, match="kube-apiserver and etcd"):
        find_assets()


def test_failed_start_shows_the_last_words_and_leaves_nothing(fails: Callable[..., str], assets: Path) -> None:
    assert re.search(r"(?s)kube-apiserver ended.*Error: no way", fails())
    with pytest.raises(ProcessLookupError):
        os.kill(int((assets / "etcd.pid").read_text()), 0)


def test_start_takes_limited_time(fails: Callable[..., str], assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(assets / "kube-apiserver", "echo 'still thinking'; exec sleep 60")
    monkeypatch.setattr(real, "START_SECONDS", 0.3)
    started = time.monotonic()
    assert re.search(r"(?s)not ready within.*still thinking", fails())
    assert time.monotonic() - started < 5


def test_failed_database_is_reported(fails: Callable[..., str], assets: Path) -> None:
    executable(assets / "etcd", "echo 'bind: address already in use'; exit 1")
    executable(assets / "kube-apiserver", "exec sleep 60")
    assert re.search(r"(?s)etcd ended.*address already in use", fails())


def test_servers_are_protected_and_command_lines_hold_no_secret(fails: Callable[..., str], assets: Path, tmp_path: Path) -> None:
    fails()
    assert "--client-cert-auth=true" in (assets / "etcd.arguments").read_text()
    arguments = (assets / "server.arguments").read_text()
    for flag in ("--authorization-mode=RBAC", "--anonymous-auth=false", "--bind-address=127.0.0.1"):
        assert flag in arguments
    assert real._Identities(tmp_path / "state/pki").token not in arguments


def test_identities_are_private_and_outlive_a_restart(tmp_path: Path) -> None:
    first, again = (real._Identities(tmp_path / "pki") for __ in range(2))
    assert again.token == first.token
    assert first.tokens.read_text() == f'{first.token},admin,admin,"system:masters"\n'
    for private in (again.folder, again.key, again.tokens):
        assert private.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("version", "gate"), [("v1.20.2", True), ("v1.21.0", False), ("v1.34.1", False)])
def test_two_families_of_service_addresses(fails: Callable[..., str], assets: Path, version: str, gate: bool) -> None:
    script = (assets / "kube-apiserver").read_text().removeprefix("#!/bin/sh\n")
    executable(assets / "kube-apiserver", f'[ "$1" = --version ] && echo Kubernetes {version} && exit\n{script}')
    fails(service_subnets=["192.168.8.0/22", "fd00:8::/112"])
    arguments = (assets / "server.arguments").read_text()
    assert "--service-cluster-ip-range=192.168.8.0/22,fd00:8::/112" in arguments
    assert ("--feature-gates=IPv6DualStack=true" in arguments) == gate
