"""The twins that the lab starts and ends, and their folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.twin.apic import Access
from lab.twin.runner import PASSWORD_VARIABLE, TwinRunner
from lab.twins import Twins

APIC = Access("https://apic", "admin", "secret", "/ca.pem")


class Machine:
    """The running twins by the name of their folder, and all starts so far."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.twins = Twins(folder)
        self.folder = folder
        self.groups: list[tuple[str, list[str]]] = []
        self.running: dict[str, list[str]] = {}
        self.started: list[str] = []
        self.password = ""
        patch.setattr("lab.twins.group", lambda _apic, _kubeconfigs: self.groups)

        def up(twin: TwinRunner, arguments: list[str], **environment: str) -> None:
            self._up(twin, arguments, **environment)

        patch.setattr(TwinRunner, "up", up)
        patch.setattr(TwinRunner, "down", lambda twin: bool(self.running.pop(twin.folder.name, None)))

    def _up(self, twin: TwinRunner, arguments: list[str], **environment: str) -> None:
        name, self.password = twin.folder.name, environment[PASSWORD_VARIABLE]
        if name not in self.running:
            self.running[name] = arguments
            self.started.append(name)

    def up(self, *clusters: str, groups: list[tuple[str, list[str]]]) -> list[str]:
        """Start twins; return the clusters of each."""
        self.groups = groups
        names = sorted(name for __, group in groups for name in group)
        kubeconfigs = {name: self.folder / f"{name}.kubeconfig" for name in names}
        return list(self.twins.up(clusters or names, kubeconfigs, APIC))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine without running twins."""
    return Machine(tmp_path / "twin", monkeypatch)


def test_clusters_of_a_vrf_share_a_twin(machine: Machine) -> None:
    groups = [("prod:prod", ["east", "west"]), ("common:calico", ["prod1"]), ("", ["shop"])]
    assert machine.up(groups=groups) == ["east, west", "prod1", "shop"]
    folder = machine.folder
    assert machine.running == {
        "east": [
            *("--apic", "https://apic", "--kubeconfig", f"{folder}/east.kubeconfig"),
            *("--kubeconfig", f"{folder}/west.kubeconfig", "--vrf", "prod:prod"),
        ],
        "prod1": ["--apic", "https://apic", "--kubeconfig", f"{folder}/prod1.kubeconfig", "--vrf", "common:calico"],
        "shop": ["--apic", "https://apic", "--kubeconfig", f"{folder}/shop.kubeconfig"],
    }
    assert machine.password == "secret"
    assert (folder / "west").resolve() == folder / "east"


def test_a_twin_is_found_by_each_of_its_clusters(machine: Machine) -> None:
    machine.up(groups=[("prod:prod", ["east", "west"])])
    found = machine.twins.of(["east", "prod1", "west"])
    assert {names: twin.folder.name for names, twin in found.items()} == {"east, west": "east", "prod1": "prod1"}
    assert [twin.folder.name for twin in machine.twins.of(["west"]).values()] == ["east"]
    assert list(machine.twins.every()) == ["east, west"]


def test_up_starts_the_twins_of_wanted_clusters_once(machine: Machine) -> None:
    groups = [("prod:prod", ["east", "west"]), ("common:calico", ["prod1"])]
    assert machine.up("west", groups=groups) == ["east, west"]
    assert list(machine.running) == ["east"]
    machine.up(groups=groups)
    machine.up(groups=groups)
    assert machine.started == ["east", "prod1"]


def test_a_cluster_that_joins_a_vrf_joins_its_twin(machine: Machine) -> None:
    machine.up(groups=[("prod:prod", ["west"]), ("", ["east"])])
    (machine.folder / "west" / "cabling.json").write_text("{}")
    assert machine.up(groups=[("prod:prod", ["east", "west"])]) == ["east, west"]
    assert list(machine.running) == ["east"]
    assert len(machine.running["east"]) == 8
    assert (machine.folder / "west").is_symlink()


def test_a_cluster_that_leaves_a_vrf_has_a_twin_of_its_own(machine: Machine) -> None:
    machine.up(groups=[("prod:prod", ["east", "prod2", "west"])])
    assert machine.up(groups=[("prod:prod", ["east", "west"]), ("shop:shop", ["prod2"])]) == ["east, west", "prod2"]
    assert sorted(machine.running) == ["east", "prod2"]
    assert not (machine.folder / "prod2").is_symlink()
    assert machine.started == ["east", "east", "prod2"]


def test_a_twin_whose_first_cluster_left_is_led_by_the_next(machine: Machine) -> None:
    machine.up(groups=[("prod:prod", ["east", "prod2", "west"])])
    assert machine.up(groups=[("", ["east"]), ("prod:prod", ["prod2", "west"])]) == ["east", "prod2, west"]
    assert sorted(machine.running) == ["east", "prod2"]
    assert (machine.folder / "west").resolve() == machine.folder / "prod2"
