"""Configuration that a leaf refuses because of other configuration: F0467 at its owner, as a fault delegate.

A leaf raises the fault, and APIC shows it at the L3Out or EPG by a ``faultDelegate``. What came first stays in force. The texts
of ``affected``, ``changeSet`` and ``descr`` follow the tests of Cisco's ACI-Pre-Upgrade-Validation-Script
(``bgp_timer_policy_already_existing_check``, ``prefix_already_in_use_check``, ``encap_already_in_use_check``). The lab does not
show the leaf's own ``faultInst``. Guesses: the place of a floating SVI in ``affected``, and that the order of creation decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .tree import ManagedObject, Tree

CODE = "F0467"
# Classes whose change can cause or end a conflict.
CAUSES = frozenset(
    [
        "l3extOut",
        "l3extRsEctx",
        "bgpExtP",
        "l3extLNodeP",
        "l3extRsNodeL3OutAtt",
        "bgpProtP",
        "bgpRsBgpNodeCtxPol",
        "l3extInstP",
        "l3extSubnet",
        "fvAEPg",
        "fvRsPathAtt",
        "l3extRsPathL3OutAtt",
        "l3extVirtualLIfP",
    ]
)
_ANYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True)
class Conflict:
    """One refusal: the L3Out or EPG that it concerns, its place in the leaf's model, and the texts of the fault."""

    holder: str
    affected: str
    qualifier: str
    because: str
    detail: str = ""

    @property
    def rn(self) -> str:
        """The relative name of the fault delegate."""
        return f"fd-[{self.affected}]-fault-{CODE}"

    def about(self) -> dict[str, str]:
        """Return the properties of the fault that tell it apart."""
        message = f"debugMessage:{self.qualifier}: {self.detail};, " if self.detail else ""
        debug = f", debug message: {self.qualifier}: {self.detail};" if self.detail else ""
        return {
            "code": CODE,
            "cause": "configuration-failed",
            "changeSet": f"configQual:{self.qualifier}, configSt:failed-to-apply, {message}temporaryError:no",
            "descr": f"Configuration failed for {self.holder} due to {self.because}{debug}",
            "domain": "tenant",
            "lc": "raised",
            "occur": "1",
            "rule": "fv-nw-issues-config-failed",
            "subject": "management",
            "type": "config",
        }


def reconcile(tree: Tree, now: str) -> None:
    """Raise and clear the fault delegates of all conflicts in the tree."""
    wanted = {f"{conflict.holder}/{conflict.rn}": conflict for conflict in _conflicts(tree)}
    for present in tree.of_class("faultDelegate"):
        if wanted.pop(present.dn, None) is None:
            tree.remove(present)
    info = tree.table["faultDelegate"]
    severities = dict.fromkeys(("severity", "highestSeverity", "origSeverity", "prevSeverity"), "minor")
    times = dict.fromkeys(("created", "lastTransition", "modTs"), now)
    for conflict in wanted.values():
        holder = tree.by_dn[conflict.holder]
        values = {**info.defaults, "affected": conflict.affected, **conflict.about(), **severities, **times}
        tree.add(info, conflict.rn, holder, {name: value for name, value in values.items() if name in info.properties})


def _conflicts(tree: Tree) -> Iterator[Conflict]:
    vrfs = {relation.container.dn: relation.values["tDn"] for relation in tree.of_class("l3extRsEctx") if relation.values["tDn"]}
    yield from _policies(tree, vrfs)
    yield from _prefixes(tree, vrfs)
    yield from _encaps(tree, vrfs)


def _policies(tree: Tree, vrfs: dict[str, str]) -> Iterator[Conflict]:
    """Yield the L3Outs that name another BGP timers policy than the first L3Out of the VRF on one of their leaves."""
    first: dict[tuple[str, str], str] = {}
    refused = {}
    for relation in tree.of_class("bgpRsBgpNodeCtxPol"):
        profile = relation.container.container
        l3out = profile.container
        if not relation.values["tnBgpCtxPolName"] or l3out.dn not in vrfs or not l3out.children_of("bgpExtP"):
            continue
        for node in profile.children_of("l3extRsNodeL3OutAtt"):
            policy = relation.values["tDn"]
            if first.setdefault((vrfs[l3out.dn], node.values["tDn"]), policy) != policy:
                refused[l3out.dn] = True
    for dn in refused:
        affected = f"resPolCont/rtdOutCont/rtdOutDef-[{dn}]/nwissues"
        yield Conflict(dn, affected, "bgpProt-policy-already-existing", "BGP Protocol Policy Already Existing")


def _prefixes(tree: Tree, vrfs: dict[str, str]) -> Iterator[Conflict]:
    """Yield the external EPGs that classify a prefix of another external EPG of the VRF; the default route may repeat."""
    first: dict[tuple[str, str], str] = {}
    for subnet in tree.of_class("l3extSubnet"):
        epg = subnet.container
        vrf, prefix = vrfs.get(epg.container.dn), subnet.values["ip"]
        if vrf is None or prefix in _ANYWHERE or "import-security" not in subnet.values["scope"].split(","):
            continue
        if first.setdefault((vrf, prefix), epg.dn) != epg.dn:
            detail = f"Prefix entry sys/ctx-[{vrf}]/pfx-[{prefix}] is in use"
            because = "Prefix Entry Already Used in Another EPG"
            yield Conflict(epg.dn, f"uni/epp/rtd-[{epg.dn}]/nwissues", "prefix-entry-already-in-use", because, detail)


def _encaps(tree: Tree, vrfs: dict[str, str]) -> Iterator[Conflict]:
    """Yield the EPGs and L3Outs with a VLAN that another one has on a leaf; L3Outs of a VRF may share it with scope ctx."""
    first: dict[tuple[str, str], tuple[str, str]] = {}
    because = "Encap Already Used in Another EPG"
    for holder, leaf, port, mo in _deployed(tree):
        scope = vrfs.get(holder, "") if mo.values.get("encapScope") == "ctx" else ""
        other, their_scope = first.setdefault((leaf, mo.values["encap"]), (holder, scope))
        if other == holder or (scope and scope == their_scope):
            continue
        kind = "resPolCont/rtdOutCont/rtdOutDef" if "/out-" in holder else "uni/epp/fv"
        affected = f"{kind}-[{holder}]/node-{leaf}/{port}nwissues"
        name = ":".join(part.partition("-")[2] for part in other.split("/")[1:])
        detail = f"Encap ({mo.values['encap']}) is already in use by {name}"
        yield Conflict(holder, affected, "encap-already-in-use", because, detail)


def _deployed(tree: Tree) -> Iterable[tuple[str, str, str, ManagedObject]]:
    """Yield EPG or L3Out, leaf, port and the object, of all VLANs on ports and of the anchors of floating SVIs."""
    for mo in tree.by_dn.values():  # in the order of creation
        if mo.cls == "fvRsPathAtt":
            yield from ((mo.container.dn, leaf, port, mo) for leaf, port in _ports(mo.values["tDn"]))
        elif mo.cls == "l3extRsPathL3OutAtt" and mo.values["ifInstT"] != "l3-port":
            yield from ((mo.ancestor("l3extOut").dn, leaf, port, mo) for leaf, port in _ports(mo.values["tDn"]))
        elif mo.cls == "l3extVirtualLIfP":
            yield mo.ancestor("l3extOut").dn, mo.values["nodeDn"].rpartition("-")[2], "", mo


def _ports(path: str) -> Iterator[tuple[str, str]]:
    found = re.search(r"paths-([\d-]+)/pathep-\[(.+)]$", path)
    if found:
        yield from ((leaf, f"stpathatt-[{found[2]}]/") for leaf in found[1].split("-"))
