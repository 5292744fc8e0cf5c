# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The queries of preflight to APIC, and the facts in their answers.

Three requests read the cluster's VRF, the objects that it refers to elsewhere, and the switches, however large the cluster is.
Their filters may select too much, never too little. If something is missing, a fourth request reads the names that exist in its
place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...module_utils.apic.mo import CLASSES, parent_dn
from ...module_utils.apic.roots import LONGEST_PATH, any_of, plain_prefix
from ...module_utils.names import LEASE_PREFIX
from ..apic.access import domain_dns
from ..apic.tree import l3out_dns, node_dn, retired_l3out_dns
from .prerequisites import GROUPS, Named, Plan, named

Attributes = dict[str, str]
# ``{dn: {"class": …, "attributes": …}}``
Objects = Mapping[str, Mapping[str, Any]]

# A filter names up to this many values; more are selected by their common beginning.
_MOST_BY_VALUE = 12
# Likewise for the names of leaves and pairs in paths: some 13 racks, so that the request stays short enough.
_MOST_PATHS = 40
# Prefix lengths of subnets that begin with other octets than the addresses in them.
_LARGE = tuple(f"/{length}" for length in range(8, 16))

LPM_USED, LPM_LIMIT = "eqptcapacityPrefixEntriesUsage5min", "eqptcapacityPrefixEntriesUsageCap5min"
# (class, property) of the addresses on interfaces of L3Outs.
INTERFACE_ADDRESSES = (
    ("l3extRsPathL3OutAtt", "addr"),
    ("l3extVirtualLIfP", "addr"),
    ("l3extMember", "addr"),
    ("l3extIp", "addr"),
)
FABRIC_AS = "uni/fabric/bgpInstP-default/as"


# --- questions -------------------------------------------------------------------------------------------------------


def queries(plan: Plan) -> list[str]:
    """Return the paths of the requests."""
    access = _access_terms(plan)
    named_elsewhere = _named_terms(plan, LONGEST_PATH - len(_below("uni", access)))
    return [_below("uni", _vrf_terms(plan)), _below("uni", named_elsewhere | access), _below("topology", _switch_terms(plan))]


def similar_query(absent: Iterable[Named]) -> str:
    """Return the path of the request for the names that exist in the containers of missing objects."""
    beginnings: dict[str, dict[str, None]] = {}
    for one in absent:
        rn = CLASSES[one.cls].rn_format.partition("{")[0]
        beginnings.setdefault(one.cls, {}).update((f"{holder}/{rn}", None) for holder in one.holders)
    return (
        f"{_below('uni', {cls: _beginning_with(cls, texts) for cls, texts in beginnings.items()})}&rsp-prop-include=naming-only"
    )


def _below(dn: str, terms: Mapping[str, str]) -> str:
    """Return one request for objects of several classes: ``terms`` is ``{class: filter}``, an empty filter for all of a class."""
    filters = [condition or f'wcard({cls}.dn,"{dn}/")' for cls, condition in terms.items()]
    return f"/api/mo/{dn}.json?query-target=subtree&target-subtree-class={','.join(terms)}&query-target-filter={any_of(filters)}"


def _vrf_terms(plan: Plan) -> dict[str, str]:
    vrf = vrf_dn(plan)
    leaves = [node_dn(leaf) for leaf in plan["leaves"]]
    router_ids = [leaf["router_id"] for leaf in plan["leaves"]]
    terms = {
        "fvCtx": _equals("fvCtx.dn", [vrf]),
        "l3extOut": _equals("l3extOut.dn", l3out_dns(plan)),
        "l3extRsEctx": _equals("l3extRsEctx.tDn", [vrf]),
        "fvRsCtx": _equals("fvRsCtx.tDn", [vrf]),
        "l3extRsNodeL3OutAtt": any_of(
            [_equals("l3extRsNodeL3OutAtt.tDn", leaves), _equals("l3extRsNodeL3OutAtt.rtrId", router_ids)]
        ),
        "bgpExtP": "",
        "bgpRsBgpNodeCtxPol": 'ne(bgpRsBgpNodeCtxPol.tnBgpCtxPolName,"")',
        "bgpRsBestPathCtrlPol": 'ne(bgpRsBestPathCtrlPol.tnBgpBestPathCtrlPolName,"")',
        "fvRsCtxToBgpCtxAfPol": f'wcard(fvRsCtxToBgpCtxAfPol.dn,"{vrf}/")',
        "tagAnnotation": any_of(
            [
                f'wcard(tagAnnotation.dn,"{vrf}/rsctxToBgpCtxAfPol-")',
                f'wcard(tagAnnotation.key,"{LEASE_PREFIX}{plan["cluster"]}")',
            ]
        ),
        "l3extVirtualLIfP": "",
        "l3extRsDynPathAtt": "",
        "fvRsPathAtt": _deployed("fvRsPathAtt", plan),
        "fvSubnet": _near("fvSubnet.ip", plan),
        "l3extSubnet": _near("l3extSubnet.ip", plan),
        "l3extMember": _near("l3extMember.addr", plan),
        "l3extIp": _near("l3extIp.addr", plan),
    }
    terms["l3extRsPathL3OutAtt"] = any_of([_deployed("l3extRsPathL3OutAtt", plan), _near("l3extRsPathL3OutAtt.addr", plan)])
    return terms


def _access_terms(plan: Plan) -> dict[str, str]:
    domains = domain_dns(plan)
    groups = [group_dn(name) for name in group_names(plan)]
    terms = {
        "bgpAsP": _equals("bgpAsP.dn", [FABRIC_AS]),
        "fabricNodePEp": 'wcard(fabricNodePEp.dn,"uni/fabric/protpol/")',
        "l3extDomP": _equals("l3extDomP.dn", domains),
        "physDomP": _equals("physDomP.dn", domains),
        "infraRsVlanNs": _equals("infraRsVlanNs.dn", [f"{dn}/rsvlanNs" for dn in domains]),
        "fvnsEncapBlk": 'wcard(fvnsEncapBlk.dn,"uni/infra/vlanns-")',
        "infraRsDomP": _equals("infraRsDomP.tDn", domains),
    }
    if groups:
        terms["infraAccBndlGrp"] = _equals("infraAccBndlGrp.dn", groups)
        terms["infraRsAttEntP"] = _equals("infraRsAttEntP.dn", [f"{dn}/rsattEntP" for dn in groups])
    return terms


def _named_terms(plan: Plan, room: int) -> dict[str, str]:
    """Return the filters for prerequisites by DN; if these are too long for one request, by the common beginning of DNs."""
    dns: dict[str, list[str]] = {}
    if plan["transit"]:
        dns["l3extRsEctx"] = [f"{dn}/rsectx" for dn in transit_dns(plan)]
    for one in named(plan):
        dns.setdefault(one.cls, []).extend(one.dns)
    terms = {cls: any_of([f'eq({cls}.dn,"{dn}")' for dn in named_dns]) for cls, named_dns in dns.items()}
    for shorter in (_in_each_container, _in_all):
        for cls in sorted(terms, key=lambda cls: len(terms[cls]), reverse=True):
            if sum(map(len, terms.values())) > room:
                terms[cls] = _beginning_with(cls, shorter(dns[cls]))
    return terms


def _switch_terms(plan: Plan) -> dict[str, str]:
    leaves = [str(leaf["id"]) for leaf in plan["leaves"]]
    nodes = [*leaves, *map(str, plan["non_anchor_leaves"])]
    terms = {"fabricNode": _equals("fabricNode.id", nodes), "firmwareCtrlrRunning": ""}
    for cls in ("firmwareRunning", "vpcDom", LPM_USED, LPM_LIMIT):
        few = len(leaves) <= _MOST_BY_VALUE
        terms[cls] = any_of([f'wcard({cls}.dn,"/node-{leaf}/")' for leaf in leaves]) if few else ""
    return terms


def _equals(prop: str, values: Sequence[str]) -> str:
    """Return a filter for a property with one of these values, or for many values with their common beginning."""
    if len(values) > _MOST_BY_VALUE:
        beginning = plain_prefix(values)
        return f'wcard({prop},"{beginning}")' if beginning else f'ne({prop},"")'
    return any_of([f'eq({prop},"{value}")' for value in values])


def _beginning_with(cls: str, beginnings: Iterable[str]) -> str:
    return any_of([f'wcard({cls}.dn,"{text}")' for text in beginnings])


def _in_each_container(dns: Iterable[str]) -> list[str]:
    """Return the common beginning of the DNs in each container."""
    together: dict[str, list[str]] = {}
    for dn in dns:
        together.setdefault(parent_dn(dn), []).append(dn)
    return [plain_prefix(alike) for alike in together.values()]


def _in_all(dns: Collection[str]) -> list[str]:
    return [plain_prefix(dns)]


def _deployed(cls: str, plan: Plan) -> str:
    """Return a filter for paths on the racks' and the non-anchor leaves with a VLAN of the cluster."""
    pairs = {tuple(sorted(rack["leaves"])) for rack in plan["racks"]}
    names = sorted({*("-".join(map(str, pair)) for pair in pairs), *(str(leaf["id"]) for leaf in plan["leaves"])})
    ends = [f"{name}/" for name in names] if len(names) <= _MOST_PATHS else [plain_prefix(names)]
    # The partner of a non-anchor leaf is not known.
    others = [text for leaf in plan["non_anchor_leaves"] for text in (f"paths-{leaf}", f"-{leaf}/")]
    paths = any_of([f'wcard({cls}.tDn,"{text}")' for text in (*(f"paths-{end}" for end in ends), *others)])
    encaps = _equals(f"{cls}.encap", sorted({f"vlan-{node['vlan']}" for node in plan["nodes"]}))
    return f"and({paths},{encaps})" if len(others) <= _MOST_BY_VALUE else encaps


def _near(prop: str, plan: Plan) -> str:
    """Return a filter for subnets and addresses that may overlap the cluster's: they begin alike, or are very large."""
    networks = [network for subnets in plan["subnets"].values() for family in subnets.values() for network in family]
    beginnings = dict.fromkeys(map(_beginning, networks))
    return any_of([f'wcard({prop},"{text}")' for text in (*beginnings, *_LARGE)])


def _beginning(network: str) -> str:
    """Return the beginning of every address in a subnet: one or two octets, or the first part of an IPv6 address."""
    address, length = network.split("/")
    if ":" in address:
        return f"{address.split(':')[0]}:" if int(length) >= 16 else ":"
    octets = address.split(".")[: min(int(length) // 8, 2)]
    return "".join(f"{octet}." for octet in octets) or "."


# --- names -----------------------------------------------------------------------------------------------------------


def vrf_dn(plan: Plan) -> str:
    """Return the DN of the cluster's VRF."""
    return f"uni/tn-{plan['fabric']['vrf_tenant']}/ctx-{plan['fabric']['vrf']}"


def transit_dns(plan: Plan) -> list[str]:
    """Return the DNs of the transit L3Outs."""
    return [f"uni/tn-{one['tenant']}/out-{one['l3out']}" for one in plan["transit"]]


def group_names(plan: Plan) -> list[str]:
    """Return the names of the nodes' vPC interface policy groups; with floating SVI those that the plan makes."""
    made = (group["name"] for group in plan["access"]["groups"])
    return list(dict.fromkeys([*(node["vpc"] for node in plan["nodes"] if node["vpc"]), *made]))


def group_dn(name: str) -> str:
    """Return the DN of a vPC interface policy group."""
    return f"{GROUPS}/accbundle-{name}"


# --- answers ---------------------------------------------------------------------------------------------------------


class Fabric:
    """The objects that were read from the fabric."""

    def __init__(self, plan: Plan, objects: Objects) -> None:
        self._plan = plan
        self._objects = objects
        self._by_class: dict[str, dict[str, Attributes]] = {}
        for dn, mo in objects.items():
            self._by_class.setdefault(mo["class"], {})[dn] = mo["attributes"]
        self.own_l3outs = frozenset([*l3out_dns(plan), *retired_l3out_dns(plan)])
        # The other L3Outs, and the bridge domains, of the cluster's VRF.
        vrf = vrf_dn(plan)
        in_vrf = (dn.rpartition("/")[0] for dn, relation in self.of_class("l3extRsEctx").items() if relation["tDn"] == vrf)
        self.l3outs = set(in_vrf) - self.own_l3outs
        self.bridge_domains = {dn.rpartition("/")[0] for dn in self.of_class("fvRsCtx")}

    def of_class(self, cls: str) -> dict[str, Attributes]:
        """Return ``{dn: attributes}`` of a class."""
        return self._by_class.get(cls, {})

    def get(self, dn: str) -> Attributes | None:
        """Return the attributes of an object, or None."""
        return self._objects[dn]["attributes"] if dn in self._objects else None

    def group(self, name: str) -> tuple[Attributes | None, str | None]:
        """Return the attributes of a vPC interface policy group and the DN of its AAEP, each None if it does not exist."""
        entity = self.get(f"{group_dn(name)}/rsattEntP")
        return self.get(group_dn(name)), entity["tDn"] if entity else None

    def leaf(self, number: int) -> tuple[Attributes | None, int | None]:
        """Return a leaf's attributes and ACI pod, or None and None if the fabric has no node of this number."""
        for dn, node in self.of_class("fabricNode").items():
            if node["id"] == str(number):
                return node, int(dn.split("/")[1].removeprefix("pod-"))
        return None, None

    def on_own_leaves(self) -> Iterator[tuple[str, Attributes, Mapping[str, Any]]]:
        """Yield the DN and attributes of each relation of a node profile with a leaf of the cluster, and the leaf."""
        leaves = {node_dn(leaf): leaf for leaf in self._plan["leaves"]}
        for dn, relation in sorted(self.of_class("l3extRsNodeL3OutAtt").items()):
            if relation["tDn"] in leaves:
                yield dn, relation, leaves[relation["tDn"]]

    def vpc_peer(self, number: int) -> int | None:
        """Return the vPC peer of a leaf, or None."""
        pairs: dict[str, set[int]] = {}
        for dn in self.of_class("fabricNodePEp"):
            pair, _slash, member = dn.rpartition("/nodepep-")
            pairs.setdefault(pair, set()).add(int(member))
        return next((min(pair - {number}, default=None) for pair in pairs.values() if number in pair), None)

    def on_leaf(self, cls: str, number: int) -> list[Attributes]:
        """Return the attributes of each object of a class on a leaf."""
        return [mo for dn, mo in self.of_class(cls).items() if f"/node-{number}/" in dn]

    def pool_of(self, domain: str) -> str | None:
        """Return the DN of the VLAN pool of a domain, or None."""
        relation = self.get(f"{domain}/rsvlanNs")
        return relation["tDn"] if relation and relation["tDn"] else None

    def blocks_of(self, pool: str) -> list[tuple[int, int, Attributes]]:
        """Return ``[(first, last, attributes)]`` of the encap blocks of a VLAN pool."""
        return [
            (int(block["from"].partition("-")[2]), int(block["to"].partition("-")[2]), block)
            for dn, block in self.of_class("fvnsEncapBlk").items()
            if dn.startswith(f"{pool}/")
        ]

    def aaeps_of(self, domain: str) -> set[str]:
        """Return the DNs of the AAEPs that have a domain."""
        return {dn.partition("/rsdomP-")[0] for dn, domains in self.of_class("infraRsDomP").items() if domains["tDn"] == domain}


def holder_of(dn: str) -> str:
    """Return the DN of the L3Out or EPG of an object."""
    names = dn.split("/")
    return "/".join(names[:3] if names[2].startswith("out-") else names[:4])
