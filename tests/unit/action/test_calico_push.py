"""The ``calico_push`` action: the order of what it sends, the wait before the mesh goes off, and a password that nobody sees."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from unit.action.running import listen, run

from ansible_collections.netops.aci_calico.plugins.action import calico_push as action
from ansible_collections.netops.aci_calico.plugins.module_utils import journal
from ansible_collections.netops.aci_calico.plugins.module_utils.names import ASN_ANNOTATION
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import kubernetes_objects
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.standalone import cluster_plan
from lab.example import worked_example

GROUP = "crd.projectcalico.org/v1"
PASSWORD = "correct-horse"
PLAN = cluster_plan(worked_example())


class Bench:
    """A cluster with Calico as it is after installation, and modules that only say what they were asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[tuple[str, list[str]]] = []
        self.said = listen(monkeypatch)
        self.failing: dict[str, Any] = {}
        self.reads = self.looks = self.lost_at = 0
        self.manifests: list[dict[str, Any]] = []
        self.later: Callable[[dict[str, Any]], dict[str, Any]] = lambda found: found
        self.leased: dict[str, Any] = {}
        self.found = {
            "api_group": GROUP,
            "api_groups": [GROUP],
            "namespace": "kube-system",
            "namespaces": ["kube-system"],
            "nodes": {node["name"]: {"labels": {}, "annotations": {}} for node in PLAN["nodes"]},
            "objects": [],
            "password_matches": None,
            "failures": [],
        }

    def module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == "calico_info":
            self.reads += 1
            self.asked = arguments
            return {"calico": self.found if self.reads == 1 else self.later(self.found)}
        if name.endswith("_lease"):
            self.sent.append((name, [arguments["lease"]["seconds"]]))
            return {"held": name not in self.failing, "holder": None}
        if name == "verify":
            self.sent.append((name, [arguments["only"]]))
            self.pending = arguments["pending"]
            self.looks += 1
            if self.looks == self.lost_at:
                return {"failed": True, "msg": "a pod route is missing"}
            if isinstance(self.failing.get(name), Exception):
                raise self.failing[name]
            return {"failed": True, "msg": self.failing[name]} if name in self.failing else {}
        assert name == "calico_objects"
        manifests = [change["manifest"] for change in arguments["changes"]]
        assert PASSWORD not in str(manifests), "the marker stands for it"
        self.manifests += manifests
        kinds = sorted({one["kind"] for one in manifests})
        self.sent.append((arguments["changes"][0]["state"], kinds))
        titles = [f"{one['kind']}/{one['metadata']['name']}" for one in manifests]
        if f"{arguments['changes'][0]['state']} {kinds[0]}" in self.failing:
            return {"failed": True, "msg": self.failing[f"{arguments['changes'][0]['state']} {kinds[0]}"]}
        if kinds[0] in self.failing:
            return {"failed": True, "msg": self.failing[kinds[0]], "changed": True, "created": titles[:1]}
        return {"changed": True, "created": titles, "objects": [one for one in manifests if one["kind"] != "Secret"]}

    def run(self, check: bool = False, **variables: Any) -> dict[str, Any]:
        values = {"bgp_password": PASSWORD, "sessions_timeout": 60, "leased": self.leased, **variables}
        return run(action, self.module, {f"aci_calico_{name}": one for name, one in values.items()}, check, plan=PLAN)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


MESH = ("present", ["BGPConfiguration"])
ALL_ELSE = [("patched", ["Node"]), ("present", ["Secret"]), ("present", ["BGPPeer", "IPPool", "Role", "RoleBinding"])]


def test_the_mesh_goes_off_last_and_only_after_the_sessions_are_up(bench: Bench) -> None:
    result = bench.run()
    assert bench.sent == [*ALL_ELSE, ("verify", ["routes"]), MESH]
    assert result["changed"]
    assert set(result["report"]["calico"]) == {"created", "modified", "deleted", "pending", "installation"}
    assert {one["kind"] for one in result["objects"]} == {"Node", "BGPPeer", "IPPool", "Role", "RoleBinding", "BGPConfiguration"}
    assert "Secret/bgp-secrets" in result["report"]["calico"]["created"]
    assert PASSWORD not in str(result)


@pytest.mark.parametrize("failure", ["time is up", AnsibleActionFail("no answer")])
def test_without_sessions_the_mesh_stays_on(bench: Bench, failure: Any) -> None:
    bench.failing["verify"] = failure
    result = bench.run()
    assert bench.sent[-1] == ("verify", ["routes"])
    assert result["failed"]
    assert str(failure) in result["msg"]
    assert "The node-to-node mesh stays on" in result["msg"]
    assert result["changed"], "all else is sent"


def test_a_timeout_of_zero_does_not_wait(bench: Bench) -> None:
    bench.run(sessions_timeout=0)
    assert "verify" not in [what for what, __ in bench.sent]
    assert "BGPConfiguration" in str(bench.sent)


def test_check_mode_says_that_it_does_not_wait(bench: Bench) -> None:
    bench.run(check=True, sessions_timeout=45)
    assert bench.sent == [*ALL_ELSE, MESH]
    assert "wait for up to 45 s" in bench.said[0]


def test_what_was_sent_before_a_failure_counts(bench: Bench) -> None:
    bench.failing["BGPPeer"] = "https://api: HTTP status 403: BGPPeer/leaf-202: forbidden"
    result = bench.run()
    assert (result["changed"], result["failed"]) == (True, True)
    assert result["msg"] == "calico_objects: https://api: HTTP status 403: BGPPeer/leaf-202: forbidden"
    assert bench.sent == ALL_ELSE


def test_errors_are_refused_before_anything_is_sent(bench: Bench) -> None:
    bench.found["api_group"] = None
    result = bench.run()
    assert [problem["id"] for problem in result["problems"]] == ["calico-missing"]
    assert (bench.sent, result["changed"]) == ([], False)


def test_a_pending_node_is_left_out_and_not_waited_for(bench: Bench) -> None:
    del bench.found["nodes"]["node-1"]
    result = bench.run()
    assert [problem["id"] for problem in result["problems"]] == ["node-pending"]
    assert result["report"]["calico"]["pending"] == ["node-1"]
    assert bench.pending == ["node-1"]
    assert bench.sent[-1] == MESH


def by_operator(bench: Bench) -> dict[str, Any]:
    """The cluster with a pool of the operator that has encapsulation and NAT; return the pool."""
    entry = {"name": "default-ipv4-ippool", "cidr": "10.1.0.0/16", "encapsulation": "IPIP", "natOutgoing": "Enabled"}
    pool = {"apiVersion": GROUP, "kind": "IPPool", "metadata": {"name": "default-ipv4-ippool"}}
    pool["spec"] = {"cidr": "10.1.0.0/16", "ipipMode": "Always", "natOutgoing": True}
    installation = {"apiVersion": "operator.tigera.io/v1", "kind": "Installation", "metadata": {"name": "default"}}
    bench.found["objects"] = [pool, {**installation, "spec": {"calicoNetwork": {"ipPools": [entry]}}}]
    bench.found["installation"] = {"installer": "operator", "version": "3.32.1", "pools": [entry]}
    bench.found["pool_pods"] = {"default-ipv4-ippool": 0}
    return pool


def test_pods_that_rely_on_the_mesh_need_a_consent(bench: Bench) -> None:
    by_operator(bench)
    bench.found["pool_pods"] = {"default-ipv4-ippool": 9}
    bench.found["installation"]["version"] = "3.30.3"
    result = bench.run(manage_installation=True, consent="traffic-interruption")
    assert [one["id"] for one in result["problems"] if one["severity"] == "error"] == ["consent-missing"]
    assert any("node-to-node mesh end" in one["problem"] for one in result["problems"])
    assert bench.sent == []


AGREED = "traffic-interruption, session-reset"


def with_pods(bench: Bench, monkeypatch: pytest.MonkeyPatch, version: str = "3.32.1", manifests: bool = False) -> None:
    """The cluster of the operator, or of manifests, with pods, whose pools change as they are told."""
    by_operator(bench)
    bench.found["pool_pods"] = {"default-ipv4-ippool": 9}
    bench.found["installation"] |= {"version": version, "installer": "manifests" if manifests else "operator"}
    if manifests:
        del bench.found["objects"][1]
        bench.found["installation"]["pools"] = []
    monkeypatch.setattr(action, "SETTLE_SECONDS", 0)

    def obeyed(found: dict[str, Any]) -> dict[str, Any]:
        (entry,) = [one for one in bench.manifests if one["kind"] == "Installation"][-1]["spec"]["calicoNetwork"]["ipPools"]
        assert entry["encapsulation"] == "None"
        later = copy.deepcopy(found)
        later["objects"][0]["spec"] = {"cidr": "10.1.0.0/16", "natOutgoing": entry["natOutgoing"] == "Enabled"}
        return later

    bench.later = obeyed


def kinds_sent(bench: Bench) -> list[str]:
    """Return what was sent after all else, and ``verify`` for each look at the routes."""
    return [what if what == "verify" else f"{what} {'+'.join(kinds)}" for what, kinds in bench.sent[len(ALL_ELSE) :]]


def test_encapsulation_nat_and_mesh_are_steps_of_their_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with_pods(bench, monkeypatch, manifests=True)
    result = bench.run(consent=AGREED)
    assert "failed" not in result
    steps = ["verify", "present IPPool", "verify", "present IPPool", "verify", "present BGPConfiguration", "verify"]
    assert kinds_sent(bench) == [*steps, "patched Node"]
    first, second = [one for one in bench.manifests if one["kind"] == "IPPool"]
    assert (first["spec"]["ipipMode"], "natOutgoing" in first["spec"]) == ("Never", False)
    assert second["spec"] == {"natOutgoing": False}
    made = result["report"]["calico"]["created"]
    assert len(made) == len(set(made)), "an object that changes twice is one"


def test_the_operator_takes_encapsulation_and_nat_one_by_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with_pods(bench, monkeypatch)
    assert "failed" not in bench.run(consent=AGREED, manage_installation=True)
    one = ["present Installation", "verify"]
    assert kinds_sent(bench) == ["verify", *one, *one, "present BGPConfiguration", "verify", "patched Node"]


@pytest.mark.parametrize(
    ("look", "step", "kind", "spec"),
    [
        (2, "the encapsulation of pools", "IPPool", {"ipipMode": "Always", "vxlanMode": None}),
        (3, "the source NAT of pools", "IPPool", {"natOutgoing": True}),
        (4, "the node-to-node mesh", "BGPConfiguration", {"nodeToNodeMeshEnabled": True, "asNumber": None}),
    ],
)
def test_a_step_that_loses_routes_is_put_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, look: int, step: str, kind: str, spec: dict[str, Any]
) -> None:
    with_pods(bench, monkeypatch, manifests=True)
    bench.lost_at = look
    result = bench.run(consent=AGREED)
    assert result["failed"]
    assert f"a pod route is missing. After the change of {step}, the nodes' routes did not come back within 60 s" in result["msg"]
    assert f"{kind}/{'default' if kind == 'BGPConfiguration' else 'default-ipv4-ippool'} was put back" in result["msg"]
    assert bench.sent[-1] == ("patched", [kind])
    assert bench.manifests[-1]["spec"].items() >= spec.items()


def test_an_installation_that_loses_routes_is_put_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with_pods(bench, monkeypatch)
    bench.lost_at = 3
    assert "the source NAT of pools" in bench.run(consent=AGREED, manage_installation=True)["msg"]
    (entry,) = bench.manifests[-1]["spec"]["calicoNetwork"]["ipPools"]
    assert (entry["encapsulation"], entry["natOutgoing"]) == ("None", "Enabled"), "the first step stays"
    bench.sent.clear()
    bench.reads, bench.looks, bench.lost_at = 0, 0, 2
    assert "the encapsulation of pools" in bench.run(consent=AGREED, manage_installation=True)["msg"]
    (entry,) = bench.manifests[-1]["spec"]["calicoNetwork"]["ipPools"]
    assert (entry["encapsulation"], entry["natOutgoing"]) == ("IPIP", "Enabled")


def test_a_step_that_cannot_be_put_back_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with_pods(bench, monkeypatch, manifests=True)
    bench.lost_at, bench.failing["patched IPPool"] = 2, "HTTP status 503"
    message = bench.run(consent=AGREED)["msg"]
    assert "IPPool/default-ipv4-ippool could not be put back, do it by hand: calico_objects: HTTP status 503" in message


def test_the_mesh_keeps_its_as_number_where_calico_can(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with_pods(bench, monkeypatch, manifests=True)
    bench.run(consent="traffic-interruption")
    asn = [one["metadata"]["annotations"].get(ASN_ANNOTATION) for one in bench.manifests if one["kind"] == "Node"]
    assert asn == [None] * 6 + ["65003"] * 6
    assert bench.sent[-1] == ("patched", ["Node"])
    assert {one["spec"]["localASNumber"] for one in bench.manifests if one["kind"] == "BGPPeer"} == {65003}


def test_an_older_calico_interrupts_the_mesh_and_wants_a_consent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with_pods(bench, monkeypatch, version="3.30.3", manifests=True)
    result = bench.run(consent="traffic-interruption")
    (missing,) = [one for one in result["problems"] if one["severity"] == "error"]
    assert "sessions of the node-to-node mesh end" in missing["problem"]
    assert "2 to 3 s" in missing["problem"] + missing["remedy"]
    bench.reads = 0
    assert "failed" not in bench.run(consent=AGREED)
    assert "localASNumber" not in str(bench.manifests)


def test_pools_of_the_operator_are_handed_over_with_the_mesh_on(bench: Bench) -> None:
    by_operator(bench)
    result = bench.run()
    assert result["failed"]
    assert "The node-to-node mesh stays on" in result["msg"]
    assert "encapsulation: None" in result["snippet"]
    assert any("encapsulation: None" in line for line in bench.said)
    assert bench.sent[-1] == ("verify", ["routes"])
    assert "BGPConfiguration" not in str(bench.sent)


def test_the_installation_is_changed_and_awaited_before_the_mesh_goes_off(bench: Bench) -> None:
    by_operator(bench)

    def obeyed(found: dict[str, Any]) -> dict[str, Any]:
        later = copy.deepcopy(found)
        later["objects"][0]["spec"] = {"cidr": "10.1.0.0/16"}
        return later

    bench.later = obeyed
    result = bench.run(manage_installation=True)
    assert "failed" not in result
    assert bench.sent[-3:] == [("verify", ["routes"]), ("present", ["Installation"]), MESH]


def test_kubespray_gets_its_variables(bench: Bench) -> None:
    bench.found["installation"] = {"installer": "kubespray", "version": "3.30.1"}
    bench.run()
    text = "\n".join(bench.said)
    assert "calico_ipip_mode: Never" in text
    assert "peer_with_router: true" in text
    assert f"global_as_num: '{PLAN['cluster_asn']}'" in text


def test_an_operator_that_does_not_obey_leaves_the_mesh_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    by_operator(bench)
    bench.found["installation"]["degraded"] = ["it is degraded"]
    monkeypatch.setattr(action, "OPERATOR_SECONDS", 0)
    monkeypatch.setattr(action, "OPERATOR_INTERVAL", 0)
    result = bench.run(manage_installation=True)
    assert "it is degraded" in result["msg"]
    assert bench.sent[-1] == ("present", ["Installation"])


def test_a_consent_of_the_run_lets_the_new_password_pass(bench: Bench) -> None:
    secret = next(one for one in kubernetes_objects(PLAN) if one["kind"] == "Secret")
    bench.found["objects"].append({name: value for name, value in secret.items() if name != "stringData"})
    bench.found["password_matches"] = False
    refused = bench.run(update_password="always")
    assert [problem["id"] for problem in refused["problems"]] == ["consent-missing"]
    assert bench.sent == []
    assert "failed" not in bench.run(update_password="always", consent="route-loss, session-reset")


def test_each_difference_is_shown_and_that_of_the_secret_is_not(bench: Bench) -> None:
    shown = {change["after_header"]: change for change in bench.run()["diff"]}
    assert shown["BGPConfiguration/default"]["after"]["spec"]["nodeToNodeMeshEnabled"] is False
    assert shown["Secret/bgp-secrets"]["after"]["data"] == "a new value, not shown"


LEASE = {"content": {"run": "3f2a"}, "held": {"apic": "", "kubernetes": "calico-system"}}


def test_both_leases_hold_for_the_time_of_the_wait(bench: Bench) -> None:
    bench.leased, bench.found["lease"] = {"lease": LEASE}, {"run": "3f2a"}
    bench.run()
    assert bench.asked["lease_namespace"] == "calico-system"
    waits, ends = ([("aci_lease", [seconds]), ("calico_lease", [seconds])] for seconds in (240, 180))
    assert bench.sent == [*ALL_ELSE, *waits, ("verify", ["routes"]), *ends, MESH]


@pytest.mark.parametrize("lease", [None, {"run": "77", "holder": "bob@ctl"}])
def test_without_the_lease_nothing_is_sent(bench: Bench, lease: Any) -> None:
    bench.leased, bench.found["lease"] = {"lease": LEASE}, lease
    result = bench.run()
    assert [problem["id"] for problem in result["problems"]] == ["lease-lost"]
    assert (bench.sent, result["changed"]) == ([], False)


def test_a_lease_that_is_lost_during_the_wait_leaves_the_mesh_on(bench: Bench) -> None:
    bench.leased, bench.found["lease"], bench.failing["aci_lease"] = {"lease": LEASE}, {"run": "3f2a"}, True
    result = bench.run()
    assert [problem["id"] for problem in result["problems"]] == ["lease-lost"]
    assert MESH not in bench.sent


def test_a_lease_that_was_seen_a_while_ago_is_checked_before_the_next_change(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(range(0, 10000, 11))
    monkeypatch.setattr(action.time, "time", lambda: next(times))
    bench.leased, bench.found["lease"], bench.failing["calico_lease"] = {"lease": LEASE}, {"run": "3f2a"}, True
    assert bench.run()["failed"]
    assert bench.sent == [("calico_lease", [180])]


def test_the_journal_is_written_before_the_first_change(bench: Bench, tmp_path: Path) -> None:
    lease = {"content": {"run": "3f2a", "since": "2026-11-28T18:31:12Z"}, "held": {"kubernetes": "calico-system"}}
    bench.leased, bench.found["lease"] = {"lease": lease}, {"run": "3f2a"}
    file = tmp_path / "prod1" / "journal" / "20261128T183112Z-3f2a.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}", encoding="utf-8")
    result = bench.run(artifacts_dir=str(tmp_path))
    assert ([problem["id"] for problem in result["problems"]], bench.sent) == (["journal-unwritable"], [])
    file.unlink()
    bench.reads = 0
    bench.run(artifacts_dir=str(tmp_path))
    content = journal.read(str(file))
    assert list(content["before"]) == ["kubernetes"]
    assert "Secret/bgp-secrets" in content["changes"][0]["created"]
    assert PASSWORD not in file.read_text(encoding="utf-8")
    file.unlink()
    bench.reads = 0
    bench.run(check=True, artifacts_dir=str(tmp_path))
    assert not file.exists()


def test_a_side_that_the_rehearsal_found_as_planned_is_not_read_again(bench: Bench) -> None:
    settled = {"pending": ["node-6"], "installation": "Calico v3.30.0 by its manifests"}
    result = bench.run(leased={"as_planned": {"kubernetes": settled}})
    assert (bench.reads, bench.sent, result["changed"]) == (0, [], False)
    assert result["report"]["calico"] == {"created": [], "modified": [], "deleted": [], **settled}
