"""The ``rotate`` action against a model of both sides: each node keeps a session, wherever a run ends."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from unit.action.running import listen, run
from unit.plugin_utils.healthy_cluster import STANDARD, Cluster

from ansible_collections.netops.aci_calico.plugins.action import rotate as action
from ansible_collections.netops.aci_calico.plugins.modules.calico_info import about_secret
from ansible_collections.netops.aci_calico.plugins.plugin_utils.rotation import units
from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.sessions import name_of

OLD, NEW, THIRD = "old-Password-1", "new-Password-2", "third-Password-3"
MAIN, NEXT = "rr-password", "rr-password-next"
RESET, BOTH = "session-reset", "session-reset,traffic-interruption"
DUAL = {
    "aci_calico_node_subnets": ["192.168.2.0/24", "fd00:192:168::/56"],
    "aci_calico_pod_subnets": ["10.1.0.0/16", "fd00:10:1::/64"],
    "aci_calico_service_subnets": ["192.168.8.0/22", "fd00:172::/112"],
}


class Killed(BaseException):
    """Ends a run as a kill does."""


class World:
    """A cluster whose sessions are up where both ends have the same password. A session that changes is down for one look.

    :ivar kill: the number of the change at which the run ends, and whether it ends within it or after it.
    :ivar deaf: DNs of peers on APIC that get another password than what is sent.
    :ivar cut: sessions (node, leaf) that are down for another reason.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **variables: Any) -> None:
        self.cluster = Cluster(**variables)
        self.plan = self.cluster.plan
        self.said = listen(monkeypatch)
        monkeypatch.setattr(action.time, "sleep", self._sleep)
        monkeypatch.setattr(action.time, "monotonic", lambda: self.clock)
        self.clock = 0.0
        self.secret = {MAIN: OLD}
        peers = [one for one in self.cluster.info["objects"] if one["kind"] == "BGPPeer"]
        self.refers = {f"BGPPeer/{one['metadata']['name']}": MAIN for one in peers}
        self.units = units(self.plan, self.info(), {}, ())
        self.apic = {dn: OLD for unit in self.units for dn in unit.dns}
        self.changes = 0
        self.kill: tuple[int, bool] | None = None
        self.deaf: set[str] = set()
        self.cut: set[tuple[str, int]] = set()
        self.alone: set[str] = set()
        self.outputs: list[str] = []
        self._ends = {key: self._passwords(*key) for key in self._sessions()}
        self._resetting: set[tuple[str, int]] = set()

    def _sleep(self, seconds: float) -> None:
        self.clock += seconds

    # --- sessions ---

    def _sessions(self) -> list[tuple[str, int]]:
        return sorted({(one["node"], one["leaf"]) for unit in self.units for one in unit.sessions})

    def _passwords(self, node: str, leaf: int) -> tuple[Any, ...]:
        """Return the passwords of both ends of a session."""
        (unit,) = (one for one in self.units if any((it["node"], it["leaf"]) == (node, leaf) for it in one.sessions))
        names = {
            f"BGPPeer/{peer['name']}" for peer in self.plan["peers"] if peer["leaf"] == leaf and peer["node"] in (None, node)
        }
        leaf_side = tuple(sorted({self.apic[dn] for dn in unit.dns}))
        return leaf_side, tuple(sorted({self.secret.get(self.refers[name], "") for name in names}))

    def _up(self) -> set[tuple[str, int]]:
        return {key for key, (ours, theirs) in self._ends.items() if ours == theirs and len(ours) == 1} - self.cut

    def _note(self) -> None:
        """Look at the sessions after a change, and note the nodes that have none."""
        for key in self._ends:
            ends = self._passwords(*key)
            if ends != self._ends[key]:
                self._resetting.add(key)
            self._ends[key] = ends
        up = {node for node, _leaf in self._up() - self._resetting}
        self.alone |= {node for node, _leaf in self._ends} - up

    # --- modules ---

    def info(self) -> dict[str, Any]:
        found: dict[str, Any] = copy.deepcopy(self.cluster.info)
        for one in found["objects"]:
            if one["kind"] == "BGPPeer":
                one["spec"]["password"]["secretKeyRef"]["key"] = self.refers[f"BGPPeer/{one['metadata']['name']}"]
        return found

    def module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == "calico_info":
            asked = {"password_sha256": "", **arguments}
            held = {key: value.encode() for key, value in self.secret.items()}
            return {"calico": {**self.info(), **about_secret(held, asked)}}
        if name == "calico_state":
            return {"state": self.cluster.state}
        if name == "aci_state":
            return {"state": self._fabric()}
        return self._changed(name, arguments)

    def _fabric(self) -> dict[str, Any]:
        """Return the sessions as the leaves report them."""
        up = self._up() - self._resetting
        leaves: dict[str, dict[str, Any]] = {}
        for one in (session for unit in self.units for session in unit.sessions):
            state = "established" if (one["node"], one["leaf"]) in up else "idle"
            reported = leaves.setdefault(str(one["leaf"]), {"sessions": []})
            reported["sessions"].append({"address": one["node_address"], "state": state, "hold": 3})
        self._resetting.clear()
        return {"leaves": leaves}

    def _changed(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.changes += 1
        killed = self.kill is not None and self.kill[0] == self.changes
        work = list(self._work(name, arguments))
        for change in work[: len(work) // 2] if killed and self.kill and self.kill[1] else work:
            change()
        self._note()
        if killed:
            raise Killed
        return {"changed": True}

    def _work(self, name: str, arguments: dict[str, Any]) -> Iterator[Any]:
        """Yield what a push changes, object by object."""
        if name == "aci_push":
            # One POST: all or nothing.
            dns = {dn: "something else" if dn in self.deaf else arguments["password"] for dn in arguments["only"]}
            yield lambda: self.apic.update(dns)
        elif name == "calico_push":
            key = arguments["plan"]["calico"]["secret"]["key"]
            assert arguments["rotating"]
            for title in arguments["only"]:
                if title.startswith("Secret/"):
                    yield lambda: self.secret.update({key: self.password})
                else:
                    yield lambda title=title: self.refers.update({title: key})
        else:
            (change,) = arguments["changes"]
            (key,) = change["manifest"]["data"]
            yield lambda: self.secret.pop(key)

    def rotate(self, password: str = NEW, consent: str = BOTH, check: bool = False) -> dict[str, Any]:
        self.password = password
        variables = {"aci_calico_bgp_password": password, "aci_calico_consent": consent}
        try:
            result = run(action, self.module, variables, check, plan=self.plan)
        except Killed:
            result = {}
        self.outputs.append(f"{result} {self.said}")
        return result

    def all_have(self, password: str) -> bool:
        """Return whether both sides have one password, and nothing of a rotation is left."""
        return (self.secret, set(self.refers.values()), set(self.apic.values())) == ({MAIN: password}, {MAIN}, {password})


Made = Any


@pytest.fixture(name="made")
def _made(monkeypatch: pytest.MonkeyPatch) -> Made:
    return lambda **variables: World(monkeypatch, **variables)


def ids(result: dict[str, Any]) -> set[str]:
    return {problem["id"] for problem in result["problems"]}


@pytest.mark.parametrize("variables", [{}, DUAL], ids=["ipv4", "dual stack"])
def test_leaf_by_leaf_each_node_keeps_a_session(made: Made, variables: dict[str, Any]) -> None:
    world = made(**variables)
    result = world.rotate(consent=RESET)
    assert world.all_have(NEW)
    assert world.alone == set()
    assert len(result["steps"]) == 11
    assert result["changed"]
    assert not [text for text in world.outputs if OLD in text or NEW in text]
    assert world.rotate()["steps"] == []
    assert "Both sides have the password" in world.outputs[-1]


def test_standard_svi_goes_node_by_node_and_wants_another_consent(made: Made) -> None:
    world = made(**STANDARD)
    assert len(world.units) == 6
    refused = world.rotate(consent=RESET)
    assert ids(refused) == {"consent-missing"}
    assert world.changes == 0
    world.rotate(consent=BOTH)
    assert world.all_have(NEW)


def test_a_spare_slot_gets_the_new_password_on_apic(made: Made) -> None:
    world = made(**STANDARD, aci_calico_spare_nodes=[{"name": "spare-1", "rack": 1}])
    spare = next(unit for unit in world.units if not unit.peers)
    world.rotate()
    assert world.apic[spare.dns[0]] == NEW
    assert world.all_have(NEW)


def test_a_spare_slot_keeps_its_password_if_the_first_node_is_given_back(made: Made) -> None:
    """No BGPPeer would say that the slot has the new one."""
    nodes = [{"name": f"node-{number}"} for number in range(1, 7)]
    racks = [{"id": 1, "leaves": [201, 202], "nodes": []}, {"id": 2, "leaves": [203, 204], "nodes": nodes}]
    world = made(**{**STANDARD, "aci_calico_racks": racks}, aci_calico_spare_nodes=[{"name": "spare-1", "rack": 1}])
    node = next(unit for unit in world.units if unit.peers)
    push = world.module

    def refusing(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == "aci_push" and arguments["password"] == NEW and arguments["only"] == list(node.dns):
            return {"failed": True, "msg": "APIC refuses it"}
        return push(name, arguments)

    world.module = refusing
    assert ids(world.rotate()) == {"rotation-given-back"}
    assert world.all_have(OLD)


def test_nothing_changes_without_consent_or_in_check_mode(made: Made) -> None:
    world = made()
    assert ids(world.rotate(consent="")) == {"consent-missing"}
    planned = world.rotate(consent="", check=True)
    assert planned["changed"]
    assert len(planned["steps"]) == 11
    assert world.changes == 0


@pytest.mark.parametrize(
    ("variables", "then"),
    [({}, NEW), ({}, OLD), ({}, THIRD), (STANDARD, OLD)],
    ids=["finished", "undone", "another password", "undone, standard"],
)
def test_a_run_killed_at_any_change_is_finished_or_undone(made: Made, variables: dict[str, Any], then: str) -> None:
    """Each change, within it or after it. The nodes of a half-changed leaf have their other one."""
    whole = made(**variables)
    whole.rotate()
    for number in range(1, whole.changes + 1):
        for within in (True, False) if then == OLD and not variables else (number % 2 == 0,):
            world = made(**variables)
            world.kill = (number, within)
            world.rotate()
            world.kill = None
            result = world.rotate(then)
            assert world.all_have(then), (number, within, result)
            assert variables or world.alone == set(), (number, within)


def test_an_undo_that_is_killed_is_completed(made: Made) -> None:
    first = made()
    first.kill = (6, False)
    first.rotate()
    first.kill = None
    first.rotate(OLD)
    for number in range(7, first.changes + 1):
        for then in (OLD, NEW):
            world = made()
            world.kill = (6, False)
            world.rotate()
            world.kill = (number, False)
            world.rotate(OLD)
            world.kill = None
            world.rotate(then)
            assert world.all_have(then)
            assert world.alone == set()


def test_a_wrong_password_on_one_side_is_noticed_at_the_first_leaf(made: Made) -> None:
    world = made()
    world.deaf = set(world.units[0].dns)
    push = world.module

    def corrected(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == "aci_push" and arguments["password"] == OLD:
            world.deaf = set()
        return push(name, arguments)

    world.module = corrected
    result = world.rotate()
    assert ids(result) == {"rotation-given-back"}
    assert world.all_have(OLD)
    assert world.alone == set()
    assert result["failed"]
    world.rotate()
    assert world.all_have(NEW)


def test_a_leaf_that_fails_later_is_given_back_alone(made: Made) -> None:
    world = made()
    push = world.module

    def refusing(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == "aci_push" and arguments["password"] == NEW and arguments["only"] == list(world.units[2].dns):
            return {"failed": True, "msg": "APIC refuses it"}
        return push(name, arguments)

    world.module = refusing
    result = world.rotate()
    assert ids(result) == {"rotation-given-back"}
    assert "leaf 203" in result["problems"][0]["problem"]
    assert world.secret == {MAIN: OLD, NEXT: NEW}
    assert [world.apic[unit.dns[0]] for unit in world.units] == [NEW, NEW, OLD, OLD]
    world.module = push
    assert len(world.rotate()["steps"]) == 8
    assert world.all_have(NEW)


def test_sessions_that_return_with_neither_password_stop_the_run(made: Made) -> None:
    world = made()
    world.deaf = set(world.units[0].dns)
    assert ids(world.rotate()) == {"rotation-stuck"}
    assert world.alone == set()
    world.deaf = set()
    world.rotate()
    assert world.all_have(NEW)


def test_a_node_whose_other_session_goes_down_stops_the_run(made: Made) -> None:
    world = made()
    push = world.module

    def cutting(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        result = push(name, arguments)
        done = world.refers[world.units[0].peers[0]] == NEXT and name == "aci_state"
        if done and {one["state"] for one in result["state"]["leaves"]["201"]["sessions"]} == {"established"}:
            world.cut = {("node-1", 201)}
        return result

    world.module = cutting
    assert ids(world.rotate()) == {"rotation-alone"}
    assert [world.apic[unit.dns[0]] for unit in world.units] == [NEW, OLD, OLD, OLD]
    world.module, world.cut = push, set()
    world.rotate()
    assert world.all_have(NEW)


def test_sessions_that_are_down_before_are_a_problem_unless_their_node_is_not_ready(made: Made) -> None:
    world = made()
    world.cut = {("node-4", 203), ("node-4", 204)}
    assert ids(world.rotate()) == {"rotation-session-down"}
    assert world.changes == 0
    world.cluster.state["ready"]["node-4"] = False
    world.rotate()
    assert world.all_have(NEW)


def test_sessions_count_unless_they_are_down_and_kubernetes_says_so_of_their_node(made: Made) -> None:
    """Kubernetes says nothing of a node whose kubelet has not reported yet, although its sessions may be up."""
    world = made()
    every = [name_of(one) for unit in world.units for one in unit.sessions]
    for said, up, counted in ((None, (), every), (False, (), []), (False, every[:2], every[:2])):
        ready = dict.fromkeys((node["name"] for node in world.plan["nodes"]), said)
        made_of = units(world.plan, world.info(), ready, up)
        assert [name_of(one) for unit in made_of for one in unit.sessions] == counted


def test_a_secret_or_a_password_that_is_missing_is_a_problem(made: Made) -> None:
    world = made()
    world.secret = {}
    assert ids(world.rotate("")) == {"rotation-secret", "password-missing"}
