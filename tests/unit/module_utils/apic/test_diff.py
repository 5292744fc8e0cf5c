"""Each rule of the comparison: what is changed, what is refused, what is left alone."""

from __future__ import annotations

import time

import pytest
from unit.module_utils.fabric import OURS, SHARED, Fabric, an

from ansible_collections.netops.aci_calico.plugins.module_utils.apic.diff import Rules, compare, payload
from ansible_collections.netops.aci_calico.plugins.module_utils.apic.tree import index_existing, parse_wanted

OUT = "uni/tn-t/out-o"
THEIRS = "orchestrator:aci-calico:prod2"
TREE = an(
    "l3extOut",
    an("l3extRsEctx", tnFvCtxName="v"),
    an("l3extInstP", an("l3extSubnet", ip="10.1.0.0/16", scope="import-security"), name="default"),
    name="o",
    enforceRtctrl="import,export",
)


def l3out(*made):
    fabric = Fabric(OUT, "l3extOut")
    for tree in made:
        fabric.make(tree)
    return fabric


def vrf(*made):
    fabric = Fabric("uni/tn-t/ctx-v", "fvCtx").make(an("fvCtx", name="v"))
    for tree in made:
        fabric.make(tree, "uni/tn-t/ctx-v")
    return fabric


def changed(difference):
    return [(change.action, change.dn, tuple(change.after)) for change in difference.changes if change.action == "modify"]


def created(difference):
    return [change.dn for change in difference.changes if change.action == "create"]


def deleted(difference):
    return [change.dn for change in difference.changes if change.action == "delete"]


def conflicts(difference):
    return [(conflict.dn, conflict.prop) for conflict in difference.conflicts]


# --- create, change, leave -------------------------------------------------------------------------------------------


def test_nothing_there_everything_is_created_parents_first():
    fabric = l3out()
    difference = fabric.push(TREE)
    assert created(difference) == [OUT, f"{OUT}/rsectx", f"{OUT}/instP-default", f"{OUT}/instP-default/extsubnet-[10.1.0.0/16]"]
    assert fabric.objects[OUT][1] == {"annotation": OURS, "name": "o", "enforceRtctrl": "import,export"}
    assert fabric.objects[f"{OUT}/rsectx"][1]["tnFvCtxName"] == "v"


def test_only_the_attributes_that_differ_are_sent():
    fabric = l3out()
    fabric.push(TREE)
    fabric.objects[OUT][1]["enforceRtctrl"] = "export"
    fabric.objects[OUT][1]["descr"] = "by hand, and not in the tree"
    difference = fabric.difference(TREE)
    assert changed(difference) == [("modify", OUT, ("enforceRtctrl",))]
    body = payload(parse_wanted(OUT, TREE, "prod1"), {}, difference.changes, OUT)
    assert body == {"l3extOut": {"attributes": {"name": "o", "enforceRtctrl": "import,export", "status": "modified"}}}


def test_change_deep_down_names_the_way_and_nothing_else():
    fabric = l3out()
    fabric.push(TREE)
    subnet = f"{OUT}/instP-default/extsubnet-[10.1.0.0/16]"
    fabric.objects[subnet][1]["scope"] = "export-rtctrl"
    body = payload(parse_wanted(OUT, TREE, "prod1"), {}, fabric.difference(TREE).changes, OUT)
    assert body == an_exact(
        "l3extOut",
        {"name": "o", "status": "modified"},
        an_exact(
            "l3extInstP",
            {"name": "default", "status": "modified"},
            {"l3extSubnet": {"attributes": {"ip": "10.1.0.0/16", "scope": "import-security", "status": "modified"}}},
        ),
    )


def an_exact(cls, attributes, *children):
    return {cls: {"attributes": attributes, "children": list(children)}}


def test_values_that_are_equal_to_apic_do_not_differ():
    fabric = l3out()
    fabric.push(
        an(
            "l3extOut",
            an("l3extInstP", an("l3extSubnet", ip="fd00::/64"), name="default"),
            name="o",
            enforceRtctrl="export,import",
        )
    )
    tree = an(
        "l3extOut",
        an("l3extInstP", an("l3extSubnet", ip="FD00:0::/64", aggregate="0"), name="default"),
        name="o",
        enforceRtctrl=["import", "export"],
    )
    fabric.objects[f"{OUT}/instP-default/extsubnet-[fd00::/64]"][1]["aggregate"] = ""
    assert not fabric.difference(tree).changes


def test_what_exists_with_its_parent_is_ours_like_its_parent():
    fabric = l3out(an("l3extOut", name="o", annotation=OURS))
    difference = fabric.push(an("l3extOut", an("l3extRsEctx", tnFvCtxName="v"), name="o"))
    assert changed(difference) == [("modify", f"{OUT}/rsectx", ("tnFvCtxName", "annotation"))]
    assert not difference.conflicts


# --- containers ------------------------------------------------------------------------------------------------------


def test_container_is_never_changed():
    fabric = vrf()
    tree = an("fvCtx", an("vzAny"), name="v", status="modified")
    fabric.make(an("vzAny"), "uni/tn-t/ctx-v")
    before = fabric.snapshot()
    assert not fabric.push(tree).changes
    assert not fabric.push(tree, absent=True).changes
    assert fabric.snapshot() == before


def test_container_that_is_absent_is_missing():
    difference = l3out().difference(an("l3extOut", an("bgpExtP"), name="o", status="modified"))
    assert difference.missing == [OUT]


def test_container_that_was_not_asked_for_is_unproven_until_something_below_shows():
    tree = an(
        "fvTenant",
        an("fvCtx", an("fvRsBgpCtxPol", tnBgpCtxPolName="p"), name="v", status="modified"),
        name="t",
        status="modified",
    )
    wanted = parse_wanted("uni/tn-t", tree, "prod1")
    rules = Rules("prod1", paths={("fvTenant", "fvCtx", "fvRsBgpCtxPol")})
    assert compare(wanted, {}, rules, "uni/tn-t").unproven == ["uni/tn-t", "uni/tn-t/ctx-v"]
    seen = index_existing([an("bgpCtxPol", dn="uni/tn-t/bgpCtxP-p", name="p")])
    assert compare(wanted, seen, rules, "uni/tn-t").unproven == ["uni/tn-t/ctx-v"]


def test_new_root_needs_its_parent():
    assert l3out().difference(TREE).unproven == ["uni/tn-t"]


# --- what is not ours ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("annotation", ["by:hand", THEIRS])
def test_foreign_object_that_differs_is_a_conflict_with_both_sides_and_a_remedy(annotation):
    fabric = l3out(an("l3extOut", name="o", enforceRtctrl="export", annotation=annotation))
    difference = fabric.push(an("l3extOut", name="o", enforceRtctrl="export,import"))
    assert conflicts(difference) == [(OUT, "enforceRtctrl")]
    text = difference.conflicts[0].text
    for part in (OUT, "'export'", "'export,import'", annotation, "adopt: true", "another name"):
        assert part in text
    assert not difference.changes


def test_foreign_object_that_is_as_wanted_stays_foreign_and_ours_go_below():
    fabric = l3out(an("l3extOut", name="o", enforceRtctrl="export,import"))
    before = fabric.objects[OUT]
    difference = fabric.push(TREE)
    assert fabric.objects[OUT] == before
    assert f"{OUT}/instP-default" in created(difference)


def test_what_exists_with_a_foreign_parent_is_foreign():
    fabric = l3out(an("l3extOut", an("l3extRsEctx", tnFvCtxName="theirs"), name="o"))
    assert conflicts(fabric.push(an("l3extOut", an("l3extRsEctx", tnFvCtxName="v"), name="o"))) == [
        (f"{OUT}/rsectx", "tnFvCtxName")
    ]


def test_adopt_takes_over_what_differs_and_what_does_not():
    fabric = l3out(an("l3extOut", an("l3extInstP", name="default"), name="o", descr="a", annotation=THEIRS))
    difference = fabric.push(an("l3extOut", an("l3extInstP", name="default"), name="o", descr="b"), adopt=True)
    assert not difference.conflicts
    assert changed(difference) == [("modify", OUT, ("descr", "annotation")), ("modify", f"{OUT}/instP-default", ("annotation",))]
    assert fabric.objects[OUT][1]["annotation"] == OURS


def by_hand() -> Fabric:
    """An L3Out that somebody made, with a VRF, BGP, an external EPG and another one that the plan does not have."""
    subnet = an("l3extSubnet", ip="10.1.0.0/16", scope="import-security", descr="pods")
    return l3out(
        an(
            "l3extOut",
            an("l3extRsEctx", tnFvCtxName="v"),
            an("l3extRsL3DomAtt", tDn="uni/l3dom-d"),
            an("bgpExtP", descr="by hand"),
            an("l3extInstP", subnet, name="default", annotation=THEIRS),
            an("l3extInstP", an("l3extSubnet", ip="0.0.0.0/0", scope="import-security"), name="others"),
            name="o",
            enforceRtctrl="export",
        )
    )


PLANNED = an(
    "l3extOut",
    an("l3extRsEctx", tnFvCtxName="v"),
    an("l3extRsL3DomAtt", tDn="uni/l3dom-d"),
    an("bgpExtP"),
    an("rtctrlProfile", name="default-import", type="combinable"),
    an("l3extInstP", an("l3extSubnet", ip="10.1.0.0/16", scope="import-security,shared-rtctrl"), name="default"),
    name="o",
    enforceRtctrl="export,import",
)


def test_what_was_adopted_is_given_back_as_it_was():
    fabric = by_hand()
    before = fabric.snapshot()
    assert not fabric.push(PLANNED, adopt=True).conflicts
    assert not fabric.push(PLANNED, adopt=True).changes
    assert not fabric.push(PLANNED).changes
    assert fabric.objects[f"{OUT}/instP-default/extsubnet-[10.1.0.0/16]"][1]["scope"] == "import-security,shared-rtctrl"
    fabric.push(PLANNED, absent=True)
    assert fabric.snapshot() == before
    assert not fabric.push(PLANNED, absent=True).changes


def test_an_adopted_object_that_is_no_longer_planned_is_given_back():
    fabric = by_hand()
    epg = f"{OUT}/instP-default"
    before = {dn: found for dn, found in fabric.snapshot().items() if dn.startswith(epg)}
    fabric.push(PLANNED, adopt=True)
    fabric.push(an("l3extOut", name="o"))
    assert {dn: found for dn, found in fabric.objects.items() if dn.startswith(epg)} == before


def test_values_of_the_first_adoption_are_kept():
    fabric = by_hand()
    before = fabric.snapshot()
    fabric.push(PLANNED, adopt=True)
    fabric.objects[OUT][1]["annotation"] = ""
    fabric.push(PLANNED, adopt=True)
    fabric.push(PLANNED, absent=True)
    assert fabric.snapshot() == before


def test_an_adopted_object_below_one_of_ours_keeps_it():
    fabric = l3out(an("l3extOut", name="o"))
    fabric.push(an("l3extOut", an("l3extInstP", name="default"), name="o"), adopt=True)
    fabric.make(an("l3extSubnet", ip="10.1.0.0/16", scope="import-security"), below=f"{OUT}/instP-default")
    fabric.push(PLANNED, adopt=True)
    difference = fabric.push(PLANNED, absent=True)
    assert list(difference.kept) == [f"{OUT}/instP-default"]
    assert fabric.objects[f"{OUT}/instP-default/extsubnet-[10.1.0.0/16]"][1] == {
        "annotation": "",
        "ip": "10.1.0.0/16",
        "scope": "import-security",
    }


def test_create_only_property_cannot_change_even_when_ours():
    path = "topology/pod-1/paths-1/pathep-[eth1/1]"
    fabric = Fabric("uni/tn-t/out-o/lnodep-n/lifp-i", "l3extLIfP")
    fabric.push(an("l3extLIfP", an("l3extRsPathL3OutAtt", tDn=path, isMultiPodDirect="no"), name="i"))
    difference = fabric.push(an("l3extLIfP", an("l3extRsPathL3OutAtt", tDn=path, isMultiPodDirect="yes", mtu="9000"), name="i"))
    assert [conflict.prop for conflict in difference.conflicts] == ["isMultiPodDirect"]
    assert "delete the object first" in difference.conflicts[0].text
    assert not difference.changes


# --- prune and absent ------------------------------------------------------------------------------------------------


def test_prune_removes_what_is_ours_and_no_longer_wanted_by_exact_dn():
    fabric = l3out()
    fabric.push(TREE)
    smaller = an("l3extOut", an("l3extRsEctx", tnFvCtxName="v"), name="o", enforceRtctrl="import,export")
    difference = fabric.difference(smaller)
    assert deleted(difference) == [f"{OUT}/instP-default"]
    assert difference.changes[0].removed == (f"{OUT}/instP-default/extsubnet-[10.1.0.0/16]",)
    body = payload(parse_wanted(OUT, smaller, "prod1"), {}, difference.changes, OUT)
    gone = {"l3extInstP": {"attributes": {"dn": f"{OUT}/instP-default", "status": "deleted"}}}
    assert body == an_exact("l3extOut", {"name": "o", "status": "modified"}, gone)
    assert not fabric.difference(smaller, prune=False).changes


def test_a_name_that_begins_alike_is_another_object():
    fabric = l3out(
        an("l3extOut", an("l3extInstP", name="a", annotation=OURS), an("l3extInstP", name="ab"), name="o", annotation=OURS)
    )
    fabric.push(an("l3extOut", name="o"))
    assert f"{OUT}/instP-ab" in fabric.objects
    assert f"{OUT}/instP-a" not in fabric.objects


@pytest.mark.parametrize("annotation", ["", "by:hand", THEIRS])
def test_foreign_objects_survive_prune_and_absent(annotation):
    fabric = l3out(an("l3extOut", an("l3extInstP", an("l3extSubnet", ip="1.0.0.0/8"), name="x", annotation=annotation), name="o"))
    before = fabric.snapshot()
    fabric.push(an("l3extOut", name="o"))
    fabric.push(an("l3extOut", name="o"), absent=True)
    assert fabric.snapshot() == before


def test_ours_with_something_foreign_inside_is_kept_with_the_reason_and_emptied_of_ours():
    fabric = l3out()
    fabric.push(TREE)
    fabric.make(an("l3extSubnet", ip="1.0.0.0/8"), f"{OUT}/instP-default")
    foreign = f"{OUT}/instP-default/extsubnet-[1.0.0.0/8]"
    difference = fabric.push(TREE, absent=True)
    assert set(difference.kept) == {OUT, f"{OUT}/instP-default"}
    assert all(foreign in reason for reason in difference.kept.values())
    assert f"{OUT}/instP-default/extsubnet-[10.1.0.0/16]" not in fabric.objects
    assert foreign in fabric.objects
    assert not fabric.difference(TREE, absent=True).changes


def test_absent_removes_ours_below_a_foreign_object():
    fabric = l3out(an("l3extOut", name="o"))
    before = fabric.snapshot()
    tree = an("l3extOut", an("l3extInstP", name="default"), name="o")
    fabric.push(tree)
    fabric.push(tree, absent=True)
    assert fabric.snapshot() == before


def test_tags_and_what_the_fabric_makes_do_not_hold_an_object():
    fabric = l3out()
    fabric.push(TREE)
    fabric.make(an("tagTag", key="owner", value="someone"), OUT)
    fabric.objects[f"{OUT}/rtsomething"] = ("l3extRtBDToOut", {})
    fabric.push(TREE, absent=True)
    assert fabric.objects == {}


def test_what_the_fabric_says_it_made_does_not_hold_an_object():
    fabric = l3out()
    fabric.push(TREE)
    fabric.objects[f"{OUT}/something"] = ("l3extSomething", {"annotation": "", "lcOwn": "local"})
    assert OUT in fabric.difference(TREE, absent=True).kept
    fabric.objects[f"{OUT}/something"][1]["lcOwn"] = "implicit"
    fabric.push(TREE, absent=True)
    assert fabric.objects == {}


def test_tags_of_others_stay_while_the_object_lives():
    fabric = l3out()
    fabric.push(TREE)
    fabric.make(an("tagTag", key="owner", value="someone"), OUT)
    assert not fabric.difference(TREE).changes


def test_relation_with_a_key_is_somebodys_act_one_without_is_its_parents():
    fabric = l3out()
    fabric.push(TREE)
    fabric.make(an("l3extRsL3DomAtt", tDn="uni/l3dom-x"), OUT)
    assert not fabric.difference(TREE).changes
    fabric.make(an("fvRsProv", tnVzBrCPName="web"), f"{OUT}/instP-default")
    difference = fabric.push(TREE, absent=True)
    assert f"{OUT}/instP-default/rsprov-web" in fabric.objects
    assert f"{OUT}/instP-default" in difference.kept
    del fabric.objects[f"{OUT}/instP-default/rsprov-web"]
    fabric.push(TREE, absent=True)
    assert fabric.objects == {}


def test_relation_of_ours_that_always_exists_goes_back_to_how_it_was_made():
    peer = "uni/tn-t/out-o/lnodep-n/peerP-[10.0.0.1]"
    fabric = Fabric(peer, "bgpPeerP")
    fabric.push(an("bgpPeerP", an("bgpRsPeerPfxPol", tnBgpPeerPfxPolName="limit"), addr="10.0.0.1"))
    difference = fabric.push(an("bgpPeerP", addr="10.0.0.1"))
    assert changed(difference) == [("modify", f"{peer}/rspeerPfxPol", ("tnBgpPeerPfxPolName", "annotation"))]
    assert fabric.objects[f"{peer}/rspeerPfxPol"][1]["tnBgpPeerPfxPolName"] == ""
    assert not fabric.difference(an("bgpPeerP", addr="10.0.0.1")).changes


def test_root_that_is_gone_needs_nothing():
    assert not l3out().push(TREE, absent=True).changes


def test_named_root_prunes_only_along_the_classes_of_its_tree():
    tree = an("fvTenant", an("l3extOut", an("rtctrlProfile", name="default-import"), name="o"), name="t", status="modified")
    wanted = parse_wanted("uni/tn-t", tree, "prod1")
    paths = {("fvTenant", "l3extOut"), ("fvTenant", "l3extOut", "rtctrlProfile")}
    ours = [
        an("l3extOut", an("l3extLNodeP", name="n", rn="lnodep-n", annotation=OURS), name="o", dn=OUT, annotation=OURS),
        an("rtctrlProfile", name="default-import", dn=f"{OUT}/prof-default-import", annotation=OURS),
        an("rtctrlProfile", name="old", dn=f"{OUT}/prof-old", annotation=OURS),
        an("rtctrlProfile", name="of-the-tenant", dn="uni/tn-t/prof-of-the-tenant", annotation=OURS),
        an(
            "l3extOut",
            an("l3extLNodeP", name="n", rn="lnodep-n", annotation=OURS),
            name="p",
            dn="uni/tn-t/out-p",
            annotation=OURS,
        ),
    ]
    difference = compare(wanted, index_existing(ours), Rules("prod1", paths=paths), "uni/tn-t")
    assert deleted(difference) == ["uni/tn-t/out-p", f"{OUT}/prof-old"] or deleted(difference) == [
        f"{OUT}/prof-old",
        "uni/tn-t/out-p",
    ]


# --- shared by clusters ----------------------------------------------------------------------------------------------

POLICY = "uni/tn-t/bgpCtxAfP-e"


def shared(value="64"):
    return an("bgpCtxAfPol", name="e", maxEcmp=value, annotation=SHARED)


def policy():
    return Fabric(POLICY, "bgpCtxAfPol")


def tags(fabric):
    return sorted(a["key"] for c, a in fabric.objects.values() if c == "tagAnnotation")


def test_shared_object_comes_with_the_first_and_goes_with_the_last():
    fabric = policy()
    fabric.push(shared(), cluster="a")
    difference = fabric.push(shared(), cluster="b")
    assert created(difference) == [f"{POLICY}/annotationKey-[{SHARED}:b]"]
    assert tags(fabric) == [f"{SHARED}:a", f"{SHARED}:b"]
    difference = fabric.push(shared(), cluster="a", absent=True)
    assert deleted(difference) == [f"{POLICY}/annotationKey-[{SHARED}:a]"]
    assert difference.released
    assert tags(fabric) == [f"{SHARED}:b"]
    assert deleted(fabric.push(shared(), cluster="b", absent=True)) == [POLICY]
    assert fabric.objects == {}


def test_shared_object_changes_for_its_only_user():
    fabric = policy()
    fabric.push(shared("16"), cluster="a")
    assert changed(fabric.push(shared("64"), cluster="a")) == [("modify", POLICY, ("maxEcmp",))]


def test_shared_object_with_other_users_is_a_conflict_unless_adopted():
    fabric = policy()
    fabric.push(shared("16"), cluster="a")
    difference = fabric.push(shared("64"), cluster="b")
    assert conflicts(difference) == [(POLICY, "maxEcmp")]
    assert f"shared by {SHARED}:a" in difference.conflicts[0].text
    assert tags(fabric) == [f"{SHARED}:a"]
    fabric.push(shared("64"), cluster="b", adopt=True)
    assert fabric.objects[POLICY][1]["maxEcmp"] == "64"
    assert fabric.objects[POLICY][1]["annotation"] == SHARED
    assert tags(fabric) == [f"{SHARED}:a", f"{SHARED}:b"]


def test_foreign_object_in_the_place_of_a_shared_one_is_used_as_it_is():
    fabric = policy().make(an("bgpCtxAfPol", name="e", maxEcmp="64"))
    before = fabric.snapshot()
    assert not fabric.push(shared("64")).changes
    assert conflicts(fabric.push(shared("16"))) == [(POLICY, "maxEcmp")]
    assert fabric.snapshot() == before


def test_object_that_was_ours_alone_becomes_shared_and_back():
    fabric = policy()
    alone = an("bgpCtxAfPol", name="e", maxEcmp="64")
    fabric.push(alone)
    fabric.push(shared())
    assert fabric.objects[POLICY][1]["annotation"] == SHARED
    assert tags(fabric) == [OURS]
    fabric.push(alone)
    assert fabric.objects[POLICY][1]["annotation"] == OURS
    assert tags(fabric) == []
    assert not fabric.difference(alone).changes


def test_shared_object_that_others_use_stays_shared_for_who_wants_it_alone():
    fabric = policy()
    fabric.push(shared(), cluster="a")
    assert not fabric.push(an("bgpCtxAfPol", name="e", maxEcmp="64"), cluster="b").changes


def test_what_two_parallel_removals_left_behind_goes_with_the_next_look():
    fabric = policy()
    fabric.push(shared(), cluster="a")
    del fabric.objects[f"{POLICY}/annotationKey-[{SHARED}:a]"]
    assert deleted(fabric.push(shared(), cluster="b", absent=True)) == [POLICY]


def test_shared_object_of_others_that_we_never_used_is_not_released():
    fabric = policy()
    fabric.push(shared(), cluster="a")
    difference = fabric.push(shared(), cluster="b", absent=True)
    assert not difference.changes
    assert not difference.released


# --- one for each address family -------------------------------------------------------------------------------------


def relation(name, af="ipv4-ucast", **more):
    return an("fvRsCtxToBgpCtxAfPol", tnBgpCtxAfPolName=name, af=af, **more)


def on_vrf(*relations):
    return an("fvCtx", *relations, name="v", status="modified")


OLD, NEW = (f"uni/tn-t/ctx-v/rsctxToBgpCtxAfPol-[{name}]-ipv4-ucast" for name in ("old", "new"))


@pytest.mark.parametrize("annotation", [OURS, SHARED])
def test_our_relation_of_the_same_family_is_replaced_in_one_post(annotation):
    fabric = vrf()
    fabric.push(on_vrf(relation("old", annotation=annotation)))
    difference = fabric.push(on_vrf(relation("new", annotation=annotation)), prune=False)
    assert deleted(difference) == [OLD]
    assert NEW in created(difference)
    assert OLD not in fabric.objects
    assert NEW in fabric.objects


def test_relation_of_another_family_stays():
    fabric = vrf(relation("six", "ipv6-ucast"))
    difference = fabric.push(on_vrf(relation("new")))
    assert not difference.conflicts
    assert not deleted(difference)


def test_foreign_relation_of_the_same_family_is_a_conflict_unless_adopted():
    fabric = vrf(relation("old"))
    difference = fabric.push(on_vrf(relation("new")))
    assert conflicts(difference) == [(OLD, "af")]
    assert NEW in difference.conflicts[0].text
    assert deleted(fabric.push(on_vrf(relation("new")), adopt=True)) == [OLD]


def test_relation_that_others_share_is_a_conflict_adopted_or_not():
    fabric = vrf()
    fabric.push(on_vrf(relation("old", annotation=SHARED)), cluster="a")
    for adopt in (False, True):
        difference = fabric.push(on_vrf(relation("new", annotation=SHARED)), cluster="b", adopt=adopt)
        assert conflicts(difference) == [(OLD, "af")]
        assert "agree on one policy" in difference.conflicts[0].text


# --- secrets ---------------------------------------------------------------------------------------------------------

PEER = "uni/tn-t/out-o/lnodep-n/peerP-[10.0.0.1]"


def peer(**more):
    return an("bgpPeerP", addr="10.0.0.1", password="<secret:bgp>", **more)


def test_secret_goes_along_when_the_object_is_created_and_not_again():
    fabric = Fabric(PEER, "bgpPeerP")
    (change,) = fabric.push(peer()).changes
    assert change.secrets == ("password",)
    assert not fabric.push(peer()).changes
    (change,) = fabric.push(peer(ttl="2")).changes
    assert "password" not in change.after


def test_secret_that_is_always_sent_is_a_change_that_only_apic_can_tell():
    fabric = Fabric(PEER, "bgpPeerP")
    fabric.push(peer())
    (change,) = fabric.push(peer(), resend_secrets=True).changes
    assert change.blind
    assert change.after == {"password": "<secret:bgp>"}
    (change,) = fabric.push(peer(ttl="2"), resend_secrets=True).changes
    assert not change.blind
    assert set(change.after) == {"ttl", "password"}


def test_secret_is_never_sent_to_a_foreign_object():
    fabric = Fabric(PEER, "bgpPeerP").make(an("bgpPeerP", addr="10.0.0.1"))
    assert not fabric.push(peer(), resend_secrets=True).changes


# --- the payload -----------------------------------------------------------------------------------------------------


def test_no_changes_no_payload():
    assert payload(parse_wanted(OUT, TREE, "prod1"), {}, [], OUT) is None


def test_deletions_come_first():
    fabric = l3out()
    fabric.push(an("l3extOut", an("l3extInstP", name="old"), name="o"))
    tree = an("l3extOut", an("l3extInstP", name="new"), name="o")
    body = payload(parse_wanted(OUT, tree, "prod1"), {}, fabric.difference(tree).changes, OUT)
    statuses = [child["l3extInstP"]["attributes"].get("status") for child in body["l3extOut"]["children"]]
    assert statuses == ["deleted", None]


def test_way_to_an_object_that_is_no_longer_wanted_is_found_by_its_dn():
    tree = an("fvTenant", an("fvCtx", relation("new"), name="v", status="modified"), name="t", status="modified")
    wanted = parse_wanted("uni/tn-t", tree, "prod1")
    gone = "uni/tn-t/ctx-other/rsctxToBgpCtxAfPol-[x]-ipv4-ucast"
    existing = index_existing([relation("x", dn=gone, annotation=OURS)])
    rules = Rules("prod1", paths={("fvTenant", "fvCtx", "fvRsCtxToBgpCtxAfPol")})
    difference = compare(wanted, existing, rules, "uni/tn-t")
    body = payload(wanted, existing, difference.changes, "uni/tn-t")
    first = body["fvTenant"]["children"][0]
    assert first == an_exact(
        "fvCtx",
        {"name": "other", "status": "modified"},
        {"fvRsCtxToBgpCtxAfPol": {"attributes": {"dn": gone, "status": "deleted"}}},
    )


def test_unlisted_class_is_named_by_its_relative_name():
    fabric = l3out()
    tree = an("l3extOut", an("ospfExtP", rn="ospfExtP", areaId="1"), name="o")
    fabric.push(tree)
    assert fabric.objects[f"{OUT}/ospfExtP"][1]["areaId"] == "1"
    assert not fabric.difference(tree).changes
    fabric.push(an("l3extOut", name="o"))
    assert f"{OUT}/ospfExtP" not in fabric.objects


def test_a_large_tree_is_compared_in_a_moment():
    """Some 4,000 objects: what counts is that the time does not grow out of bounds."""
    subnets = [an("l3extSubnet", ip=f"10.{a}.{b}.0/24") for a in range(16) for b in range(250)]
    tree = an("l3extOut", an("l3extInstP", *subnets, name="default"), name="o")
    fabric = l3out()
    fabric.push(tree)
    started = time.process_time()
    assert not fabric.difference(tree).changes
    assert time.process_time() - started < 3
