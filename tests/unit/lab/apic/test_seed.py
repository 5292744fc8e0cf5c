"""The initial fabric."""

from __future__ import annotations

from lab.apic.apic import Apic
from lab.apic.seed import Seed


def test_the_default_fabric() -> None:
    tree = Apic(Seed.load()).tree
    roles = [node.values["role"] for node in tree.of_class("fabricNode")]
    assert (roles.count("controller"), roles.count("spine"), roles.count("leaf")) == (3, 2, 20)
    assert len(tree.of_class("topSystem")) == 25
    assert tree.get("uni/fabric/bgpInstP-default/as").values["asn"] == "65002"
    assert {node.values["id"] for node in tree.get("uni/fabric/protpol/expgep-vpc-201-202").children_of("fabricNodePEp")} == {
        "201",
        "202",
    }
    assert tree.get("topology/pod-1/node-201/sys/vpc/inst/dom-201").values["peerSt"] == "up"
    assert tree.get("topology/pod-1/protpaths-201-202/pathep-[vpc-node-1]")
    assert tree.get("uni/infra/vlanns-[k8s]-static/from-[vlan-300]-to-[vlan-499]")
    assert tree.get("uni/phys-k8s/rsvlanNs").values["state"] == "formed"
    assert tree.get("uni/infra/attentp-k8s/rsdomP-[uni/l3dom-k8s-l3]").values["state"] == "formed"
    assert tree.get("uni/tn-common/ctx-calico").values["bdEnforcedEnable"] == "no"
    assert tree.get("topology/pod-1/node-1/sys/ctrlrfwstatuscont/ctrlrrunning").values["version"] == "6.0(9c)"
    assert tree.of_class("faultInst") == []


def test_objects_add_anything_else() -> None:
    tree = Apic(Seed({"objects": {"uni/tn-x/ctx-v": {"bdEnforcedEnable": "yes"}, "uni/tn-x": None}})).tree
    assert tree.get("uni/tn-x/ctx-v").values["bdEnforcedEnable"] == "yes"


def test_a_fabric_of_its_own() -> None:
    tree = Apic(Seed({"version": "5.2(8e)", "asn": 65100, "pods": [{"id": 2, "leaves": [301]}]})).tree
    assert tree.get("topology/pod-2/node-301/sys").values["version"] == "5.2(8e)"
    assert tree.get("uni/fabric/bgpInstP-default/as").values["asn"] == "65100"
    assert tree.get("uni/userext/user-admin").secrets == {"pwd": "admin"}
