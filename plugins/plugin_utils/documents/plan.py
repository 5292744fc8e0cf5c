# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan as text: a summary and a Markdown document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..schema.option import CENTRAL
from ..schema.text import WIDTH, table, wrapped
from .nodes import attachment, describe, vm_notes

FAMILY_NAMES = {"ipv4": "IPv4", "ipv6": "IPv6"}


def plan_summary(
    plan: Mapping[str, Any],
    report: Mapping[str, Mapping[str, Any]] | None = None,
    artifacts: Iterable[str] | None = None,
    check: bool = False,
) -> str:
    """Return a summary of the plan: for each rack its leaves, nodes, addresses and peers.

    :param plan: a cluster's plan.
    :param report: what was pushed: ``{part: {"created": [...] or number, "modified": …, "deleted": …, "requests": n}}``.
    :param artifacts: the files that were written.
    :param check: whether the changes were only predicted.
    """
    racks = (_rack(plan, rack) for rack in plan["racks"])
    return _text(_wrapped_head(plan), *racks, _report(report or {}, check), [] if check else _written(artifacts or ()))


def changes_summary(
    plan: Mapping[str, Any], report: Mapping[str, Mapping[str, Any]], artifacts: Iterable[str] = (), check: bool = False
) -> str:
    """Return the changes of a run as text: the cluster in one line, the number of objects by part, and the files."""
    return _text(wrapped(_title(plan), rest="  "), _report(report, check), [] if check else _written(artifacts))


def clusters_summary(reports: Mapping[str, Mapping[str, Mapping[str, Any]] | None], check: bool = False) -> str:
    """Return the result of a run for each of its clusters as text.

    :param reports: by cluster the report of its changes; None if its run failed.
    """
    failed = [name for name, report in reports.items() if report is None]
    columns = ("created", "modified", "deleted")
    rows = []
    for name, report in reports.items():
        amounts = [
            sum(int(_amount(part.get(column))) for part in (report or {}).values() if column in part) for column in columns
        ]
        done = "would change" if check else "changed"
        rows.append((name, "failed" if report is None else done if any(amounts) else "as planned", *amounts))
    ended = f"{len(failed)} failed: {', '.join(failed)}" if failed else "none failed"
    return _text(
        wrapped(f"{len(reports)} clusters, {ended}", rest="  "),
        table(("Cluster", "Result", "Created", "Modified", "Deleted"), rows),
    )


def _text(*blocks: Sequence[str]) -> str:
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _wrapped_head(plan: Mapping[str, Any]) -> list[str]:
    first, *others = _head(plan)
    return [*wrapped(first, rest="  "), *(line for text in others for line in wrapped(text.strip(), "  ", "    "))]


def _title(plan: Mapping[str, Any]) -> str:
    families = " and ".join(FAMILY_NAMES[family] for family in plan["address_families"])
    size = f"{len(plan['nodes'])} nodes in {len(plan['racks'])} racks"
    return f"Cluster {plan['cluster']}: {size}, {families}, {plan['svi']['kind']} SVI"


def _head(plan: Mapping[str, Any]) -> list[str]:
    fabric = plan["fabric"]
    l3outs = ", ".join(l3out["name"] for l3out in plan["l3outs"])
    lines = [
        f"{_title(plan)} ({plan['svi']['reasons'][0]})",
        f"  L3Out {l3outs} in VRF {fabric['tenant']}:{fabric['vrf']}; AS {plan['cluster_asn']} to the fabric's AS"
        f" {fabric['asn']}; MTU {plan['interface']['mtu']}",
    ]
    for l3out in plan["l3outs"]:
        lines += _l3out_lines(l3out, len(plan["l3outs"]) > 1)
    for role, subnets in plan["subnets"].items():
        prefixes = [prefix for prefixes in subnets.values() for prefix in prefixes]
        if prefixes and role != "node":
            lines.append(f"  {role.replace('_', ' ').capitalize()} subnets: {', '.join(prefixes)}")
    return lines


def _l3out_lines(l3out: Mapping[str, Any], named: bool) -> list[str]:
    """Return the racks of an L3Out if there are several L3Outs, and its floating SVI."""
    lines = [f"  {l3out['name']}: racks {', '.join(l3out['racks'])}"] if named else []
    floating = l3out["floating"] or {"networks": {}}
    return lines + [
        f"  {FAMILY_NAMES[family]} {network['subnet']}, VLAN {floating['vlan']}: floating"
        f" {_bare(network['floating'])}, secondary (the nodes' gateway) {_bare(network['secondary'])}"
        for family, network in floating["networks"].items()
    ]


def _bare(address: str) -> str:
    return address.split("/")[0]


def _rack(plan: Mapping[str, Any], rack: Mapping[str, Any]) -> list[str]:
    leaves = [leaf for leaf in plan["leaves"] if leaf["id"] in rack["leaves"]]
    nodes = [node for node in plan["nodes"] if node["rack"] == rack["id"]]
    lines = [f"Rack {rack['id']} (pod {rack['pod']}): {len(nodes)} nodes behind {len(leaves)} leaves"]
    lines += [*table(("Leaf", "Side", "Router ID", "Addresses"), map(_leaf_row, leaves), "  ", WIDTH), ""]
    header: tuple[str, ...] = ("Node", "VLAN", "Address", "Gateway", "Peers")
    rows = [row for node in nodes for row in _node_rows(node)]
    if any(leaf["networks"] for leaf in leaves):  # all nodes have the same gateway and peers, which are above
        header, rows = header[:3], [row[:3] for row in rows]
    return lines + table(header, rows, "  ", WIDTH)


def _leaf_row(leaf: Mapping[str, Any]) -> tuple[str, ...]:
    addresses = ", ".join(network["address"] for network in leaf["networks"].values())
    return str(leaf["id"]), leaf["side"], leaf["router_id"], addresses or "one for each node"


def _with_slot(node: Mapping[str, Any]) -> str:
    """Return the name of a node with its spare slot."""
    if node.get("spare"):
        return f"{node['name']} (spare)"
    return f"{node['name']} (slot {node['slot_name']})" if "slot_name" in node else str(node["name"])


def _node_rows(node: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row for each address family."""
    return [
        (
            _with_slot(node),
            str(node["vlan"]),
            network["address"],
            network["gateway"],
            ", ".join(f"{peer['leaf']} {peer['address']}" for peer in node["peers"] if peer["family"] == family),
        )
        for family, network in node["networks"].items()
    ]


def _report(report: Mapping[str, Mapping[str, Any]], check: bool) -> list[str]:
    """Return the number of changed objects by part. "requests" counts those to APIC."""
    if not report:
        return []
    columns = ("created", "modified", "deleted", "requests")
    rows = [(part, *(_amount(result.get(column)) for column in columns)) for part, result in report.items()]
    about = [line for result in report.values() for line in _about_calico(result)]
    if all(amount in ("0", "-") for row in rows for amount in row[1:4]):
        return [
            "Nothing would change on APIC or in Kubernetes." if check else "Nothing changed on APIC or in Kubernetes.",
            *about,
        ]
    names = ("Would create", "Would modify", "Would delete") if check else ("Created", "Modified", "Deleted")
    return [*table(("Objects", *names, "Requests"), rows), *about]


def _about_calico(result: Mapping[str, Any]) -> list[str]:
    """Return how Calico is installed, and the nodes that are left to join."""
    lines = [f"{result['installation']}."] if result.get("installation") else []
    if result.get("pending"):
        text = f"Not in Kubernetes yet: {', '.join(result['pending'])}. The fabric is ready for them: join them, then run site again."
        lines += wrapped(text, rest="  ")
    return lines


def _written(artifacts: Iterable[str]) -> list[str]:
    """Return the names of the files by folder."""
    folders: dict[str, list[str]] = {}
    for folder, _slash, name in (path.rpartition("/") for path in artifacts):
        folders.setdefault(folder, []).append(name)
    return [line for folder, names in folders.items() for line in wrapped(f"Files in {folder}: {', '.join(names)}", rest="  ")]


def _amount(value: Any) -> str:
    """Return a number itself, or the length of a list."""
    if value is None:
        return "-"
    return str(len(value)) if isinstance(value, list | tuple | dict) else str(value)


# --- the document ----------------------------------------------------------------------------------------------------


def plan_document(plan: Mapping[str, Any]) -> str:
    """Return the plan as a Markdown document: topology (a Mermaid chart), addresses, cabling, route control, connectivity,
    limits."""
    warnings = [f"- {one['path']}: {one['problem']}. {one['remedy']}" for one in plan["warnings"]]
    sections = (
        [f"# Cluster {plan['cluster']}", "", *(f"- {line.strip()}" for line in _head(plan))],
        ["## Topology", "", *_topology(plan)],
        ["## Leaves", "", *_leaves(plan)],
        ["## Nodes", "", *_nodes(plan)],
        ["## Cabling", "", *_cabling(plan)],
        ["## Network of the nodes", "", *_node_network(plan)],
        ["## Route control", "", *_route_control(plan)],
        ["## Connectivity", "", *_connectivity(plan)],
        ["## Limits", "", *_limits(plan), "", *_routes(plan)],
        ["## Choosing the SVI", "", *_advice(plan)],
        ["## Warnings", "", *warnings] if warnings else [],
    )
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines]


def _topology(plan: Mapping[str, Any]) -> list[str]:
    """Return a box for each rack with its leaves, and one box for all its nodes, so that large clusters remain readable."""
    lines = ["```mermaid", "flowchart TB", f'  fabric(["ACI fabric, AS {plan["fabric"]["asn"]}"])']
    for number, rack in enumerate(plan["racks"]):
        lines.append(f'  subgraph rack{number}["Rack {rack["id"]}"]')
        lines += [f'    leaf{leaf}["Leaf {leaf}"]' for leaf in rack["leaves"]]
        if rack["nodes"]:
            names = "<br/>".join(rack["nodes"])
            lines.append(f'    nodes{number}["{names}<br/>AS {plan["cluster_asn"]}"]')
            lines += [f"    leaf{leaf} <-->|eBGP| nodes{number}" for leaf in rack["leaves"]]
        lines.append("  end")
        lines += [f"  fabric --- leaf{leaf}" for leaf in rack["leaves"]]
    return [*lines, "```"]


def _leaves(plan: Mapping[str, Any]) -> list[str]:
    rows = [(leaf["rack"], leaf["pod"], *_leaf_row(leaf)) for leaf in plan["leaves"]]
    lines = markdown_table(("Rack", "Pod", "Leaf", "Side", "Router ID", "Addresses"), rows)
    if plan["non_anchor_leaves"]:
        others = ", ".join(map(str, plan["non_anchor_leaves"]))
        way = "needs no detour" if plan["bgp"].get("next_hop_propagation") else "takes a detour"
        lines += ["", f"Nodes may also be behind leaves {others}, which have no anchors: their traffic {way}."]
    return lines


def _nodes(plan: Mapping[str, Any]) -> list[str]:
    rows = [(node["rack"], node["slot"], *row) for node in plan["nodes"] for row in _node_rows(node)]
    return markdown_table(("Rack", "Slot", "Node", "VLAN", "Address", "Gateway", "Peers"), rows)


def _cabling(plan: Mapping[str, Any]) -> list[str]:
    """Return the leaves of each node and its connection: its vPC (standard SVI) or any port of the domain (floating SVI)."""
    racks = {rack["id"]: rack for rack in plan["racks"]}
    by_domain = f"any port of physical domain {plan['domains']['physical']}"
    ports = {group["name"]: _ports(group) for group in plan["access"]["groups"]}
    rows = [
        (
            _with_slot(node),
            ", ".join(map(str, node.get("attached", racks[node["rack"]])["leaves"])),
            f"vPC {node['vpc']}{ports.get(node['vpc'], '')}" if node["vpc"] else by_domain,
            f"{node['vlan']} ({plan['interface']['mode']})",
            plan["interface"]["mtu"],
        )
        for node in plan["nodes"]
    ]
    return markdown_table(("Node", "Leaves", "By", "VLAN", "MTU"), rows)


def _ports(group: Mapping[str, Any]) -> str:
    """Return the known ports of a policy group by leaf."""
    known = [f"{leaf['id']}: {', '.join(leaf['ports'])}" for leaf in group["leaves"] if leaf["ports"]]
    return f" ({'; '.join(known)})" if known else ""


def _node_network(plan: Mapping[str, Any]) -> list[str]:
    """Return the network configuration of each node; its files are in the folder of the node."""
    rows = [
        (
            node["name"],
            attachment(one),
            one["device"],
            one["mtu"],
            ", ".join(one["addresses"].values()),
            ", ".join(one["gateways"].values()),
            one["hypervisor"] or "-",
        )
        for node in plan["nodes"]
        for one in [describe(plan, node)]
    ]
    notes = [f"- {note}" for note in vm_notes(plan)]
    header = ("Node", "Attached by", "Interface", "MTU", "Addresses", "Default routes by", "Hypervisor")
    return markdown_table(header, rows) + (["", *notes] if notes else [])


def _route_control(plan: Mapping[str, Any]) -> list[str]:
    says = {"import": "The fabric accepts", "export": "The fabric tells the nodes"}
    return [
        f"- {says[direction]} {', '.join(prefix for family in prefixes.values() for prefix in family) or 'nothing'}"
        for direction, prefixes in plan["route_control"].items()
    ]


def _connectivity(plan: Mapping[str, Any]) -> list[str]:
    """Return the external EPGs of addresses, and the contracts of EPGs."""
    lines = ["An address is in the external EPG of the first prefix here that contains it: the longest decides.", ""]
    lines += markdown_table(("Prefix", "External EPG", "Scope"), _by_length(plan))
    users = [*plan["external_epgs"], *plan["epg_contracts"]]
    rows = [(_epg_name(plan, epg), *_contracts_of(epg)) for epg in users]
    lines += ["", *markdown_table(("EPG", "Provides", "Consumes"), rows)]
    if plan["contracts"]:
        header = ("Contract", "Scope", "Lets through", "Service graph", "Exported to")
        lines += ["", *markdown_table(header, map(_contract_row, plan["contracts"]))]
    for transit in plan["transit"]:
        says = [", ".join(prefix for family in transit[side].values() for prefix in family) for side in ("inside", "outside")]
        name = f"{transit['tenant']}/{transit['l3out']}"
        lines += [
            "",
            f"L3Out {name} tells the outside of {says[0] or 'nothing'}. Behind it is {says[1] or 'what nodes are not told'}.",
        ]
    return lines


def _by_length(plan: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return all external subnets, more specific ones first."""
    rows = [
        (subnet["prefix"], epg["name"], ", ".join(subnet["scope"])) for epg in plan["external_epgs"] for subnet in epg["subnets"]
    ]
    return sorted(rows, key=lambda row: (":" in row[0], -int(row[0].partition("/")[2])))


def _epg_name(plan: Mapping[str, Any], epg: Mapping[str, Any]) -> str:
    tenant = epg.get("tenant", plan["fabric"]["tenant"])
    if epg.get("epg"):
        return f"{tenant}/{epg['application_profile']}/{epg['epg']}"
    return f"{tenant}/{epg['l3out']}/{epg.get('external_epg') or epg['name']}"


def _contracts_of(epg: Mapping[str, Any]) -> tuple[str, str]:
    consumed = [*epg["consumes"], *(f"{name} (interface)" for name in epg["consumes_interfaces"])]
    return ", ".join(epg["provides"]) or "nothing", ", ".join(consumed) or "nothing"


def _contract_row(contract: Mapping[str, Any]) -> tuple[str, ...]:
    filters = (f"{one['name']}: {', '.join(map(_entry, one['entries'])) or 'as it is on APIC'}" for one in contract["filters"])
    return (
        f"{contract['tenant']}/{contract['name']}",
        contract["scope"],
        "; ".join(filters),
        contract["service_graph"] or "",
        ", ".join(contract["export_to"]),
    )


def _entry(entry: Mapping[str, Any]) -> str:
    ports = "-".join(dict.fromkeys(map(str, entry["ports"] or ())))
    return f"{entry['protocol']}/{ports}" if ports else entry["protocol"]


def _routes(plan: Mapping[str, Any]) -> list[str]:
    """Return the parts of the estimate of routes."""
    routes = plan["routes"]
    return [
        f"- {FAMILY_NAMES[family]} routes: {one['blocks']} pod blocks, {one['hosts']} single pods, {one['services']} services,"
        f" {one['subnets']} subnets (profile {routes['profile']})"
        for family, one in routes["estimate"].items()
    ]


ADVICE_HEADER = ("Criterion", "Floating SVI", "Standard SVI", "Better")


def _advice_rows(plan: Mapping[str, Any]) -> list[tuple[str, ...]]:
    criteria = plan["svi"]["advice"]["criteria"]
    return [(one["criterion"], one["floating"], one["standard"], one["better"] or "-") for one in criteria]


def _verdict(plan: Mapping[str, Any]) -> list[str]:
    svi = plan["svi"]
    advice = svi["advice"]
    agrees = "which it has" if advice["recommended"] == svi["kind"] else f"and it has {svi['kind']} SVI: {svi['reasons'][0]}"
    return [f"{advice['recommended'].capitalize()} SVI suits cluster {plan['cluster']}, {agrees}.", *advice["reasons"]]


def _advice(plan: Mapping[str, Any]) -> list[str]:
    verdict, *reasons = _verdict(plan)
    table_ = markdown_table(ADVICE_HEADER, _advice_rows(plan))
    return [verdict, "", *(f"- {reason}" for reason in reasons), "", *table_]


def svi_advice(plan: Mapping[str, Any]) -> str:
    """Return the recommended kind of SVI as text: the white paper's Table 1 for the cluster, and the use of each limit."""
    verdict, *reasons = _verdict(plan)
    lines = [*wrapped(verdict), *(line for reason in reasons for line in wrapped(reason, "  - "))]
    for criterion, floating, standard, better in _advice_rows(plan):
        lines += ["", *wrapped(f"{criterion}" + (f" (better: {better})" if better != "-" else ""))]
        lines += [*wrapped(floating, "  floating  "), *wrapped(standard, "  standard  ")]
    rows = [
        (one["id"], one["value"], *of_and_left(one), "-" if one["limit"] is None else one["release"]) for one in plan["limits"]
    ]
    lines += ["", *table(("Limit", "Taken", "Of", "Left", "ACI"), rows), "", *_peering(plan), ""]
    return "\n".join([*lines, *(line for text in _routes(plan) for line in wrapped(text.removeprefix("- "), rest="  "))]) + "\n"


def _peering(plan: Mapping[str, Any]) -> list[str]:
    """Return what local and central peering mean for the cluster, as text. Central peering needs floating SVI."""
    if plan["svi"]["kind"] != "floating":
        return ["Peering: each node with the leaves of its rack, as standard SVI requires."]
    central, propagates = plan["bgp"].get("peering") == CENTRAL, plan["bgp"].get("next_hop_propagation")
    nodes, families = len(plan["nodes"]), len(plan["address_families"])
    limit = next(one for one in plan["limits"] if one["id"] == "bgp-sessions")
    known = f" of {limit['limit']} (ACI {limit['release']})" if limit["limit"] is not None else ""
    texts = [
        f"Peering: {'all nodes with one pair of leaves (central)' if central else 'each node with the leaves of its rack (rack)'},"
        f" {'with' if propagates else 'without'} next-hop propagation.",
        "rack: the loss of a pair cuts off its rack only. Each rack has anchors of its own, at most 6 leaves in an L3Out.",
        f"central: {nodes * families} sessions{known} on each of two anchors, and other leaves need no BGP. The loss of one anchor"
        " interrupts flows by it for about the hold time at most; the loss of both, or an upgrade of both at once, cuts off all racks. An"
        " anchor in maintenance concerns all nodes. Choose it with next-hop propagation,"
        " if nodes are in more racks than an L3Out has anchors for or move between racks.",
    ]
    if not propagates:
        texts.append(
            "Without next-hop propagation (APIC 6.1(2) and newer), traffic of nodes behind other leaves than their anchors passes the"
            " anchors, and an anchor sends them nothing for prefixes that nodes behind itself announce, such as services."
        )
    first, *rest = texts
    return [*wrapped(first), *(line for text in rest for line in wrapped(text, "  - ", "    "))]


def of_and_left(limit: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return a limit and how much of it is left, with words where no value is known."""
    return ("unknown", "?") if limit["limit"] is None else (limit["limit"], max(0, limit["limit"] - limit["value"]))


def _limits(plan: Mapping[str, Any]) -> list[str]:
    rows = [(limit["value"], of_and_left(limit)[0], limit["unit"], limit["source"]) for limit in plan["limits"]]
    return markdown_table(("Taken", "Limit", "Of", "Source"), rows)
