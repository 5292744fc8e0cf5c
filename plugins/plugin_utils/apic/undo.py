# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a journal keeps of a cluster's objects on APIC, and the roots that bring them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils.apic import mo as model
from ...module_utils.apic.roots import Root as ParsedRoot
from ...module_utils.names import PASSWORD_MARKER
from .access import tenants
from .objects import Mo, Plan, Root, mo

# ``{dn: {"class": …, "attributes": {…}}}``.
Objects = Mapping[str, Mapping[str, Any]]

_SVI = ("addr", "autostate", "encap", "encapScope", "ifInstT", "mode", "mtu")
# The properties that the collection sets, beside naming properties and annotation; a test compares them with the trees of all examples.
_IN_L3OUT: dict[str, tuple[str, ...]] = {
    "bgpAsP": ("asn",),
    "bgpExtP": (),
    "bgpPeerP": ("ctrl",),
    "bgpProtP": (),
    "bgpRsBestPathCtrlPol": ("tnBgpBestPathCtrlPolName",),
    "bgpRsBgpNodeCtxPol": ("tnBgpCtxPolName",),
    "bgpRsPeerPfxPol": ("tnBgpPeerPfxPolName",),
    "bgpRsPeerToProfile": (),
    "l3extIp": ("ipv6Dad",),
    "l3extInstP": (),
    "l3extLIfP": (),
    "l3extLNodeP": (),
    "l3extMember": ("addr",),
    "l3extRsDynPathAtt": ("floatingAddr",),
    "l3extRsEctx": ("tnFvCtxName",),
    "l3extRsL3DomAtt": ("tDn",),
    "l3extRsNodeL3OutAtt": ("rtrId", "rtrIdLoopBack"),
    "l3extRsPathL3OutAtt": _SVI,
    "l3extRsRedistributePol": (),
    "l3extSubnet": ("aggregate", "scope"),
    "l3extVirtualLIfP": _SVI,
}
_POLICIES: dict[str, tuple[str, ...]] = {
    "bgpBestPathCtrlPol": ("ctrl",),
    "bgpCtxAfPol": ("maxEcmp", "maxEcmpIbgp"),
    "bgpCtxPol": ("grCtrl", "holdIntvl", "kaIntvl", "maxAsLimit", "staleIntvl"),
    "bgpPeerPfxPol": ("action", "maxPfx", "thresh"),
    "fvRsCons": (),
    "fvRsConsIf": (),
    "fvRsCtxToBgpCtxAfPol": (),
    "fvRsProv": (),
    "fvnsEncapBlk": ("allocMode",),
    "fvnsVlanInstP": (),
    "infraAccBndlGrp": ("lagT",),
    "infraAccPortP": (),
    "infraAttEntityP": (),
    "infraHPortS": (),
    "infraLeafS": (),
    "infraNodeBlk": ("from_", "to_"),
    "infraNodeP": (),
    "infraPortBlk": ("fromCard", "fromPort", "toCard", "toPort"),
    "infraRsAccBaseGrp": ("tDn",),
    "infraRsAccPortP": (),
    "infraRsAttEntP": ("tDn",),
    "infraRsDomP": (),
    "infraRsLacpPol": ("tnLacpLagPolName",),
    "infraRsVlanNs": ("tDn",),
    "l3extDomP": (),
    "lacpLagPol": ("mode",),
    "physDomP": (),
    "rtctrlAttrP": (),
    "rtctrlCtxP": ("action", "order"),
    "rtctrlMatchRtDest": ("aggregate",),
    "rtctrlProfile": ("type",),
    "rtctrlRsCtxPToSubjP": (),
    "rtctrlRsScopeToAttrP": ("tnRtctrlAttrPName",),
    "rtctrlScope": (),
    "rtctrlSetNhUnchanged": (),
    "rtctrlSetRedistMultipath": (),
    "rtctrlSubjP": (),
    "vzBrCP": ("scope",),
    "vzCPIf": (),
    "vzEntry": ("dFromPort", "dToPort", "etherT", "prot"),
    "vzFilter": (),
    "vzRsIf": ("tDn",),
    "vzRsSubjFiltAtt": (),
    "vzRsSubjGraphAtt": ("tnVnsAbsGraphName",),
    "vzSubj": (),
}
# Made by the push of the tenants only.
_MADE: dict[str, tuple[str, ...]] = {"fvCtx": (), "fvTenant": ()}
L3OUT = "l3extOut"
KEPT: Mapping[str, tuple[str, ...]] = {L3OUT: ("enforceRtctrl",), **_IN_L3OUT, **_POLICIES, **_MADE}
# Classes of which the cluster may own objects inside another owner's: a query names them. All others are found below these.
_QUERIED = (
    *(
        L3OUT,
        "bgpBestPathCtrlPol",
        "bgpCtxAfPol",
        "bgpCtxPol",
        "bgpPeerPfxPol",
        "rtctrlSubjP",
        "rtctrlAttrP",
        "rtctrlProfile",
        "rtctrlCtxP",
    ),
    *("fvRsCons", "fvRsConsIf", "fvRsCtxToBgpCtxAfPol", "fvRsProv", "vzBrCP", "vzSubj", "vzCPIf", "vzFilter", "vzEntry"),
    *("vzRsSubjGraphAtt", "fvnsVlanInstP", "fvnsEncapBlk", "lacpLagPol", "infraAttEntityP", "infraRsDomP", "infraRsVlanNs"),
    *("l3extDomP", "physDomP", "infraAccBndlGrp", "infraAccPortP", "infraHPortS", "infraNodeP"),
)


def own_queries(plan: Plan) -> list[str]:
    """Return the paths of the requests that read all objects of a cluster: one, and one for each tenant that the plan creates."""
    spec = {"dn": "uni", "scope": "named", "tree": mo("polUni"), "classes": list(_QUERIED)}
    bare = ({"dn": f"uni/tn-{name}", "scope": "bare", "tree": tree} for name, tree in tenants(plan).items())
    return [ParsedRoot(one, plan["cluster"]).query(with_owned=True) for one in (spec, *bare)]


# --- the way back ----------------------------------------------------------------------------------------------------


def roots_back(plan: Plan, before: Objects, now: Objects) -> tuple[list[Root], list[Root]]:
    """Return the roots that bring the objects of a journal back, for two pushes (``aci_tree``).

    The first one creates and changes policies before interfaces, and removes interfaces; the second one removes policies that no
    interface needs any more.

    :param before: the objects in the journal.
    :param now: the objects of the cluster at present; only their DNs and classes matter.
    """
    l3outs = {dn: one for dn, one in {**now, **before}.items() if one["class"] == L3OUT}
    made = {dn: one for dn, one in before.items() if _is_made(dn, before)}
    policies = {dn: one for dn, one in before.items() if dn not in made and not _is_below(dn, l3outs)}
    assumed = [dn for dn, one in made.items() if one["class"] in _MADE]
    root = {
        "dn": "uni",
        "scope": "named",
        "tree": _tree("polUni", "uni", policies),
        "classes": list(_POLICIES),
        "except": sorted(l3outs),
        "assumed": assumed,
    }
    gone = [{"dn": dn, "scope": "subtree", "state": "absent", "tree": _named(L3OUT, dn)} for dn in l3outs if dn not in before]
    back = [
        {
            "dn": dn,
            "scope": "subtree",
            "tree": _tree(L3OUT, dn, {key: before[key] for key in before if _is_below(key, [dn])}),
            "assumed": assumed,
        }
        for dn in l3outs
        if dn in before
    ]
    # Nothing is pruned where each path of classes holds a class to keep.
    first = [*_made_roots(before), {**root, "keep": ["polUni"]}, *gone, *back]
    return first, [root, *_made_roots({dn: one for dn, one in now.items() if dn not in before}, state="absent")]


def _is_made(dn: str, objects: Objects) -> bool:
    """Return whether an object is a tenant or a VRF that was created, or a tag on it."""
    one = objects[dn]
    return one["class"] in _MADE or (
        one["class"] == "tagAnnotation" and objects.get(model.parent_dn(dn), {}).get("class") in _MADE
    )


def _made_roots(objects: Objects, **state: str) -> list[Root]:
    """Return a root for each tenant that has been created, or in which the VRF has been."""
    made = {dn: one for dn, one in objects.items() if _is_made(dn, objects)}
    names = dict.fromkeys("/".join(model.split_dn(dn)[:2]) for dn in made)
    return [
        {
            "dn": dn,
            "scope": "bare",
            "tree": _tree("fvTenant", dn, {key: made[key] for key in made if _is_below(key, [dn])}),
            **state,
        }
        for dn in names
    ]


def _is_below(dn: str, containers: Iterable[str]) -> bool:
    """Return whether an object is one of the containers, or below one."""
    return any(f"{dn}/".startswith(f"{container}/") for container in containers)


def _named(cls: str, dn: str, **attributes: str) -> Mo:
    return mo(cls, (), **attributes, **(model.CLASSES[cls].naming_of(model.last_rn(dn)) or {}))


def _tree(cls: str, root: str, objects: Objects) -> Mo:
    """Return the tree of a root with these objects; what is between them must exist."""
    made: dict[str, Mo] = {root: _restored(objects[root]) if root in objects else _container(cls, root)}

    def place(dn: str, managed: Mo) -> None:
        made[dn] = managed
        parent = model.parent_dn(dn)
        if parent not in made:
            path = model.class_path(cls, root, parent) or ()
            place(parent, _restored(objects[parent]) if parent in objects else _container(path[-1], parent))
        for body in made[parent].values():
            body.setdefault("children", []).append(managed)

    for dn, one in objects.items():
        if dn not in made:
            place(dn, _restored(one))
    return made[root]


def _container(cls: str, dn: str) -> Mo:
    return mo(cls) if cls == "polUni" else _named(cls, dn, status="modified")


def _restored(one: Mapping[str, Any]) -> Mo:
    """Return an object of a journal as a wanted one. A journal has no secrets: a new peer gets the present password."""
    secret = {"password": PASSWORD_MARKER} if one["class"] == "bgpPeerP" else {}
    return {one["class"]: {"attributes": {**one["attributes"], **secret}}}
