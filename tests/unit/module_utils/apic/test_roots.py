"""What a root asks APIC for, and which roots do not go together."""

from __future__ import annotations

import pytest
from unit.module_utils.fabric import OURS, SHARED, an

from ansible_collections.netops.aci_calico.plugins.module_utils.apic.roots import Root, parse_roots, queries
from ansible_collections.netops.aci_calico.plugins.module_utils.apic.tree import TreeError

TENANT = "uni/tn-t"


def root(*children, **more):
    tree = an("fvTenant", *children, name="t", status="modified")
    return Root({"dn": TENANT, "scope": "named", "tree": tree, **more}, "prod1")


def vrf(*children):
    return an("fvCtx", *children, name="v", status="modified")


def test_subtree_is_read_as_a_whole():
    spec = {"dn": f"{TENANT}/out-o", "scope": "subtree", "tree": an("l3extOut", name="o")}
    assert Root(spec, "prod1").query(True) == f"/api/mo/{TENANT}/out-o.json?rsp-subtree=full"


def test_named_objects_are_asked_for_by_dn_and_nothing_else_when_nothing_is_pruned():
    query = root(an("rtctrlSubjP", an("rtctrlMatchRtDest", ip="10.0.0.0/8"), name="s")).query(False)
    assert query == (
        f"/api/mo/{TENANT}.json?query-target=subtree&target-subtree-class=rtctrlSubjP"
        f'&query-target-filter=eq(rtctrlSubjP.dn,"{TENANT}/subj-s")&rsp-subtree=full'
    )


def test_what_is_ours_of_the_same_classes_is_asked_for_too():
    query = root(an("rtctrlSubjP", an("rtctrlMatchRtDest", ip="10.0.0.0/8"), an("tagTag", key="k"), name="s")).query(True)
    assert "target-subtree-class=rtctrlSubjP,rtctrlMatchRtDest&" in query
    assert f'eq(rtctrlMatchRtDest.annotation,"{OURS}")' in query
    assert f'eq(rtctrlSubjP.annotation,"{OURS}"),eq(rtctrlSubjP.annotation,"{SHARED}")' in query
    assert "tagTag" not in query


def test_containers_are_not_read_with_all_they_hold():
    query = root(vrf(an("fvRsBgpCtxPol", tnBgpCtxPolName="p"))).query(True)
    assert "target-subtree-class=fvRsBgpCtxPol&" in query
    assert "fvTenant." not in query
    assert "fvCtx." not in query


def test_whatever_stands_in_the_place_of_a_relation_is_read():
    query = root(vrf(an("fvRsCtxToBgpCtxAfPol", tnBgpCtxAfPolName="e", af="ipv4-ucast"))).query(False)
    assert f'wcard(fvRsCtxToBgpCtxAfPol.dn,"{TENANT}/ctx-v/rsctxToBgpCtxAfPol-")' in query


def test_pattern_ends_before_what_means_something_in_patterns():
    tree = an("fvTenant", vrf(*[an("fvSubnet", rn=f"subnet-[10.{n}.0.0/16]") for n in range(20)]), name="t", status="modified")
    query = Root({"dn": TENANT, "scope": "named", "tree": tree}, "prod1").query(False)
    assert f'wcard(fvSubnet.dn,"{TENANT}/ctx-v/subnet-")' in query


def test_named_roots_within_another_are_read_together_with_it():
    policy = root(an("rtctrlSubjP", name="s"))
    everywhere = Root({"dn": "uni", "scope": "named", "tree": an("polUni"), "classes": ["rtctrlSubjP"]}, "prod1")
    l3out = Root({"dn": f"{TENANT}/out-o", "scope": "subtree", "tree": an("l3extOut", name="o")}, "prod1")
    (path, members), (alone, _l3out) = queries([policy, l3out, everywhere], True)
    assert members == [policy, everywhere]
    assert path.startswith("/api/mo/uni.json?query-target=subtree&target-subtree-class=rtctrlSubjP&")
    assert f'eq(rtctrlSubjP.dn,"{TENANT}/subj-s")' in path
    assert path.count(f'eq(rtctrlSubjP.annotation,"{OURS}")') == 1
    assert alone == l3out.query(True)
    assert [each for each, _members in queries([policy, l3out], True)] == [policy.query(True), l3out.query(True)]


def test_only_containers_are_asked_for_themselves():
    assert root(vrf()).query(True) == f"/api/mo/{TENANT}.json"


def test_a_bare_object_is_read_without_what_is_in_it_until_it_is_to_go():
    tree = an("fvTenant", an("fvCtx", name="v"), name="t")
    bare = Root({"dn": TENANT, "scope": "bare", "tree": tree}, "prod1")
    assert bare.query(True) == (
        f"/api/mo/{TENANT}.json?query-target=subtree&target-subtree-class=fvTenant,fvCtx,tagAnnotation&query-target-filter="
        f'or(eq(fvTenant.dn,"{TENANT}"),eq(fvCtx.dn,"{TENANT}/ctx-v"),'
        f'wcard(tagAnnotation.dn,"{TENANT}/annotationKey-"),wcard(tagAnnotation.dn,"{TENANT}/ctx-v/annotationKey-"))'
    )
    assert bare.query(True, removing=True).endswith("&rsp-subtree=full")


def test_further_classes_are_in_scope_wherever_they_can_be():
    more = root(vrf(), classes=["bgpPeerPfxPol", "fvRsProv", "infraInfra", "unknownClass"])
    assert more.paths == {
        ("fvTenant", "bgpPeerPfxPol"),
        ("fvTenant", "fvAp", "fvAEPg", "fvRsProv"),
        ("fvTenant", "l3extOut", "l3extInstP", "fvRsProv"),
    }
    assert f'eq(bgpPeerPfxPol.annotation,"{OURS}")' in more.query(True)
    assert more.query(False) == f"/api/mo/{TENANT}.json"


def spec(dn, scope="subtree"):
    cls, name = ("fvTenant", "t") if dn == TENANT else ("l3extOut", "o") if "/instP" not in dn else ("l3extInstP", "i")
    return {"dn": dn, "scope": scope, "tree": an(cls, name=name)}


@pytest.mark.parametrize(
    ("specs", "fault"),
    [
        ([spec(f"{TENANT}/out-o"), spec(f"{TENANT}/out-o")], "given as root twice"),
        ([spec(f"{TENANT}/out-o"), spec(f"{TENANT}/out-o/instP-i")], "lies within the root"),
        ([spec(f"{TENANT}/out-o/instP-i"), spec(TENANT)], "lies within the root"),
    ],
)
def test_roots_that_overlap(specs, fault):
    with pytest.raises(TreeError, match=fault):
        parse_roots(specs, "prod1")


def test_roots_that_do_not():
    assert len(parse_roots([spec(TENANT, "named"), spec(f"{TENANT}/out-o")], "prod1")) == 2


def test_faults_of_all_roots_at_once():
    with pytest.raises(TreeError) as caught:
        parse_roots([{**spec(TENANT), "tree": {}}, {**spec(f"{TENANT}/out-o"), "tree": []}], "prod1")
    assert len(caught.value.problems) == 2


def test_who_only_reads_may_name_a_root_twice():
    assert len(parse_roots([spec(TENANT), spec(TENANT)], "prod1", apart=False)) == 2
