# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The privileges that a user of APIC needs to write a plan's objects.

The table repeats the class metadata of APIC 6.0(9c). ``admin`` can write all classes and is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .access import lease_tenant
from .objects import Mo
from .tree import Plan, apic_roots

ADMIN = "admin"
ACCESS_POLICIES = "uni/infra"

# By privileges, one of which is enough: the classes that they write. Classes without privileges need ``admin``.
_TABLE = {
    "access-connectivity": "fvnsEncapBlk fvnsVlanInstP infraAccBndlGrp infraAttEntityP infraRsAttEntP infraRsDomP infraRsLacpPol",
    "access-connectivity access-equipment": "infraAccPortP infraLeafS infraNodeP infraRsAccPortP",
    "access-connectivity access-protocol": "lacpLagPol",
    "access-equipment": "infraHPortS infraNodeBlk infraPortBlk infraRsAccBaseGrp",
    "fabric-protocol": "bgpAsP",
    "ops": "tagAnnotation",
    "tenant-connectivity": "fvCtx fvRsCtxToBgpCtxAfPol",
    "tenant-epg tenant-ext-connectivity tenant-network-profile vmm-policy": "infraRsVlanNs physDomP",
    "tenant-epg tenant-network-profile": "fvAEPg fvRsCons fvRsConsIf fvRsProv",
    "tenant-ext-connectivity": (
        "l3extDomP l3extInstP l3extIp l3extLIfP l3extLNodeP l3extMember l3extOut l3extRsDynPathAtt l3extRsEctx l3extRsL3DomAtt"
        " l3extRsNodeL3OutAtt l3extRsPathL3OutAtt l3extSubnet l3extVirtualLIfP"
        " rtctrlCtxP rtctrlMatchRtDest rtctrlProfile rtctrlRsCtxPToSubjP rtctrlSubjP"
    ),
    "tenant-ext-connectivity tenant-ext-protocol": "bgpExtP bgpProtP bgpRsBestPathCtrlPol bgpRsBgpNodeCtxPol",
    "tenant-ext-protocol": "bgpCtxAfPol bgpCtxPol bgpPeerP bgpPeerPfxPol bgpRsPeerPfxPol",
    "tenant-network-profile": "fvAp",
    "tenant-security": "vzBrCP vzCPIf vzEntry vzFilter vzRsIf vzRsSubjFiltAtt vzRsSubjGraphAtt vzSubj",
    "": "bgpBestPathCtrlPol fvTenant",
}
WRITE = {cls: frozenset(privileges.split()) for privileges, classes in _TABLE.items() for cls in classes.split()}

# ``{DN: {class: the privileges that write it}}``; the DN is a tenant's or ``ACCESS_POLICIES``.
Needed = dict[str, dict[str, frozenset[str]]]


def needed(plan: Plan) -> Needed:
    """Return the privileges that a push of the plan needs, by the tenant to which the objects belong."""
    found: Needed = {lease_tenant(plan): {"tagAnnotation": WRITE["tagAnnotation"]}}
    for part in ("access", "hardening", "l3out"):
        for root in apic_roots(plan, part):
            for holder, cls in _written(root["tree"], root["dn"]):
                found.setdefault(holder, {})[cls] = WRITE[cls]
    return found


def _written(mo: Mo, dn: str) -> Iterator[tuple[str, str]]:
    """Yield tenant and class of each object of a tree that is more than a container of others."""
    ((cls, body),) = mo.items()
    attributes = body["attributes"]
    if cls == "fvTenant":
        dn = f"uni/tn-{attributes['name']}"
    if attributes.get("status") != "modified" and cls != "polUni":
        yield ("/".join(dn.split("/")[:2]) if dn.startswith("uni/tn-") else ACCESS_POLICIES), cls
    for child in body.get("children", ()):
        yield from _written(child, dn)


def lacking(needed_here: dict[str, frozenset[str]], held: set[str]) -> dict[str, list[str]]:
    """Return ``{privilege: classes}`` that a user with other privileges lacks; of several privileges the first."""
    missing: dict[str, list[str]] = {}
    custom = any(privilege.startswith("custom-privilege-") for privilege in held)  # of which class, is not known here
    for cls, privileges in sorted(needed_here.items()):
        if not held & {ADMIN, *privileges} and (privileges or not custom):
            missing.setdefault(min(privileges, default="admin or a custom privilege"), []).append(cls)
    return missing


def in_words(missing: dict[str, list[str]]) -> str:
    """Return privileges with the classes that they write, as a list in words."""
    return ", ".join(f"{privilege} ({' '.join(classes)})" for privilege, classes in sorted(missing.items()))


def hint(plan: dict[str, Any], dn: str, text: str) -> str:
    """Return which privileges a refused push needs: that of the class which APIC names, otherwise all.

    :param dn: the root that was pushed.
    :param text: APIC's error.
    """
    holder = "/".join(dn.split("/")[:2]) if dn.startswith("uni/tn-") else ACCESS_POLICIES
    classes = needed(plan).get(holder, {})
    if not classes:
        return "See docs/rights.md for the privileges that it needs."
    named = {cls: privileges for cls, privileges in classes.items() if cls in text.replace(",", " ").split()}
    return f"It needs the privileges to write {holder}: {in_words(lacking(named or classes, set()))}. See docs/rights.md."
