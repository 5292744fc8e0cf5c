"""The class table and distinguished names."""

from __future__ import annotations

import pytest

from lab.apic import values
from lab.apic.errors import ApicError
from lab.apic.model import class_table

TABLE = class_table()


def test_every_reference_in_the_table_leads_somewhere() -> None:
    for info in TABLE.classes.values():
        assert info.containers <= TABLE.classes.keys() | {"*"}, info.name
        assert set(info.implicit) <= TABLE.classes.keys(), info.name
        assert set(info.naming_in_rn) <= info.properties.keys(), info.name
        assert not info.relation or not info.relation.by or info.relation.by in info.properties, info.name
        if info.relation and info.relation.tracked:
            assert TABLE.concrete(info.relation.to), info.name


#: defaults that cannot be set
UNSET = {
    ("fvBD", "vmac"),
    ("bgpAsP", "asn"),
    ("bgpLocalAsnP", "localAsn"),
    ("fabricExplicitGEp", "id"),
    ("aaaUser", "unixUserId"),
    ("fvCtx", "vrfIndex"),
}


def test_every_default_is_a_value_that_the_property_may_have() -> None:
    odd = set()
    for info in TABLE.classes.values():
        for prop in info.properties.values():
            if prop.read_only or not prop.default:
                continue
            try:
                stored = values.normalise(prop.spec, prop.default)
            except ValueError:
                stored = None
            if stored != prop.default:
                odd.add((info.name, prop.name))
    assert odd == UNSET


@pytest.mark.parametrize(
    ("dn", "cls", "naming"),
    [
        ("uni", "polUni", {}),
        ("uni/tn-[common]", "fvTenant", {"name": "common"}),
        ("uni/tn-a/out-o/lnodep-n/lifp-[l]", "l3extLIfP", {"name": "l"}),
        (
            "uni/tn-a/out-o/lnodep-n/lifp-l/vlifp-[topology/pod-1/node-201]-[vlan-300]",
            "l3extVirtualLIfP",
            {"nodeDn": "topology/pod-1/node-201", "encap": "vlan-300"},
        ),
        (
            "uni/tn-a/out-o/lnodep-n/lifp-l/rspathL3OutAtt-[topology/pod-1/protpaths-201-202/pathep-[vpc-1]]/mem-A",
            "l3extMember",
            {"side": "A"},
        ),
        (
            "uni/tn-a/ctx-v/rsctxToBgpCtxAfPol-[p]-ipv4-ucast",
            "fvRsCtxToBgpCtxAfPol",
            {"tnBgpCtxAfPolName": "p", "af": "ipv4-ucast"},
        ),
        ("uni/infra/vlanns-[k8s]-static/from-[vlan-1]-to-[vlan-2]", "fvnsEncapBlk", {"from": "vlan-1", "to": "vlan-2"}),
        ("uni/tn-a/annotationKey-x", "tagAnnotation", {"key": "x"}),
        ("uni/tn-a/annotationKey-[orchestrator:x]", "tagAnnotation", {"key": "orchestrator:x"}),
        ("topology/pod-1/node-201/sys/uribv4/dom-common:calico/db-rt/rt-[10.1.0.0/26]", "uribv4Route", {"prefix": "10.1.0.0/26"}),
    ],
)
def test_resolves(dn: str, cls: str, naming: dict[str, str]) -> None:
    _rn, info, found = TABLE.resolve(dn)[-1]
    assert (info.name, found) == (cls, naming)


@pytest.mark.parametrize(
    ("dn", "text"),
    [
        ("uni/foo-x", "Invalid DN uni/foo-x, wrong rn prefix foo-x at position 2"),
        (
            "uni/tn-a/out-o/lnodep-n/lifp-l/vlifp-[topology/pod-1/node-201]-[vlan-5000]",
            "Invalid RN vlifp-[topology/pod-1/node-201]-[vlan-5000]",
        ),
    ],
)
def test_refuses_impossible_names(dn: str, text: str) -> None:
    with pytest.raises(ApicError) as refused:
        TABLE.resolve(dn)
    assert (refused.value.code, str(refused.value)) == ("104", text)


def test_tags_go_only_where_a_class_takes_them() -> None:
    assert TABLE.may_contain(TABLE["l3extOut"], TABLE["tagAnnotation"])
    assert not TABLE.may_contain(TABLE["tagAnnotation"], TABLE["tagAnnotation"])
