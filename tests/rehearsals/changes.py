"""The planted changes: one inventory in four variants, and changes of each kind that an inventory can have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integration.site.harness import intent
from unit.plugin_utils.sample_plans import SECOND_FAMILY

SMALL, LARGE = 56, 8900  # bytes in a ping: those of ping itself, and as many as fit into an MTU of 9000
FIRST_VLAN = 310


def racks(count: int, size: int, *, standard: bool = False, without: str = "", **more: int) -> list[dict[str, Any]]:
    """Return racks of two leaves whose nodes have fixed slots, so that each plan gives them the same addresses.

    :param without: the node to leave out.
    :param more: nodes to add, by name with ``_`` for ``-``, and their racks.
    """
    names = {f"n{rack}-{at}": (rack, 10 * rack + at) for rack in range(1, count + 1) for at in range(1, size + 1)}
    names |= {name.replace("_", "-"): (rack, 90 + at) for at, (name, rack) in enumerate(more.items(), 1)}
    nodes = [
        (rack, {"name": name, "slot": slot, **({"vlan": FIRST_VLAN + slot} if standard else {})})
        for name, (rack, slot) in names.items()
        if name != without
    ]
    numbers = sorted({rack for rack, _node in nodes})
    return [
        {"id": at, "leaves": [199 + 2 * at, 200 + 2 * at], "nodes": [node for rack, node in nodes if rack == at]}
        for at in numbers
    ]


def _base(kind: str, size: int, **changes: Any) -> dict[str, Any]:
    return intent(kind, racks(2, size, standard=kind == "standard"), renumber=["all"], **changes)


def _dual(variables: dict[str, Any]) -> dict[str, Any]:
    return variables | {name: [*variables[name], *subnets] for name, subnets in SECOND_FAMILY.items()}


# Six nodes behind four leaves; with both families four nodes.
WORLDS: dict[str, dict[str, Any]] = {
    "floating": _base("floating", 3),
    "standard": _base("standard", 3),
    "dual stack, floating": _dual(_base("floating", 2)),
    "dual stack, standard": _dual(_base("standard", 2)),
}


@dataclass(frozen=True)
class Planted:
    """A change of an inventory, and what its user does beside the run.

    :ivar world: the inventory, one of ``WORLDS``.
    :ivar changes: variables without their prefix.
    :ivar joins: nodes that join Kubernetes before the run.
    :ivar drained: nodes that are taken out of service before the run.
    :ivar released: nodes that leave the plan and run on; the user agrees.
    :ivar replaced: a leaf whose place in its vPC pair the other one takes before the run.
    :ivar bytes: the size of the probes.
    :ivar beyond: what a fabric does and the twin does not show.
    """

    name: str
    world: str = "floating"
    changes: Mapping[str, Any] = field(default_factory=dict)
    joins: tuple[str, ...] = ()
    drained: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    replaced: tuple[int, int] | None = None
    bytes: int = SMALL
    beyond: str = ""

    def variables(self) -> dict[str, Any]:
        """Return the variables after the change."""
        return WORLDS[self.world] | {f"aci_calico_{name}": value for name, value in self.changes.items()}


def _leaves(rack: int, *leaves: int) -> list[dict[str, Any]]:
    return [{**one, "leaves": list(leaves)} if one["id"] == rack else one for one in racks(2, 3)]


def _moved(world: str, node: str, rack: int) -> list[dict[str, Any]]:
    found = WORLDS[world]["aci_calico_racks"]
    moving = next(one for each in found for one in each["nodes"] if one["name"] == node)
    return [
        {**each, "nodes": [one for one in each["nodes"] if one != moving] + ([moving] if each["id"] == rack else [])}
        for each in found
    ]


def _with(world: str, node: str, **settings: Any) -> list[dict[str, Any]]:
    found = WORLDS[world]["aci_calico_racks"]
    return [{**each, "nodes": [{**one, **settings} if one["name"] == node else one for one in each["nodes"]]} for each in found]


F, S, DF, DS = WORLDS
SVI = "how a leaf programs an SVI"
NEGOTIATED = "whether NX-OS ends sessions for it; the twin's leaves do"

PLANTED = (
    Planted("nothing: the noise floor"),
    Planted("nothing: the noise floor", S),
    Planted("nothing: the noise floor", DF),
    Planted("nothing: the noise floor", DS),
    # --- nodes, racks, leaves, L3Outs
    Planted("add a node", changes={"racks": racks(2, 3, n1_9=1)}, joins=("n1-9",)),
    Planted("add a node", DS, {"racks": racks(2, 2, standard=True, n2_9=2)}, joins=("n2-9",)),
    Planted("remove a node that is out of service", changes={"racks": racks(2, 3, without="n2-3")}, drained=("n2-3",)),
    Planted("remove a node that is out of service", S, {"racks": racks(2, 3, standard=True, without="n2-3")}, drained=("n2-3",)),
    Planted("remove a node that runs", changes={"racks": racks(2, 3, without="n2-3")}, released=("n2-3",)),
    Planted("add a rack", changes={"racks": racks(2, 3, n3_1=3, n3_2=3)}, joins=("n3-1", "n3-2")),
    Planted("add a rack", DS, {"racks": racks(2, 2, standard=True, n3_1=3)}, joins=("n3-1",)),
    Planted(
        "remove a rack whose nodes are out of service", S, {"racks": racks(1, 3, standard=True)}, drained=("n2-1", "n2-2", "n2-3")
    ),
    Planted("move a node to another rack", changes={"racks": _moved(F, "n1-3", 2)}),
    Planted("move a node to another rack", S, {"racks": _moved(S, "n1-3", 2)}),
    Planted(
        "replace a leaf by one with another ID",
        changes={"racks": _leaves(1, 201, 207)},
        replaced=(202, 207),
        beyond="the new switch",
    ),
    Planted("remove a leaf of a rack", changes={"racks": _leaves(1, 201)}),
    Planted("add a leaf without anchor", changes={"non_anchor_leaves": [101]}),
    Planted(
        "add racks that need another L3Out",
        changes={"racks": racks(2, 3, n3_1=3, n4_1=4), "node_subnets": ["192.168.0.0/22", "192.168.4.0/22"], "vlan": [300, 301]},
        joins=("n3-1", "n4-1"),
    ),
    Planted("rename the L3Out", changes={"l3out": "k8s-other"}),
    # --- interfaces
    Planted("another VLAN", changes={"vlan": 301}),
    Planted("another VLAN for a node", DS, {"racks": _with(DS, "n1-2", vlan=399)}),
    Planted("a lower MTU", changes={"mtu": 8000}, bytes=LARGE, beyond=SVI),
    Planted("a higher MTU", S, {"mtu": 9100}, bytes=LARGE, beyond=SVI),
    Planted("floating to standard SVI", changes={"svi": "standard", "vlan": "310-409", "racks": racks(2, 3, standard=True)}),
    Planted("standard to floating SVI", S, {"svi": "floating", "vlan": 300, "racks": racks(2, 3)}),
    Planted("autostate", changes={"autostate": True}, beyond="ports and their VLANs"),
    Planted("other router IDs", changes={"router_id_base": "1.1.8.0"}),
    # --- subnets
    Planted("another node subnet", changes={"node_subnets": ["192.168.4.0/22"]}),
    Planted("add a service subnet", changes={"service_subnets": ["192.168.8.0/22", "192.168.12.0/22"]}),
    Planted("add a service subnet", DF, {"external_service_subnets": ["192.168.16.0/24", "192.168.17.0/24"]}),
    Planted("remove a service subnet", S, {"external_service_subnets": []}),
    Planted("add a pod subnet", DF, {"pod_subnets": ["10.1.0.0/16", "10.2.0.0/16", "fd00:10:1::/64"]}),
    Planted("import fewer prefixes", changes={"import_subnets": ["192.168.8.0/22", "192.168.16.0/24"]}),
    # --- BGP
    Planted("another AS number of the cluster", changes={"cluster_asn": 65004}),
    Planted("another AS number of the cluster", DS, {"cluster_asn": 65004}),
    Planted("another password", changes={"bgp_password": "Other-4b1d77-Password", "update_password": "always"}),
    Planted("another password", DS, {"bgp_password": "Other-4b1d77-Password", "update_password": "always"}),
    Planted("other timers", changes={"bgp_keepalive": 3, "bgp_hold": 9}, beyond=NEGOTIATED),
    Planted("no graceful restart", DF, {"bgp_graceful_restart": False}, beyond=NEGOTIATED),
    Planted("another restart time", changes={"bgp_restart_time": 60}),
    Planted("a higher AS limit", changes={"bgp_as_limit": 3}),
    Planted("no AS limit", S, {"bgp_as_limit": 0}),
    Planted("fewer equal paths", changes={"bgp_ecmp_ebgp": 1, "bgp_ecmp_ibgp": 1}),
    Planted("paths of other AS numbers are not equal", DF, {"bgp_as_path_relax": False}),
    Planted("a prefix limit that is only logged", changes={"bgp_prefix_limit": 100, "bgp_prefix_limit_action": "log"}),
    Planted("a prefix limit with room", S, {"bgp_prefix_limit": 100, "bgp_prefix_limit_action": "shut"}),
    Planted(
        "a prefix limit that is too low",
        changes={"bgp_prefix_limit": 4, "bgp_prefix_limit_action": "shut"},
        beyond="what NX-OS counts",
    ),
    Planted("a filter on the nodes", changes={"bgp_filter": True}),
    # --- names
    Planted("rename the external EPG", changes={"external_epg": "other"}),
    Planted("rename the Secret", DF, {"bgp_secret_name": "other-secrets"}),
    Planted("another key of the Secret", changes={"bgp_secret_key": "other-key"}),
    Planted("another rack label", changes={"rack_label": "other_rack"}),
    Planted("another rack label", S, {"rack_label": "other_rack"}),
)
