"""Calico's kinds: dropped fields, defaults and wrong values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.kube.interface import CALICO_V1, CALICO_V3
from lab.kube.schema import Kind, admit, load_kinds

GOLDEN = Path(__file__).resolve().parents[3] / "golden"


def kind_of(name: str, group: str = CALICO_V1) -> Kind:
    return next(kind for kind in load_kinds((group,)) if kind.kind == name)


def admitted(kind: str, spec: Any, old: Any = None, group: str = CALICO_V1):
    """Return the outcome, and the object's spec afterwards."""
    obj = {"metadata": {"name": "x"}, "spec": spec}
    outcome = admit(kind_of(kind, group), obj, {"spec": old} if old else None)
    return outcome, obj["spec"]


def test_unknown_fields_are_dropped_at_every_depth():
    spec = {"peerIP": "192.0.2.1", "keepAlive": "1s", "password": {"secretKeyRef": {"key": "k", "nmae": "n"}}}
    outcome, left = admitted("BGPPeer", spec)
    assert sorted(outcome.pruned) == ["spec.keepAlive", "spec.password.secretKeyRef.nmae"]
    assert left == {"peerIP": "192.0.2.1", "password": {"secretKeyRef": {"key": "k", "name": ""}}}
    obj = {"metadata": {"name": "x"}, "spec": {}, "extra": 1}
    assert admit(kind_of("BGPPeer"), obj).pruned == ["extra"]
    assert "extra" not in obj


def test_defaults_are_filled_in_and_nulls_are_nothing():
    __, spec = admitted("IPPool", {"cidr": "10.1.0.0/16", "disabled": None})
    assert spec == {"cidr": "10.1.0.0/16", "assignmentMode": "Automatic", "nodeSelector": "all()"}


def test_everything_wrong_is_said_at_once():
    outcome, __ = admitted("BGPPeer", {"asNumber": "65002", "node": 1, "nextHopMode": "Me", "password": {"secretKeyRef": {}}})
    assert [path for path, __, __ in outcome.causes] == [
        "spec.asNumber",
        "spec.node",
        "spec.nextHopMode",
        "spec.password.secretKeyRef.key",
    ]


@pytest.mark.parametrize(
    ("kind", "spec", "path"),
    [
        ("BGPPeer", {"asNumber": 4200000000}, "spec.asNumber"),
        ("BGPPeer", {"asNumber": True}, "spec.asNumber"),
        ("BGPPeer", {"node": "n" * 254}, "spec.node"),
        ("BGPPeer", {"filters": "aci"}, "spec.filters"),
        ("BGPPeer", {"filters": [1]}, "spec.filters[0]"),
        ("BGPPeer", [], "spec"),
        ("BGPConfiguration", {"serviceClusterIPs": [{"cidr": "10.0.0.0"}]}, "spec.serviceClusterIPs[0].cidr"),
        ("BGPConfiguration", {"logSeverityScreen": "loud"}, "spec.logSeverityScreen"),
        ("BGPConfiguration", {"listenPort": 65536}, "spec.listenPort"),
        ("BGPConfiguration", {"listenPort": 0}, "spec.listenPort"),
        ("BGPConfiguration", {"communities": [{"name": "a", "value": "1"}]}, "spec.communities[0].value"),
        ("BGPFilter", {"exportV4": [{"source": "RemotePeers"}]}, "spec.exportV4[0].action"),
        ("IPPool", {"blockSize": 26}, "spec.cidr"),
        ("IPPool", {"cidr": "10.1.0.0/16", "ipipMode": "Sometimes"}, "spec.ipipMode"),
        ("BlockAffinity", {"cidr": "10.1.0.0/26", "deleted": "false", "node": "n"}, "spec.state"),
    ],
)
def test_wrong_values(kind, spec, path):
    outcome, __ = admitted(kind, spec)
    assert [cause[0] for cause in outcome.causes] == [path]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("BGPPeer", {"node": "n", "nodeSelector": "all()"}),
        ("BGPPeer", {"peerIP": "192.0.2.1", "peerSelector": "all()"}),
        ("BGPPeer", {"asNumber": 1, "peerSelector": "all()"}),
        ("BGPPeer", {"reachableBy": "192.0.2.1"}),
        ("BGPPeer", {"localWorkloadSelector": "all()"}),
        ("BGPPeer", {"keepOriginalNextHop": True, "nextHopMode": "Self"}),
        ("BGPConfiguration", {"nodeToNodeMeshEnabled": False, "nodeMeshMaxRestartTime": "1s"}),
        ("BGPConfiguration", {"communities": [{"name": "a", "value": "1:2"}]}),
        ("BGPFilter", {"exportV4": [{"action": "Reject", "cidr": "10.0.0.0/8"}]}),
        ("BGPFilter", {"importV6": [{"action": "Reject", "prefixLength": {"min": 1}}]}),
        ("BGPFilter", {"exportV4": [{"action": "Reject", "operations": [{}]}]}),
        ("IPPool", {"cidr": "10.1.0.1/16"}),
        ("IPPool", {"cidr": "10.1.0.0/27"}),
        ("IPPool", {"cidr": "10.1.0.0/16", "blockSize": 19}),
        ("IPPool", {"cidr": "2001:db8::/64", "blockSize": 64}),
        ("IPPool", {"cidr": "2001:db8::/64", "ipipMode": "Always"}),
        ("IPPool", {"cidr": "10.1.0.0/16", "ipipMode": "Always", "vxlanMode": "Always"}),
    ],
)
def test_fields_that_contradict_each_other(kind, spec):
    outcome, __ = admitted(kind, spec)
    assert [(path, reason) for path, reason, __ in outcome.causes] == [("spec", "FieldValueForbidden")]


@pytest.mark.parametrize("change", [{"cidr": "10.2.0.0/16"}, {"blockSize": 27}])
def test_a_pool_keeps_its_addresses(change):
    pool = {"cidr": "10.1.0.0/16", "blockSize": 26}
    assert not admitted("IPPool", dict(pool), old=pool)[0].causes
    assert admitted("IPPool", {**pool, **change}, old=pool)[0].causes


def test_native_v3_wants_a_spec():
    """Require a spec in ``projectcalico.org/v3``, but not in ``crd.projectcalico.org``."""
    for group, causes in ((CALICO_V3, 1), (CALICO_V1, 0)):
        assert len(admit(kind_of("BGPPeer", group), {"metadata": {"name": "x"}}).causes) == causes


def test_kinds_of_kubernetes_itself_are_taken_as_they_are():
    obj = {"metadata": {"name": "x"}, "spec": {"anything": 1}}
    outcome = admit(kind_of("Node"), obj)
    assert not outcome.causes
    assert not outcome.pruned
    assert obj["spec"] == {"anything": 1}


@pytest.mark.parametrize("group", [CALICO_V1, CALICO_V3])
@pytest.mark.parametrize("path", sorted(GOLDEN.rglob("kubernetes.yml")), ids=lambda path: path.parent.name)
def test_examples_break_no_rule_and_lose_no_field(path: Path, group: str) -> None:
    """Check the manifests of the example inventories.

    Only this check covers the rules between fields: the lab's real server is older than Calico's CEL rules.
    """
    custom = {kind.kind: kind for kind in load_kinds((group,)) if kind.custom}
    manifests = [manifest for manifest in yaml.safe_load_all(path.read_text()) if manifest["kind"] in custom]
    assert {"BGPPeer", "BGPConfiguration", "IPPool"} <= {manifest["kind"] for manifest in manifests}
    for manifest in manifests:
        outcome = admit(custom[manifest["kind"]], manifest)
        assert (outcome.causes, outcome.pruned) == ([], []), manifest
