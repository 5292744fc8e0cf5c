"""The wanted tree, and what is wrong with one; the existing tree from APIC's replies."""

from __future__ import annotations

import pytest
from unit.module_utils.fabric import OURS, SHARED, an

from ansible_collections.netops.aci_calico.plugins.module_utils.apic.tree import TreeError, index_existing, parse_wanted


def parse(tree, dn="uni/tn-t/out-o"):
    return parse_wanted(dn, tree, "prod1")


def faults_of(tree, dn="uni/tn-t/out-o"):
    with pytest.raises(TreeError) as caught:
        parse(tree, dn)
    return caught.value.problems


def test_everything_becomes_text_and_ours():
    wanted = parse({"l3extOut": {"attributes": {"name": "o", "enforceRtctrl": ["import", "export"], "mplsEnabled": False}}})
    assert wanted.attributes == {"name": "o", "enforceRtctrl": "import,export", "mplsEnabled": "no", "annotation": OURS}


def test_body_and_children_may_be_empty():
    wanted = parse(an("l3extOut", {"bgpExtP": None}, name="o"))
    assert [item.dn for item in wanted.walk()] == ["uni/tn-t/out-o", "uni/tn-t/out-o/bgpExtP"]


def test_a_given_annotation_stays():
    assert parse(an("l3extOut", name="o", annotation="")).attributes["annotation"] == ""


def test_tags_have_no_annotation():
    wanted = parse(an("l3extOut", an("tagTag", key="k", value="v"), name="o"))
    assert "annotation" not in wanted.children[0].attributes


def test_container_has_nothing_to_set():
    wanted = parse(an("fvTenant", an("fvCtx", name="v"), name="t", status="modified"), "uni/tn-t")
    assert wanted.container
    assert not wanted.children[0].container
    assert "annotation" not in wanted.attributes
    assert faults_of(an("fvTenant", name="t", descr="x", status="modified"), "uni/tn-t") == [
        "uni/tn-t: descr cannot be set, because a container is never changed"
    ]


def test_what_is_always_there_is_a_container_unless_something_is_set():
    assert parse(an("polUni"), "uni").container
    wanted = parse(an("fvCtx", an("vzAny", prefGrMemb="enabled"), name="v"), "uni/tn-t/ctx-v")
    assert not wanted.children[0].container


def test_relations_that_are_always_there_are_no_containers():
    wanted = parse(an("l3extOut", an("l3extRsEctx", tnFvCtxName="v"), name="o"))
    assert not wanted.children[0].container


def test_shared_object_gets_this_clusters_tag_once():
    shared = an("bgpCtxAfPol", name="e", annotation=SHARED)
    tagged = an("bgpCtxAfPol", an("tagAnnotation", key=OURS, value="user"), name="e", annotation=SHARED)
    for tree in (shared, tagged):
        wanted = parse(tree, "uni/tn-t/bgpCtxAfP-e")
        assert [child.dn for child in wanted.children] == [f"uni/tn-t/bgpCtxAfP-e/annotationKey-[{OURS}]"]


def test_unlisted_class_by_its_relative_name():
    wanted = parse(an("l3extOut", an("ospfExtP", rn="ospfExtP", areaId="1"), name="o"))
    assert wanted.children[0].dn == "uni/tn-t/out-o/ospfExtP"
    assert wanted.children[0].attributes == {"areaId": "1", "annotation": OURS}


@pytest.mark.parametrize(
    ("tree", "fault"),
    [
        ({}, "one class"),
        ([], "one class"),
        ({"l3extOut": {"attributes": {"name": "o"}}, "fvBD": {}}, "one class"),
        ({"l3extOut": "o"}, "one class"),
        ({"l3extOut": {"attributes": {"name": "o"}, "childs": []}}, "childs"),
        ({"l3extOut": {"attributes": ["name"]}}, "a dictionary"),
        ({"l3extOut": {"attributes": {"name": "o"}, "children": {"bgpExtP": {}}}}, "a list"),
        (an("l3extOut", name="other"), "not with the root"),
        (an("l3extOut", descr="x"), "lacks a naming property (name)"),
        (an("l3extOut", an("ospfExtP"), name="o"), "give its rn"),
        (an("l3extOut", an("bgpExtP"), an("bgpExtP"), name="o"), "given twice"),
        (an("l3extOut", name="o", status="deleted"), "'deleted' is not allowed"),
        (an("l3extOut", an("l3extInstP", "x", name="i"), name="o"), "one class"),
    ],
)
def test_faults(tree, fault):
    assert any(fault in text for text in faults_of(tree)), faults_of(tree)


def test_all_faults_at_once():
    tree = an("l3extOut", an("bgpExtP"), an("bgpExtP"), an("l3extInstP"), name="o", status="created")
    assert len(faults_of(tree)) == 3


def test_a_secret_in_clear_is_refused_and_not_repeated():
    peer = an("bgpPeerP", addr="10.0.0.1", password="hunter2")
    (fault,) = faults_of(peer, "uni/tn-t/out-o/lnodep-n/peerP-[10.0.0.1]")
    assert "<secret:name>" in fault
    assert "hunter2" not in fault


def test_reply_is_indexed_by_dn_from_dn_rn_or_naming_properties():
    reply = [
        {
            "l3extOut": {
                "attributes": {"dn": "uni/tn-t/out-o", "name": "o"},
                "children": [
                    {"ospfExtP": {"attributes": {"rn": "ospfExtP"}}},
                    {
                        "l3extInstP": {
                            "attributes": {"name": "i"},
                            "children": [an("l3extSubnet", ip="FD00::/8", rn="extsubnet-[FD00::/8]")],
                        }
                    },
                    {"faultCounts": {"attributes": {"crit": "0"}}},
                ],
            }
        }
    ]
    index = index_existing(reply)
    assert list(index) == [
        "uni/tn-t/out-o",
        "uni/tn-t/out-o/ospfExtP",
        "uni/tn-t/out-o/instP-i",
        "uni/tn-t/out-o/instP-i/extsubnet-[fd00::/8]",
    ]
    assert index["uni/tn-t/out-o/instP-i/extsubnet-[fd00::/8]"].dn == "uni/tn-t/out-o/instP-i/extsubnet-[FD00::/8]"


@pytest.mark.parametrize("child_first", [True, False])
def test_objects_that_come_twice_are_one(child_first):
    child = {"rtctrlMatchRtDest": {"attributes": {"dn": "uni/tn-t/subj-s/dest-[10.0.0.0/8]", "ip": "10.0.0.0/8"}}}
    whole = {
        "rtctrlSubjP": {
            "attributes": {"dn": "uni/tn-t/subj-s", "name": "s"},
            "children": [an("rtctrlMatchRtDest", rn="dest-[10.0.0.0/8]", ip="10.0.0.0/8")],
        }
    }
    index = index_existing([child, whole] if child_first else [whole, child])
    assert len(index) == 2
    parent, below = index["uni/tn-t/subj-s"], index["uni/tn-t/subj-s/dest-[10.0.0.0/8]"]
    assert below.parent is parent
    assert parent.children == [below]
