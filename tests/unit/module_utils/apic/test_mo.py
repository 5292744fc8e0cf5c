"""Names and values of managed objects."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.module_utils.apic import mo


@pytest.mark.parametrize(
    ("cls", "attributes", "rn"),
    [
        ("l3extOut", {"name": "x"}, "out-x"),
        ("l3extRsEctx", {}, "rsectx"),
        ("l3extSubnet", {"ip": "2001:DB8:0::/48"}, "extsubnet-[2001:db8::/48]"),
        (
            "l3extVirtualLIfP",
            {"nodeDn": "topology/pod-1/node-201", "encap": "vlan-300"},
            "vlifp-[topology/pod-1/node-201]-[vlan-300]",
        ),
        ("fvRsCtxToBgpCtxAfPol", {"tnBgpCtxAfPolName": "e", "af": "ipv4-ucast"}, "rsctxToBgpCtxAfPol-[e]-ipv4-ucast"),
    ],
)
def test_relative_name_and_back(cls, attributes, rn):
    found = mo.CLASSES[cls]
    assert found.rn(attributes) == rn
    assert found.naming_of(rn) == {name: mo.canonical(name, value) for name, value in attributes.items()}


def test_no_relative_name_without_its_naming_property():
    assert mo.CLASSES["l3extOut"].rn({"descr": "x"}) is None
    assert mo.CLASSES["l3extOut"].naming_of("lnodep-x") is None


def test_slash_in_brackets_separates_nothing():
    dn = "uni/tn-t/out-o/lnodep-n/lifp-i/rspathL3OutAtt-[topology/pod-1/protpaths-1-2/pathep-[vpc/x]]/peerP-[10.0.0.1]"
    assert mo.split_dn(dn)[-2:] == ["rspathL3OutAtt-[topology/pod-1/protpaths-1-2/pathep-[vpc/x]]", "peerP-[10.0.0.1]"]
    assert mo.parent_dn(mo.parent_dn(dn)) == "uni/tn-t/out-o/lnodep-n/lifp-i"
    assert mo.last_rn(dn) == "peerP-[10.0.0.1]"
    assert mo.last_rn(mo.parent_dn(dn)) == "rspathL3OutAtt-[topology/pod-1/protpaths-1-2/pathep-[vpc/x]]"
    assert mo.parent_dn("uni") == ""
    assert mo.last_rn("uni") == "uni"


@pytest.mark.parametrize(
    ("dn", "path"),
    [
        ("uni/tn-t", ("fvTenant",)),
        ("uni/tn-t/ctx-v/any", ("fvTenant", "fvCtx", "vzAny")),
        ("uni/tn-t/prof-p/ctx-c", ("fvTenant", "rtctrlProfile", "rtctrlCtxP")),
        ("uni/tn-t/brc-c/subj-s", ("fvTenant", "vzBrCP", "vzSubj")),
        ("uni/tn-t/nothing-known", None),
    ],
)
def test_classes_on_the_way(dn, path):
    assert mo.class_path("fvTenant", "uni/tn-t", dn) == path


@pytest.mark.parametrize(
    ("prop", "forms"),
    [
        ("enforceRtctrl", ["import,export", "export,import", "export, import"]),
        ("ctrl", ["", "0", "none", "unspecified"]),
        ("rtrIdLoopBack", ["true", "yes"]),
        ("aggregate", ["false", "no"]),
        ("addr", ["2001:DB8::0:1/64", "2001:db8::1/64"]),
        ("dToPort", ["80", "http"]),
        ("mtu", ["1", "inherit"]),
        ("mac", ["00:22:bd:f8:19:ff", "00:22:BD:F8:19:FF"]),
        ("staleIntvl", ["300", "default"]),
        ("targetDscp", ["46", "EF"]),
    ],
)
def test_equal_values(prop, forms):
    assert len({mo.canonical(prop, form) for form in forms}) == 1


@pytest.mark.parametrize(
    ("prop", "one", "other"),
    [
        ("descr", "b,a", "a,b"),
        ("descr", "true", "yes"),
        ("ctrl", "as-override", "as-override,dis-peer-as-check"),
        ("addr", "10.0.0.1/24", "10.0.0.0/24"),
        ("addr", "fd00::1/64", "fd00::/64"),
        ("mtu", "9000", "inherit"),
        ("name", "FD00::1", "fd00::1"),
    ],
)
def test_different_values(prop, one, other):
    assert mo.canonical(prop, one) != mo.canonical(prop, other)


def test_text():
    assert [mo.text(value) for value in (True, False, None, 3, ["b", "a"], "x")] == ["yes", "no", "", "3", "b,a", "x"]


def test_what_lives_with_its_parent():
    assert mo.is_implicit("l3extRsEctx")
    assert mo.is_implicit("vnsSvcCont")
    assert not mo.is_implicit("bgpRsBestPathCtrlPol")
    assert mo.is_relation("l3extRsL3DomAtt")
    assert not mo.is_relation("l3extOut")
    assert not mo.is_relation("fvRtCtx")
