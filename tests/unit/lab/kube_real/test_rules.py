"""Calico's rules between fields (CEL in its definitions), which an old kube-apiserver does not know: checked in Python.

The embedded server enforces them. Here: each rule that touches what this collection writes has a case that breaks it, and
the manifests of the example inventories break none, in either API group.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.kube.interface import CALICO_V1, CALICO_V3
from lab.kube.schema import Kind, admit, load_kinds

POOL = {"cidr": "10.1.0.0/16", "blockSize": 26, "ipipMode": "Never", "vxlanMode": "Never"}
PEER = {"peerIP": "192.168.2.201", "asNumber": 65002}
GOLDEN = Path(__file__).resolve().parents[3] / "golden"


def calico_kind(name: str, group: str = CALICO_V3) -> Kind:
    (kind,) = (kind for kind in load_kinds((group,)) if kind.kind == name and kind.custom)
    return kind


@pytest.mark.parametrize(
    ("kind", "spec", "old", "field"),
    [
        ("BGPPeer", {**PEER, "node": "node-1", "nodeSelector": "all()"}, None, "nodeSelector"),
        ("BGPPeer", {"peerIP": "192.168.2.201", "peerSelector": "all()"}, None, "peerSelector"),
        ("BGPPeer", {"asNumber": 65002, "peerSelector": "all()"}, None, "asNumber"),
        ("BGPPeer", {"asNumber": 65002, "reachableBy": "192.168.2.254"}, None, "reachableBy"),
        ("BGPPeer", {**PEER, "keepOriginalNextHop": True, "nextHopMode": "Keep"}, None, "nextHopMode"),
        (
            "BGPConfiguration",
            {"nodeToNodeMeshEnabled": False, "nodeMeshMaxRestartTime": "2m"},
            None,
            "nodeMeshMaxRestartTime",
        ),
        (
            "BGPConfiguration",
            {"nodeToNodeMeshEnabled": False, "nodeMeshPassword": {"secretKeyRef": {"name": "a", "key": "b"}}},
            None,
            "nodeMeshPassword",
        ),
        ("BGPConfiguration", {"communities": [{"name": "a", "value": "1:2"}]}, None, "communities"),
        ("BGPFilter", {"exportV4": [{"action": "Reject", "cidr": "10.0.0.0/8"}]}, None, "matchOperator"),
        ("BGPFilter", {"exportV6": [{"action": "Reject", "matchOperator": "In"}]}, None, "cidr"),
        ("BGPFilter", {"exportV4": [{"action": "Reject", "prefixLength": {"min": 8}}]}, None, "prefixLength"),
        ("IPPool", {**POOL, "cidr": "10.1.0.1/16"}, None, "cidr"),
        ("IPPool", {**POOL, "blockSize": 19}, None, "blockSize"),
        ("IPPool", {**POOL, "blockSize": 33}, None, "blockSize"),
        ("IPPool", {**POOL, "cidr": "fd00::/48", "blockSize": 112}, None, "blockSize"),
        ("IPPool", {**POOL, "cidr": "10.1.0.0/27"}, None, "block"),
        ("IPPool", {**POOL, "ipipMode": "Always", "vxlanMode": "Always"}, None, "vxlanMode"),
        ("IPPool", {**POOL, "cidr": "fd00::/48", "blockSize": 122, "ipipMode": "Always"}, None, "IPIP"),
        ("IPPool", {**POOL, "cidr": "10.2.0.0/16"}, POOL, "cidr"),
        ("IPPool", {**POOL, "blockSize": 27}, POOL, "blockSize"),
    ],
)
def test_a_manifest_that_breaks_a_rule_is_refused(kind: str, spec: Any, old: Any, field: str) -> None:
    findings = admit(calico_kind(kind), {"spec": spec}, old and {"spec": old})
    assert [field in message for _, _, message in findings.causes] == [True]


@pytest.mark.parametrize("group", [CALICO_V1, CALICO_V3])
@pytest.mark.parametrize("path", sorted(GOLDEN.rglob("kubernetes.yml")), ids=lambda path: path.parent.name)
def test_the_manifests_of_the_examples_break_no_rule_and_lose_no_field(path: Path, group: str) -> None:
    custom = {kind.kind: kind for kind in load_kinds((group,)) if kind.custom}
    manifests = [manifest for manifest in yaml.safe_load_all(path.read_text()) if manifest["kind"] in custom]
    assert {"BGPPeer", "BGPConfiguration", "IPPool"} <= {manifest["kind"] for manifest in manifests}
    for manifest in manifests:
        findings = admit(custom[manifest["kind"]], manifest)
        assert (findings.causes, findings.pruned) == ([], []), manifest
