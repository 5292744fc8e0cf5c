"""BIRD 1.6's configuration of a node, rendered as by calico-node's templates, and of an external router.

BIRD 1.6 has one daemon for each IP version, ``bird`` and ``bird6``, with the same language. Two settings differ from
Calico's. Long-lived graceful restart is off: FRR, unlike NX-OS, announces it, and a dead leaf would then attract
traffic for minutes. Pools with encapsulation are kept out of the kernel: Debian's BIRD, unlike Calico's build, cannot
send them into a tunnel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_interface, ip_network

from lab.twin.calico import BgpPeer, Cluster, Filter, FilterRule, Node, Pool
from lab.twin.outside import Link, Router

_OPERATORS = {"Equal": "=", "NotEqual": "!=", "In": "~", "NotIn": "!~"}


@dataclass(frozen=True)
class Announcement:
    """A route that a test makes a node announce in addition to Calico's."""

    prefix: str
    prepend: int = 0  # how many more times the node's own AS number is in the path


def configuration(node: Node, cluster: Cluster, version: int, announcements: Iterable[Announcement] = ()) -> str:
    """Return ``bird.cfg`` (version 4) or ``bird6.cfg`` (6); without sessions if the node has no such address."""
    announcements = [item for item in announcements if ip_network(item.prefix).version == version]
    blocks, advertised = _of(version, node.blocks), _of(version, node.advertised)
    pools = [pool for pool in cluster.pools if pool.version == version]
    peers = [peer for peer in node.peers if peer.version == version]
    filters = [item for item in cluster.filters if any(item.name in peer.filters for peer in peers)]
    sections = [
        f"router id {router_id(node)};",
        _statics([*blocks, *advertised, *(item.prefix for item in announcements)]),
        _aggregation(blocks),
        _export_function(pools, advertised, announcements, node.asn),
        _kernel_filter(pools, advertised, announcements),
        _PROTOCOLS,
        *(_filter_functions(item, version) for item in filters),
        _TEMPLATE.format(asn=node.asn),
        *(_peer(peer, node, version, filters) for peer in peers),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def router_id(node: Node) -> str:
    """Return the node's IPv4 address; without one, a hash of its name, as Calico does."""
    if address := node.addresses.get("ipv4"):
        return address.split("/")[0]
    return _hashed(node.name)


def _hashed(name: str) -> str:
    return str(IPv4Address(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) or 1))


def protocol_name(peer: BgpPeer) -> str:
    """Return the name of a session in BIRD, as calico-node's status reporter expects it."""
    port = f"_port_{peer.port}" if peer.port else ""
    return f"{peer.kind}_{_worded(peer.address)}{port}"


def link_name(link: Link) -> str:
    """Return the name of an external router's session in BIRD."""
    return f"Leaf_{_worded(link.neighbour)}"


def _worded(address: str) -> str:
    return address.replace(".", "_").replace(":", "_")


_PROTOCOLS = """\
protocol kernel {
  learn;
  persist;
  scan time 2;
  import all;
  export filter calico_kernel_programming;
  graceful restart;
  merge paths on;
}

protocol device {
  scan time 2;
}

protocol direct {
  interface -"cali*", -"kube-ipvs*", "*";
}"""

_TEMPLATE = """\
template bgp bgp_template {{
  debug {{ states }};
  description "Connection to BGP peer";
  local as {asn};
  gateway recursive;
  add paths on;
  graceful restart;
  long lived graceful restart off;
  connect delay time 2;
  connect retry time 5;
  error wait time 5,30;
}}"""


def _of(version: int, prefixes: Iterable[str]) -> list[str]:
    return [prefix for prefix in dict.fromkeys(prefixes) if ip_network(prefix).version == version]


def _block(head: str, lines: Iterable[str]) -> str:
    return "\n".join([f"{head} {{", *(f"  {line}" for line in lines), "}"])


def _statics(prefixes: Iterable[str]) -> str:
    routes = [f"route {prefix} blackhole;" for prefix in dict.fromkeys(prefixes)]
    return _block("protocol static", routes) if routes else ""


def _aggregation(blocks: Iterable[str]) -> str:
    """Accept the blocks and reject the routes inside them."""
    lines = []
    for block in blocks:
        lines += [f"if (net = {block}) then accept;", f"if (net ~ {block}) then reject;"]
    return _block("function calico_aggr()", lines)


def _export_function(pools: Iterable[Pool], advertised: Iterable[str], announcements: Iterable[Announcement], asn: int) -> str:
    lines = []
    for item in announcements:
        prepends = f"bgp_path.prepend({asn}); " * item.prepend
        lines.append(f"if (net = {item.prefix}) then {{ {prepends}accept; }}")
    lines += [f"if (net ~ {pool.cidr}) then reject;" for pool in pools if not pool.exported]
    lines.append("calico_aggr();")
    lines += [f"if (net ~ {prefix}) then accept;" for prefix in advertised]
    lines += [f"if (net ~ {pool.cidr}) then accept;" for pool in pools if pool.exported]
    return _block("function calico_export_to_bgp_peers(bool internal_peer)", lines)


def _kernel_filter(pools: Iterable[Pool], advertised: Iterable[str], announcements: Iterable[Announcement]) -> str:
    kept_out = [*advertised, *(item.prefix for item in announcements)]
    kept_out += [pool.cidr for pool in pools if pool.encapsulation]
    return _block("filter calico_kernel_programming", [*(f"if (net ~ {it}) then reject;" for it in kept_out), "accept;"])


def _peer(peer: BgpPeer, node: Node, version: int, filters: list[Filter]) -> str:
    own = node.addresses[f"ipv{version}"].split("/")[0]
    internal = str(peer.asn == (peer.local_asn or node.asn)).lower()
    hops = f"multihop {peer.ttl_security}" if peer.ttl_security else "multihop"
    optional = {
        f"local as {peer.local_asn};": peer.local_asn,
        f"source address {own};": peer.use_node_address,
        "passive on;": peer.passive,
        f"graceful restart time {peer.restart_time};": peer.restart_time is not None,
        f"keepalive time {peer.keepalive};": peer.keepalive is not None,
        f"password {_quoted(peer.password)};": peer.password,
        f"next hop {peer.next_hop.lower()};": peer.next_hop != "Auto",
        f"allow local as {peer.allowed_local_asns};": peer.allowed_local_asns,
    }
    lines = [
        f"ttl security {'on' if peer.ttl_security else 'off'};",
        f"{hops};",
        f"neighbor {peer.address} {f'port {peer.port} ' if peer.port else ''}as {peer.asn};",
        *(line for line, wanted in optional.items() if wanted),
        f"import filter {{ {_calls(peer, filters, 'import', version, internal)}accept; }};",
        f"export filter {{ {_calls(peer, filters, 'export', version, internal)}"
        f"calico_export_to_bgp_peers({internal}); reject; }};",
    ]
    return _block(f"protocol bgp {protocol_name(peer)} from bgp_template", lines)


def _quoted(password: str) -> str:
    """Return a quoted password. BIRD cannot escape quotes, and a line break would start another command."""
    if any(letter in password for letter in '"\r\n'):
        raise ValueError("a BGP password cannot hold quotation marks or line breaks in BIRD")
    return f'"{password}"'


# --- BGPFilter -------------------------------------------------------------------------------------------------------


def _calls(peer: BgpPeer, filters: Iterable[Filter], direction: str, version: int, internal: str) -> str:
    return "".join(
        f"{_function(item, direction, version)}({internal}); "
        for item in filters
        if item.name in peer.filters and item.rules[direction, version]
    )


def _function(item: Filter, direction: str, version: int) -> str:
    return f"'bgp_{item.name}_{direction}FilterV{version}'"


def _filter_functions(item: Filter, version: int) -> str:
    return "\n".join(
        _block(
            f"function {_function(item, direction, version)}(bool internal_peer)",
            map(_filter_rule, item.rules[direction, version]),
        )
        for direction in ("import", "export")
        if item.rules[direction, version]
    )


def _filter_rule(rule: FilterRule) -> str:
    conditions = []
    if rule.cidr:
        prefix = rule.cidr
        if rule.minimum is not None or rule.maximum is not None:
            network = ip_network(rule.cidr)
            shortest = network.prefixlen if rule.minimum is None else rule.minimum
            longest = network.max_prefixlen if rule.maximum is None else rule.maximum
            prefix = f"[ {rule.cidr}{{{shortest},{longest}}} ]"
        conditions.append(f"(net {_OPERATORS[rule.operator]} {prefix})")
    if rule.source == "RemotePeers":
        conditions.append("((defined(source)) && (source ~ [ RTS_BGP ]))")
    if rule.interface:
        negation = "!" if rule.operator.startswith("Not") else ""
        conditions.append(f'((defined(ifname)) && (ifname {negation}~ "{rule.interface}"))')
    if rule.peer_type:
        conditions.append("internal_peer" if rule.peer_type == "iBGP" else "!internal_peer")
    prepends = "".join(f"bgp_path.prepend({asn}); " for asn in reversed(rule.prepend))
    action = f"{{ {prepends}{rule.action.lower()}; }}"
    return f"if ({' && '.join(conditions)}) then {action}" if conditions else f"{prepends}{rule.action.lower()};"


# --- external routers ------------------------------------------------------------------------------------------------


def router_configuration(router: Router, version: int) -> str:
    """Return ``bird.cfg`` (version 4) or ``bird6.cfg`` (6) of an external router, which does not run Calico.

    It announces the external prefixes and no learned route. It sends from an address in these prefixes, because the
    addresses of its links are in no external EPG.
    """
    own = [ip_interface(link.address).ip for link in router.links]
    identity = next((str(address) for address in own if address.version == 4), _hashed(router.key))
    outside = _of(version, router.outside)
    sections = [
        f"router id {identity};",
        _statics(outside),
        _block("protocol kernel", ["scan time 2;", "import none;", _outside_kernel(router, version), "merge paths on;"]),
        _block("protocol device", ["scan time 2;"]),
        *(_leaf_session(link, _announced(router, link.asn, version)) for link in router.links if link.version == version),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _announced(router: Router, asn: int, version: int) -> str:
    """Return the export rule: the static routes, some with the AS numbers of networks behind the router.

    BIRD puts them before the router's own number, which FRR 10 and NX-OS want in front, so it is prepended once more.
    """
    longer = [
        f"if net = {prefix} then {{ {' '.join(f'bgp_path.prepend({one});' for one in (*reversed(asns), asn))} }} "
        for prefix, asns in router.beyond
        if ip_interface(prefix).version == version
    ]
    if not longer:
        return "export where source = RTS_STATIC;"
    return f"export filter {{ if source != RTS_STATIC then reject; {''.join(longer)}accept; }};"


def _outside_kernel(router: Router, version: int) -> str:
    source = [f"krt_prefsrc = {held}; " for held in router.held(version)[:1]]
    return f"export filter {{ if source = RTS_STATIC then reject; {''.join(source)}accept; }};"


def _leaf_session(link: Link, announced: str) -> str:
    optional = {f"multihop {link.ttl};": link.ttl > 1, f"password {_quoted(link.password)};": link.password}
    lines = [
        f"local {ip_interface(link.address).ip} as {link.asn};",
        f"neighbor {link.neighbour} as {link.fabric_asn};",
        *(line for line, wanted in optional.items() if wanted),
        "graceful restart off;",  # leaves support only the restart of others, but FRR also announces its own
        "connect delay time 2;",
        "connect retry time 5;",
        "error wait time 5,30;",
        "import all;",
        announced,
    ]
    return _block(f"protocol bgp {link_name(link)}", lines)
