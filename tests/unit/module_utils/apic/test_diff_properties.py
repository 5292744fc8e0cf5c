"""What holds for any trees: the push gets there, once is enough, and what others made stays as it is, byte for byte."""

from __future__ import annotations

from hypothesis import event, given, settings
from hypothesis import strategies as st
from unit.module_utils.fabric import OURS, SHARED, Fabric, an

from ansible_collections.netops.aci_calico.plugins.module_utils.apic import mo

OUT = "uni/tn-t/out-o"
VALUES = ("", "a", "b", "b,a")
STRANGERS = ("", "by:hand", "orchestrator:aci-calico:prod2")

# What can be below what, with the ways to name it.
BELOW = {
    "l3extOut": ["l3extInstP", "l3extLNodeP", "rtctrlProfile", "bgpExtP"],
    "l3extInstP": ["l3extSubnet", "fvRsProv"],
    "l3extLNodeP": ["bgpPeerP", "l3extLIfP"],
    "rtctrlProfile": ["rtctrlCtxP"],
}
NAMES = {
    "l3extInstP": [{"name": "a"}, {"name": "ab"}],
    "l3extSubnet": [{"ip": "10.0.0.0/8"}, {"ip": "FD00::/8"}],
    "fvRsProv": [{"tnVzBrCPName": "web"}],
    "l3extLNodeP": [{"name": "n"}],
    "bgpPeerP": [{"addr": "10.0.0.1"}, {"addr": "10.0.0.10"}],
    "l3extLIfP": [{"name": "i"}],
    "rtctrlProfile": [{"name": "default-import"}],
    "rtctrlCtxP": [{"name": "c"}],
    "bgpExtP": [{}],
}


POSSIBLE = 16


def trees(annotations=None):
    """One draw for a tree: a byte for each possible object decides whether it is there and what it says."""
    return st.binary(min_size=POSSIBLE, max_size=POSSIBLE).map(
        lambda drawn: grow("l3extOut", {"name": "o"}, iter(drawn), annotations)
    )


def grow(cls, naming, drawn, annotations):
    byte = next(drawn)
    if cls != "l3extOut" and not byte & 4:
        return None
    attributes = {**naming, "descr": VALUES[byte & 3]}
    if cls == "l3extOut":
        attributes["enforceRtctrl"] = "export,import" if byte & 8 else "export"
    if annotations is not None:
        attributes["annotation"] = annotations[(byte >> 4) % len(annotations)]
    below = [grow(below, name, drawn, annotations) for below in BELOW.get(cls, []) for name in NAMES[below]]
    return an(cls, *filter(None, below), **attributes)


def strangers(fabric):
    return {
        dn: value for dn, value in fabric.snapshot().items() if value[1].get("annotation") != OURS and not follows(fabric, dn)
    }


def follows(fabric, dn):
    """Made together with its parent, and untouched by hand ever since."""
    cls, attributes = fabric.objects[dn]
    return cls in ("l3extRsEctx", "fvRsCustQosPol", "bgpRsPeerPfxPol") and not attributes["annotation"]


def fill(fabric, by_hand):
    """Add what somebody makes by hand to a fabric without touching what is there: its own part wins."""
    mine = fabric.snapshot()
    fabric.make(by_hand)
    fabric.objects.update(mine)
    fabric.objects = dict(sorted(fabric.objects.items(), key=lambda item: item[0].count("/") * 1000 + len(item[0])))
    return fabric


@st.composite
def fabrics(draw):
    """A root with what an earlier run of ours left, and what others put beside, above and below it."""
    fabric = Fabric(OUT, "l3extOut")
    if draw(st.booleans()):
        fabric.push(draw(trees()))
    if draw(st.booleans()):
        fill(fabric, draw(trees(annotations=STRANGERS)))
    return fabric


@settings(max_examples=150)
@given(fabrics(), trees(), st.booleans())
def test_push_gets_there_and_once_is_enough(fabric, tree, adopt):
    before = fabric.snapshot()
    difference = fabric.push(tree, adopt=adopt)
    if difference.conflicts:
        event("conflicts")
        assert not adopt
        assert fabric.snapshot() == before
        return
    again = fabric.difference(tree, adopt=adopt)
    assert not again.changes
    assert not again.conflicts
    assert_holds(fabric, tree, "uni/tn-t")


def assert_holds(fabric, tree, parent):
    for cls, body in tree.items():
        dn = f"{parent}/{mo.CLASSES[cls].rn(body['attributes'])}"
        held = fabric.objects[dn][1]
        assert {name: mo.canonical(name, held[name]) for name in body["attributes"]} == {
            name: mo.canonical(name, value) for name, value in body["attributes"].items()
        }
        for child in body["children"]:
            assert_holds(fabric, child, dn)


@settings(max_examples=150)
@given(fabrics(), trees(), st.booleans())
def test_what_others_made_stays_as_it_is(fabric, tree, prune):
    before = strangers(fabric)
    fabric.push(tree, prune=prune)
    assert {dn: fabric.objects.get(dn) for dn in before} == before
    fabric.push(tree, absent=True)
    assert {dn: fabric.objects.get(dn) for dn in before} == before


@settings(max_examples=150)
@given(fabrics(), trees(), st.sampled_from(["prune", "absent"]))
def test_nothing_of_ours_remains_but_what_is_wanted_or_holds_what_others_made(fabric, tree, how):
    difference = fabric.push(tree, absent=how == "absent")
    if difference.conflicts:
        return
    wanted = {dn for dn, (_cls, attributes) in Fabric(OUT, "l3extOut").make(tree).objects.items()} if how == "prune" else set()
    ours = {dn for dn, (_cls, attributes) in fabric.objects.items() if attributes.get("annotation") == OURS}
    for dn in ours - {normal(dn) for dn in wanted}:
        assert dn in difference.kept
        assert any(other.startswith(f"{dn}/") for other in strangers(fabric))


def normal(dn):
    return dn.replace("FD00", "fd00")


@settings(max_examples=150)
@given(fabrics(), trees(), st.booleans(), st.booleans())
def test_what_is_announced_is_what_happens(fabric, tree, absent, prune):
    before = fabric.snapshot()
    difference = fabric.push(tree, absent=absent, prune=prune)
    if difference.conflicts:
        return
    after = fabric.objects
    told = {
        action: {change.dn for change in difference.changes if change.action == action}
        for action in ("create", "modify", "delete")
    }
    implied = {dn for change in difference.changes for dn in change.removed}
    made_with_parent = {dn for dn in after if follows(fabric, dn)}
    assert set(after) - set(before) - made_with_parent == told["create"]
    assert {dn for dn in before if dn in after and before[dn] != after[dn]} == told["modify"]
    gone = {dn for dn in set(before) - set(after) if before[dn][1].get("annotation") or before[dn][0].startswith("tag")}
    assert gone == told["delete"] | implied


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=12)


@settings(max_examples=100)
@given(STEPS)
def test_shared_object_lives_exactly_as_long_as_it_has_users(steps):
    dn = "uni/tn-t/bgpCtxAfP-e"
    fabric = Fabric(dn, "bgpCtxAfPol")
    users = set()
    for cluster, leaves in steps:
        fabric.push(an("bgpCtxAfPol", name="e", maxEcmp="64", annotation=SHARED), cluster=cluster, absent=leaves)
        (users.discard if leaves else users.add)(cluster)
        tags = {attributes["key"] for cls, attributes in fabric.objects.values() if cls == "tagAnnotation"}
        assert tags == {f"{SHARED}:{user}" for user in users}
        assert (dn in fabric.objects) == bool(users)
