"""Read APIC's tree into the model of the leaves.

The model holds only objects that a fabric would deploy: an SVI needs its leaf in the node profile and its VLAN in the
domain's pool, a peer needs BGP enabled on the L3Out. Policies resolve by name in the L3Out's tenant, then in
``common``, then to the ``default`` in ``common``, then to the class's defaults.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_network
from itertools import chain

from lab.twin.fabric import (
    FAMILIES,
    INHERITED_MTU,
    PERVASIVE_MAC,
    AddressFamilyPolicy,
    Fabric,
    Leaf,
    Peer,
    PrefixLimit,
    Rule,
    Svi,
    Timers,
)
from lab.twin.mo import Mo, Tree

ROUTED = ("l3-port", "sub-interface")
# Scopes of subnets behind the L3Out. The other scopes are for exported routes and other VRFs.
OUTSIDE = frozenset({"import-security", "import-rtctrl"})

# The relations of a node profile with the policies that a VRF has once on a leaf, and the attribute with the policy's name.
_NODE_POLICIES = {"bgpRsBgpNodeCtxPol": "tnBgpCtxPolName", "bgpRsBestPathCtrlPol": "tnBgpBestPathCtrlPolName"}

# The classes that a Fabric is read from, by one GET below ``uni``.
POLICY_CLASSES = (
    "l3extOut,l3extRsEctx,l3extRsL3DomAtt,bgpExtP,l3extLNodeP,l3extRsNodeL3OutAtt,l3extLoopBackIfP,bgpProtP,"
    "bgpRsBgpNodeCtxPol,bgpRsBestPathCtrlPol,l3extLIfP,l3extVirtualLIfP,l3extRsDynPathAtt,l3extRsPathL3OutAtt,"
    "l3extMember,l3extIp,bgpPeerP,bgpAsP,bgpLocalAsnP,bgpRsPeerPfxPol,l3extInstP,l3extSubnet,rtctrlProfile,"
    "rtctrlCtxP,rtctrlRsCtxPToSubjP,rtctrlSubjP,rtctrlMatchRtDest,bgpCtxPol,bgpBestPathCtrlPol,bgpCtxAfPol,"
    "bgpPeerPfxPol,fvCtx,fvRsCtxToBgpCtxAfPol,fvRsBgpCtxPol,bgpInstPol,fabricExplicitGEp,fabricNodePEp,"
    "infraRsVlanNs,fvnsVlanInstP,fvnsEncapBlk,"
    "bgpRsPeerToProfile,l3extRsRedistributePol,rtctrlScope,rtctrlRsScopeToAttrP,rtctrlAttrP,rtctrlSetNhUnchanged,"
    "rtctrlSetRedistMultipath"
)


def read_fabrics(tree: Tree, secrets: Mapping[str, str] | None = None) -> list[Fabric]:
    """Return every VRF that has an L3Out.

    :param secrets: ``{DN of a bgpPeerP: password}``; APIC never returns passwords with the tree.
    """
    reader = _Reader(tree, secrets or {})
    vrfs: dict[str, list[Mo]] = {}
    for l3out in tree.of_class("l3extOut"):
        if vrf := reader.vrf_of(l3out):
            vrfs.setdefault(vrf.dn, []).append(l3out)
    return [reader.fabric(dn, l3outs) for dn, l3outs in vrfs.items()]


class _Reader:
    def __init__(self, tree: Tree, secrets: Mapping[str, str]) -> None:
        self._tree = tree
        self._secrets = secrets
        self._in_force: dict[tuple[str, str], tuple[Mo, str]] = {}

    def fabric(self, vrf_dn: str, l3outs: list[Mo]) -> Fabric:
        vrf = self._tree.get(vrf_dn)
        assert vrf is not None
        self._in_force = self._policies_in_force(l3outs)
        border = _merge_leaves(leaf for l3out in l3outs for leaf in self._leaves(l3out))
        racks = self._racks(border, l3outs)
        return Fabric(
            tenant=_tenant(vrf_dn),
            vrf=vrf.get("name") or vrf_dn.partition("/ctx-")[2],
            asn=self._fabric_asn(),
            bd_enforced=vrf.get("bdEnforcedEnable", "no") == "yes",
            leaves=(*border, *self._compute_leaf(border)),
            racks=racks,
            policies={family: self._family_policy(vrf, family) for family in FAMILIES},
            classified=tuple(self._classified(l3outs)),
            outside={l3out.dn: tuple(self._within(l3out, OUTSIDE)) for l3out in l3outs},
            beyond=dict(self._beyond(l3outs)),
        )

    # --- the fabric itself ---

    def _fabric_asn(self) -> int | None:
        numbers = [
            mo.number("asn") for policy in self._tree.of_class("bgpInstPol") for mo in self._tree.children(policy.dn, "bgpAsP")
        ]
        return next(filter(None, numbers), None)

    def _compute_leaf(self, border: Iterable[Leaf]) -> list[Leaf]:
        """Return the first leaf without L3Out, which the endpoint can be connected to."""
        taken = {leaf.id for leaf in border}
        for node in sorted(self._tree.of_class("fabricNode"), key=lambda mo: mo.number("id")):
            if node.get("role") == "leaf" and node.number("id") not in taken:
                pod, number = _node_of(node.dn)
                return [Leaf(id=number, pod=pod, tep=self._tep(node.dn), compute=True)]
        return []

    def _tep(self, node_dn: str) -> str:
        system = self._tree.get(f"{node_dn}/sys")
        address = system.get("address") if system else ""
        return "" if address == "0.0.0.0" else address

    def _racks(self, border: tuple[Leaf, ...], l3outs: list[Mo]) -> tuple[tuple[int, ...], ...]:
        """Return the leaves of each rack: from vPC paths, otherwise vPC protection groups, otherwise node profiles.

        A rack has also those leaves of a group that have no interface yet, or no longer: the rack stays the same when one comes or goes.
        """
        candidates = chain(
            (_path_leaves(svi.path) for leaf in border for svi in leaf.svis if svi.path and not svi.routed),
            (self._ids(group.dn, "fabricNodePEp") for group in self._tree.of_class("fabricExplicitGEp")),
            (
                tuple(_node_of(att.get("tDn"))[1] for att in self._tree.children(profile.dn, "l3extRsNodeL3OutAtt"))
                for l3out in l3outs
                for profile in self._tree.children(l3out.dn, "l3extLNodeP")
            ),
            ((leaf.id,) for leaf in border),
        )
        wanted = {leaf.id for leaf in border}
        racks: list[tuple[int, ...]] = []
        for candidate in candidates:
            if wanted.intersection(candidate):
                wanted.difference_update(candidate)
                racks.append(tuple(sorted(candidate)))
        return tuple(sorted(racks))

    def _ids(self, dn: str, cls: str) -> tuple[int, ...]:
        return tuple(mo.number("id") for mo in self._tree.children(dn, cls))

    def _policies_in_force(self, l3outs: list[Mo]) -> dict[tuple[str, str], tuple[Mo, str]]:
        """Return ``{(relation, node): (profile, name)}`` of the BGP policies that a VRF has once on a leaf.

        They also hold for the other L3Outs there, and chance decides between two; here the first wins.
        """
        found: dict[tuple[str, str], tuple[Mo, str]] = {}
        for l3out in l3outs:
            for profile in self._tree.children(l3out.dn, "l3extLNodeP") if self._tree.child(l3out.dn, "bgpExtP") else ():
                for cls, attribute in _NODE_POLICIES.items():
                    name = self._reference(f"{profile.dn}/protp", cls, attribute)
                    for att in self._tree.children(profile.dn, "l3extRsNodeL3OutAtt") if name else ():
                        found.setdefault((cls, att.get("tDn")), (profile, name))
        return found

    # --- one L3Out ---

    def vrf_of(self, l3out: Mo) -> Mo | None:
        name = self._reference(l3out.dn, "l3extRsEctx", "tnFvCtxName")
        return self._named(_tenant(l3out.dn), f"ctx-{name}") if name else None

    def _leaves(self, l3out: Mo) -> Iterable[Leaf]:
        for profile in self._tree.children(l3out.dn, "l3extLNodeP"):
            attached = {att.get("tDn"): att for att in self._tree.children(profile.dn, "l3extRsNodeL3OutAtt")}
            sources = {mo.get("src") for mo in self._tree.children(l3out.dn, "l3extRsRedistributePol")}
            for dn, att in attached.items():
                pod, number = _node_of(dn)
                best_path = self._best_path(dn).flags("ctrl")
                yield Leaf(
                    id=number,
                    pod=pod,
                    router_id=att.get("rtrId", "0.0.0.0"),
                    tep=self._tep(dn),
                    loopbacks=self._loopbacks(att),
                    svis=tuple(self._svis(l3out, profile, dn)),
                    relax="asPathMultipathRelax" in best_path,
                    ignores_igp="ignoreIgpMetric" in best_path,
                    announces_hosts="attached-host" in sources,
                )

    def _loopbacks(self, att: Mo) -> tuple[str, ...]:
        router_id = [att.get("rtrId", "0.0.0.0")] if att.get("rtrIdLoopBack", "yes") == "yes" else []
        return (*router_id, *(mo.get("addr") for mo in self._tree.children(att.dn, "l3extLoopBackIfP")))

    def _svis(self, l3out: Mo, profile: Mo, node_dn: str) -> Iterable[Svi]:
        for interfaces in self._tree.children(profile.dn, "l3extLIfP"):
            for mo in self._tree.children(interfaces.dn, "l3extVirtualLIfP"):
                if mo.get("nodeDn") == node_dn and self._vlan_allowed(mo, mo.dn, "l3extRsDynPathAtt"):
                    yield self._svi(l3out, node_dn, mo, mo, "")
            for mo in self._tree.children(interfaces.dn, "l3extRsPathL3OutAtt"):
                side = self._side(mo, _node_of(node_dn)[1])
                if side and self._vlan_allowed(mo, l3out.dn, "l3extRsL3DomAtt"):
                    yield self._svi(l3out, node_dn, mo, side, mo.get("tDn"))

    def _side(self, path: Mo, leaf: int) -> Mo | None:
        """Return the object with this leaf's addresses: the path itself on one leaf, a member on each leaf of a vPC."""
        leaves = _path_leaves(path.get("tDn"))
        if leaf not in leaves:
            return None
        if len(leaves) == 1:
            return path
        side = "AB"[leaves.index(leaf)]
        return next((mo for mo in self._tree.children(path.dn, "l3extMember") if mo.get("side") == side), None)

    def _svi(self, l3out: Mo, node_dn: str, mo: Mo, addressed: Mo, path: str) -> Svi:
        address = addressed.get("addr", "0.0.0.0")
        return Svi(
            l3out=l3out.dn,
            vlan=_vlan(mo),
            path=path,
            mtu=mo.number("mtu", INHERITED_MTU),
            mac=mo.get("mac", PERVASIVE_MAC),
            addresses=() if address == "0.0.0.0" else (address,),
            secondaries=tuple(ip.get("addr") for ip in self._tree.children(addressed.dn, "l3extIp")),
            peers=tuple(self._peers(l3out, node_dn, mo)),
            routed=mo.get("ifInstT") in ROUTED,
        )

    def _vlan_allowed(self, mo: Mo, dn: str, cls: str) -> bool:
        """Return True if the VLAN is in the pools of the domains that relations of a class below ``dn`` name.

        A pool that the tree does not show holds every VLAN. A routed port needs none.
        """
        if mo.get("ifInstT") == "l3-port":
            return True
        for domain in self._tree.children(dn, cls):
            pool = self._reference(domain.get("tDn"), "infraRsVlanNs", "tDn")
            blocks = self._tree.children(pool, "fvnsEncapBlk") if pool else []
            if blocks and not any(_vlan(block, "from") <= _vlan(mo) <= _vlan(block, "to") for block in blocks):
                return False
        return True

    # --- peers and policies ---

    def _peers(self, l3out: Mo, node_dn: str, above: Mo) -> Iterable[Peer]:
        if not self._tree.child(l3out.dn, "bgpExtP"):
            return
        for mo in self._tree.children(above.dn, "bgpPeerP"):
            local = self._tree.child(mo.dn, "bgpLocalAsnP")
            remote = self._tree.child(mo.dn, "bgpAsP")
            yield Peer(
                address=mo.get("addr"),
                # Without a remote AS number the leaf expects the neighbour in its own AS.
                asn=(remote.number("asn") if remote else 0) or self._fabric_asn() or 0,
                password=self._secrets.get(mo.dn, ""),
                controls=mo.flags("ctrl"),
                ttl=mo.number("ttl", 1),
                allow_self_as=mo.number("allowedSelfAsCnt", 3),
                enabled=mo.get("adminSt", "enabled") == "enabled",
                local_asn=local.number("localAsn") or None if local else None,
                limit=self._prefix_limit(mo),
                timers=self._timers(l3out, node_dn),
                imports=self._rules(l3out, "import", mo) if "import" in l3out.flags("enforceRtctrl") else None,
                exports=self._rules(l3out, "export", mo),
                propagates=self._sets(mo, "rtctrlSetNhUnchanged"),
                multipath=self._sets(mo, "rtctrlSetRedistMultipath"),
            )

    def _prefix_limit(self, peer: Mo) -> PrefixLimit | None:
        name = self._reference(peer.dn, "bgpRsPeerPfxPol", "tnBgpPeerPfxPolName")
        policy = self._named(_tenant(peer.dn), f"bgpPfxP-{name}") if name else None
        if not policy:
            return None
        return PrefixLimit(
            maximum=policy.number("maxPfx", 20000),
            threshold=policy.number("thresh", 75),
            action=policy.get("action", "reject"),
            restart_minutes=policy.number("restartTime") or None,
        )

    def _timers(self, l3out: Mo, node_dn: str) -> Timers:
        named_by, name = self._in_force.get(("bgpRsBgpNodeCtxPol", node_dn), (l3out, ""))
        if not name and (vrf := self.vrf_of(l3out)):
            name = self._reference(vrf.dn, "fvRsBgpCtxPol", "tnBgpCtxPolName")
        policy = self._policy(_tenant(named_by.dn), "bgpCtxPol", "bgpCtxP-{}", name)
        return Timers(
            keepalive=policy.number("kaIntvl", 60),
            hold=policy.number("holdIntvl", 180),
            as_limit=policy.number("maxAsLimit"),
            graceful="grCtrl" not in policy.attributes or "helper" in policy.flags("grCtrl"),
        )

    def _best_path(self, node_dn: str) -> Mo:
        named_by, name = self._in_force.get(("bgpRsBestPathCtrlPol", node_dn), (None, ""))
        return self._policy(_tenant(named_by.dn), "bgpBestPathCtrlPol", "bestpath-{}", name) if named_by else Mo("", "")

    def _family_policy(self, vrf: Mo, family: str) -> AddressFamilyPolicy:
        names = [
            relation.get("tnBgpCtxAfPolName")
            for relation in self._tree.children(vrf.dn, "fvRsCtxToBgpCtxAfPol")
            if relation.get("af", "ipv4-ucast") == f"{family}-ucast"
        ]
        policy = self._policy(_tenant(vrf.dn), "bgpCtxAfPol", "bgpCtxAfP-{}", names[0] if names else "")
        return AddressFamilyPolicy(
            ecmp_ebgp=policy.number("maxEcmp", 16),
            ecmp_ibgp=policy.number("maxEcmpIbgp", 16),
            distances=(policy.number("eDist", 20), policy.number("iDist", 200), policy.number("localDist", 220)),
        )

    def _policy(self, tenant: str, cls: str, rn: str, name: str) -> Mo:
        found = self._named(tenant, rn.format(name)) if name else None
        return found or self._tree.get(f"uni/tn-common/{rn.format('default')}") or Mo(cls, "")

    def _reference(self, dn: str, cls: str, attribute: str) -> str:
        relation = self._tree.child(dn, cls)
        return relation.get(attribute) if relation else ""

    def _named(self, tenant: str, rn: str) -> Mo | None:
        return self._tree.get(f"uni/tn-{tenant}/{rn}") or self._tree.get(f"uni/tn-common/{rn}")

    # --- route control ---

    def _of_peer(self, peer: Mo, direction: str) -> Mo | None:
        """Return the route map that a peer has for itself."""
        relations = self._tree.children(peer.dn, "bgpRsPeerToProfile")
        return next((self._tree.get(it.get("tDn")) for it in relations if it.get("direction", "import") == direction), None)

    def _sets(self, peer: Mo, cls: str) -> bool:
        """Return True if the peer's import route map has a set rule with a setting."""
        profile = self._of_peer(peer, "import")
        for context in self._tree.children(profile.dn, "rtctrlCtxP") if profile else ():
            name = self._reference(f"{context.dn}/scp", "rtctrlRsScopeToAttrP", "tnRtctrlAttrPName")
            rule = self._named(_tenant(peer.dn), f"attr-{name}") if name else None
            if rule and self._tree.child(rule.dn, cls):
                return True
        return False

    def _rules(self, l3out: Mo, direction: str, peer: Mo) -> tuple[Rule, ...]:
        """Return the rules of the peer's own route map, otherwise those of ``default-import`` or ``default-export``.

        The subnets of the external EPGs are added unless the profile is global.
        """
        if own_map := self._of_peer(peer, direction):
            return tuple(self._profile_rules(l3out, own_map))
        profile = self._tree.get(f"{l3out.dn}/prof-default-{direction}")
        own = tuple(self._profile_rules(l3out, profile)) if profile else ()
        if profile and profile.get("type", "combinable") == "global":
            return own
        return (*own, *self._subnet_rules(l3out, direction))

    def _profile_rules(self, l3out: Mo, profile: Mo) -> Iterable[Rule]:
        for context in sorted(self._tree.children(profile.dn, "rtctrlCtxP"), key=lambda mo: mo.number("order")):
            permit = context.get("action", "permit") == "permit"
            for relation in self._tree.children(context.dn, "rtctrlRsCtxPToSubjP"):
                match_rule = self._named(_tenant(l3out.dn), f"subj-{relation.get('tnRtctrlSubjPName')}")
                for mo in self._tree.children(match_rule.dn, "rtctrlMatchRtDest") if match_rule else ():
                    yield _rule(mo, permit)

    def _subnet_rules(self, l3out: Mo, direction: str) -> Iterable[Rule]:
        for subnet in self._subnets(l3out):
            if f"{direction}-rtctrl" in subnet.flags("scope"):
                network = ip_network(subnet.get("ip"), strict=False)
                aggregate = f"{direction}-rtctrl" in subnet.flags("aggregate")
                yield Rule(str(network), le=network.max_prefixlen if aggregate else None)

    def _classified(self, l3outs: list[Mo]) -> Iterable[str]:
        for l3out in l3outs:
            yield from self._within(l3out, frozenset({"import-security"}))

    def _within(self, l3out: Mo, scopes: frozenset[str]) -> Iterable[str]:
        """Yield the external subnets that have one of the scopes; APIC's default is ``import-security``."""
        for subnet in self._subnets(l3out):
            if scopes & (subnet.flags("scope") or {"import-security"}):
                yield str(ip_network(subnet.get("ip"), strict=False))

    def _beyond(self, l3outs: list[Mo]) -> Iterable[tuple[str, tuple[int, ...]]]:
        """Yield prefixes whose description names the networks behind the external router: ``beyond AS 65101 65102``."""
        for subnet in chain.from_iterable(self._subnets(l3out) for l3out in l3outs):
            _before, named, numbers = subnet.get("descr").partition("beyond AS ")
            if named:
                yield str(ip_network(subnet.get("ip"), strict=False)), tuple(map(int, numbers.split()))

    def _subnets(self, l3out: Mo) -> Iterable[Mo]:
        for epg in self._tree.children(l3out.dn, "l3extInstP"):
            yield from self._tree.children(epg.dn, "l3extSubnet")


def _rule(mo: Mo, permit: bool) -> Rule:
    network = ip_network(mo.get("ip"), strict=False)
    if mo.get("aggregate", "no") != "yes":
        return Rule(str(network), permit)
    return Rule(str(network), permit, mo.number("fromPfxLen") or None, mo.number("toPfxLen") or network.max_prefixlen)


def _merge_leaves(leaves: Iterable[Leaf]) -> tuple[Leaf, ...]:
    """Join the appearances of a leaf in node profiles and L3Outs, and the families of an SVI."""
    merged: dict[int, Leaf] = {}
    for leaf in leaves:
        known = merged.get(leaf.id, replace(leaf, loopbacks=(), svis=()))
        loopbacks = tuple(dict.fromkeys((*known.loopbacks, *leaf.loopbacks)))
        hosts = known.announces_hosts or leaf.announces_hosts
        merged[leaf.id] = replace(known, loopbacks=loopbacks, svis=(*known.svis, *leaf.svis), announces_hosts=hosts)
    return tuple(replace(merged[number], svis=_merge_svis(merged[number].svis)) for number in sorted(merged))


def _merge_svis(svis: Iterable[Svi]) -> tuple[Svi, ...]:
    merged: dict[tuple[str, int, str], Svi] = {}
    for svi in svis:
        key = svi.l3out, svi.vlan, svi.path if svi.routed else ""
        known = merged.get(key, replace(svi, addresses=(), secondaries=(), peers=()))
        addresses, secondaries = (*known.addresses, *svi.addresses), (*known.secondaries, *svi.secondaries)
        merged[key] = replace(known, addresses=addresses, secondaries=secondaries, peers=(*known.peers, *svi.peers))
    return tuple(merged.values())


def _tenant(dn: str) -> str:
    return dn.split("/")[1].removeprefix("tn-")


def _node_of(dn: str) -> tuple[int, int]:
    """Return pod and number of ``topology/pod-1/node-201``."""
    match = re.fullmatch(r"topology/pod-(\d+)/node-(\d+)", dn)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _path_leaves(path: str) -> tuple[int, ...]:
    """Return the leaves in a path's name, in the order of its sides."""
    match = re.match(r"topology/pod-\d+/(?:prot)?paths-(\d+)(?:-(\d+))?/", path)
    return tuple(int(number) for number in match.groups() if number) if match else ()


def _vlan(mo: Mo, attribute: str = "encap") -> int:
    number = mo.get(attribute).removeprefix("vlan-")
    return int(number) if number.isdecimal() else 0
