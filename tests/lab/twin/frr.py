"""FRR's configuration of one leaf: the effect of each APIC setting on the BGP of a border leaf.

The configuration is a list of lines with their contexts, so that a running daemon can change from one to the next
without a restart (``changes``). FRR cannot reject single prefixes beyond a limit: ``bgpPeerPfxPol`` with action
``reject`` or ``log`` only warns here, and the twin's operational state shows the excess.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_interface

from lab.twin.fabric import FAMILIES, Leaf, Peer, PrefixLimit, Rule
from lab.twin.model import ENDPOINT, Host, Twin

LISTEN_LIMIT = 1000
Contexts = tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """One command and its contexts (``router bgp 65002``, ``address-family ipv4 unicast``)."""

    contexts: Contexts
    command: str


def configuration(leaf: Leaf, twin: Twin) -> list[Line]:
    """Return the leaf's BGP configuration.

    It is empty for a fabric without AS number and for a border leaf without router ID.
    """
    asn = twin.fabric.asn
    router_id = twin.leaf_address(leaf, "ipv4") if leaf.compute else leaf.router_id
    if not asn or router_id in ("", "0.0.0.0"):
        return []
    # With bdEnforcedEnable no eBGP session of the VRF's L3Outs comes up.
    peers = [] if twin.fabric.bd_enforced else [peer for svi in leaf.svis for peer in svi.peers]
    builder = _Builder(asn, [] if leaf.ignores_igp else _preferred(leaf, twin))
    builder.instance(leaf, router_id, peers)
    for other in twin.fabric.leaves:
        if other.id != leaf.id:
            builder.fabric_neighbour(twin, other, peers)
    for number, peer in enumerate(peers, 1):
        builder.peer(peer, number)
    for family in FAMILIES:
        builder.family(family, leaf, twin)
    return builder.lines


def text(lines: Iterable[Line], *, hide_passwords: bool = False) -> str:
    """Return the configuration in the format of FRR's files."""
    result: list[str] = []
    open_contexts: Contexts = ()
    for line in sorted(lines, key=lambda line: (bool(line.contexts), line.contexts)):
        if line.contexts != open_contexts:
            result += _enter(open_contexts, line.contexts)
            open_contexts = line.contexts
        command = line.command
        if hide_passwords and " password " in command:
            command = f"{command.partition(' password ')[0]} password (hidden)"
        result.append(" " * len(line.contexts) + command)
    return "\n".join([*result, *_leave(open_contexts, ())]) + "\n"


def changes(old: Iterable[Line], new: Iterable[Line]) -> list[str]:
    """Return the commands, within ``configure terminal``, that change one configuration into the other."""
    old, new = list(old), list(new)
    kept, wanted = set(old), set(new)
    commands: list[str] = []
    vanished = {line.contexts[:1] for line in old if line.contexts} - {line.contexts[:1] for line in new}
    for line in reversed(old):
        if line not in wanted and line.contexts[:1] not in vanished:
            commands += _in_context(line.contexts, _undo(line.command))
    commands += [f"no {contexts[0]}" for contexts in sorted(vanished)]
    for line in new:
        if line not in kept:
            commands += _in_context(line.contexts, line.command)
    return commands


def needs_reset(old: Iterable[Line], new: Iterable[Line]) -> bool:
    """Return True if sessions must restart for a change to take effect.

    Timers and capabilities are negotiated at the start of a session, and a session that a prefix limit has ended stays
    down until it is cleared. A neighbour that comes or goes, such as a leaf, changes nothing for the others.
    """
    before, after = ({line.command for line in lines} for lines in (old, new))
    staying = _neighbours(before) & _neighbours(after)
    commands = [command for command in before ^ after if not _neighbours([command]) or _neighbours([command]) <= staying]
    ending = {command for command in commands if " maximum-prefix " in command and "warning-only" not in command}
    return bool(ending) or any(" timers " in command or "graceful-restart" in command for command in commands)


def _neighbours(commands: Iterable[str]) -> set[str]:
    return {command.split()[1] for command in commands if command.startswith("neighbor ")}


class _Builder:
    def __init__(self, asn: int, preferred: list[str]) -> None:
        self.lines: list[Line] = []
        self._router: Contexts = (f"router bgp {asn}",)
        self._asn = asn
        self._preferred = preferred
        self._route_maps: dict[tuple[object, ...], str] = {}

    def _add(self, contexts: Contexts, *commands: str) -> None:
        self.lines += [line for command in commands if (line := Line(contexts, command)) not in self.lines]

    def _af(self, family: str) -> Contexts:
        return (*self._router, f"address-family {family} unicast")

    def instance(self, leaf: Leaf, router_id: str, peers: list[Peer]) -> None:
        self._add(
            self._router,
            f"bgp router-id {router_id}",
            "no bgp ebgp-requires-policy",
            "no bgp default ipv4-unicast",
            "bgp route-map delay-timer 1",
            "coalesce-time 50",  # FRR would otherwise delay its first updates for more than a second
            f"bgp listen limit {LISTEN_LIMIT}",
            "bgp log-neighbor-changes",
        )
        if leaf.relax:
            self._add(self._router, "bgp bestpath as-path multipath-relax")
        if any(not peer.timers.graceful for peer in peers):
            self._add(self._router, "bgp graceful-restart-disable")

    def fabric_neighbour(self, twin: Twin, other: Leaf, peers: list[Peer]) -> None:
        """Add MP-BGP to another leaf. The leaves are a full mesh: a route reflector would pass on one path and hide ECMP.

        If a peer of the leaf propagates next hops, all routes of the leaf keep theirs. Add-path stands for multipath.
        """
        for family in twin.families():
            address = twin.leaf_address(other, family)
            self._add(
                self._router,
                f"neighbor {address} remote-as {self._asn}",
                f"neighbor {address} timers 1 3",
                f"neighbor {address} timers connect 1",
                f"neighbor {address} graceful-restart-disable",
            )
            self._add(self._af(family), f"neighbor {address} activate")
            if not any(peer.propagates for peer in peers):
                self._add(self._af(family), f"neighbor {address} next-hop-self")
            if any(peer.multipath for peer in peers):
                self._add(self._af(family), f"neighbor {address} addpath-tx-all-paths")

    def peer(self, peer: Peer, number: int) -> None:
        family = f"ipv{peer.version}"
        name = f"NODES-{number}" if peer.dynamic else str(ip_interface(peer.address).ip)
        if peer.dynamic:
            self._add(self._router, f"neighbor {name} peer-group")
        self._add(self._router, f"neighbor {name} remote-as {peer.asn}", *self._session(peer, name))
        if peer.dynamic:
            self._add(self._router, f"bgp listen range {peer.address} peer-group {name}")
        inbound, outbound = self._inbound(peer), self._outbound(peer)
        self._add(
            self._af(family),
            f"neighbor {name} activate",
            f"neighbor {name} soft-reconfiguration inbound",
            f"neighbor {name} route-map {inbound} in",
            f"neighbor {name} route-map {outbound} out",
        )
        if "dis-peer-as-check" not in peer.controls:
            self._add(self._af(family), f"neighbor {name} filter-list {self._peer_as_check(peer.asn)} out")
        if "as-override" in peer.controls:
            self._add(self._af(family), f"neighbor {name} as-override")
        if "allow-self-as" in peer.controls:
            self._add(self._af(family), f"neighbor {name} allowas-in {peer.allow_self_as}")
        if peer.limit:
            self._add(self._af(family), f"neighbor {name} {_maximum_prefix(peer.limit)}")

    @staticmethod
    def _session(peer: Peer, name: str) -> list[str]:
        optional = {
            f"neighbor {name} password {peer.password}": peer.password,
            f"neighbor {name} ebgp-multihop {peer.ttl}": peer.ttl > 1,
            f"neighbor {name} local-as {peer.local_asn}": peer.local_asn,
            f"neighbor {name} shutdown": not peer.enabled,
        }
        timers = f"neighbor {name} timers {peer.timers.keepalive} {peer.timers.hold}"
        return [timers, *(line for line, wanted in optional.items() if wanted)]

    # --- route maps: one for each distinct policy ---

    def _inbound(self, peer: Peer) -> str:
        limit = peer.timers.as_limit
        name, new = self._route_map("IMPORT", peer.version, peer.imports, limit)
        if new:
            matching = self._prefix_match(name, peer.version, peer.imports)
            if limit:
                self._add((), f"bgp as-path access-list AS-LIMIT-{limit} permit ^[0-9]+(_[0-9]+){{0,{limit - 1}}}$")
                matching.append(f"match as-path AS-LIMIT-{limit}")
            near = tuple(Rule(address) for address in self._preferred if ip_interface(address).version == peer.version)
            if near:
                self._prefix_list(f"{name}-NEAR", peer.version, near)
                kind = "ip" if peer.version == 4 else "ipv6"
                self._entry(name, "permit", 5, [*matching, f"match {kind} next-hop prefix-list {name}-NEAR", "set weight 1"])
            self._entry(name, "permit", 10, matching)
        return name

    def _outbound(self, peer: Peer) -> str:
        name, new = self._route_map("EXPORT", peer.version, peer.exports)
        if new:
            self._entry(name, "permit", 10, self._prefix_match(name, peer.version, peer.exports))
        return name

    def _peer_as_check(self, asn: int) -> str:
        """Return a list that rejects paths with the peer's AS number. A route map would see them only after AS override."""
        name = f"NOT-FROM-{asn}"
        self._add((), f"bgp as-path access-list {name} deny _{asn}_", f"bgp as-path access-list {name} permit .*")
        return name

    def _route_map(self, kind: str, *policy: object) -> tuple[str, bool]:
        key = (kind, *policy)
        new = key not in self._route_maps
        return self._route_maps.setdefault(key, f"{kind}-{len(self._route_maps) + 1}"), new

    def _entry(self, name: str, action: str, number: int, matching: list[str]) -> None:
        # The description makes an entry without a match visible to ``changes``.
        self._add((f"route-map {name} {action} {number}",), f"description {name}", *matching)

    def _prefix_match(self, name: str, version: int, rules: tuple[Rule, ...] | None) -> list[str]:
        """Match a prefix list of the rules; without rules of this IP version the list denies everything."""
        if rules is None:
            return []
        self._prefix_list(name, version, rules)
        return [f"match {'ip' if version == 4 else 'ipv6'} address prefix-list {name}"]

    def _prefix_list(self, name: str, version: int, rules: tuple[Rule, ...]) -> None:
        kind = "ip" if version == 4 else "ipv6"
        own = [rule for rule in dict.fromkeys(rules) if rule.version == version]
        lines = [_prefix_rule(rule) for rule in own] or ["deny any"]
        self._add((), *(f"{kind} prefix-list {name} seq {5 * at} {line}" for at, line in enumerate(lines, 1)))

    # --- address families ---

    def family(self, family: str, leaf: Leaf, twin: Twin) -> None:
        """Add ECMP, distances, and the announcement of the leaf's own subnets to the other leaves."""
        if family not in twin.families():
            return
        policy = twin.fabric.policies[family]
        version = int(family[-1])
        addresses = [ip_interface(address) for svi in leaf.svis for address in svi.addresses]
        if leaf == twin.endpoint_leaf():
            addresses.append(ENDPOINT[family])
        rules = tuple(Rule(str(address.network)) for address in addresses if address.version == version)
        name = f"DIRECT-{family.upper()}"
        self._entry(name, "permit", 10, self._prefix_match(name, version, rules))
        self._add(
            self._af(family),
            f"maximum-paths {policy.ecmp_ebgp}",
            f"maximum-paths ibgp {policy.ecmp_ibgp}",
            "distance bgp {} {} {}".format(*policy.distances),
            f"redistribute connected route-map {name}",
        )
        if leaf.announces_hosts:
            near = [_host_route(host.interfaces[family]) for host in _attached(leaf, twin) if family in host.interfaces]
            self._add(self._router, "no bgp network import-check")
            self._add(self._af(family), *(f"network {prefix}" for prefix in near))


def _attached(leaf: Leaf, twin: Twin) -> list[Host]:
    return [host for host in twin.hosts if leaf.id in host.cable.rack]


def _preferred(leaf: Leaf, twin: Twin) -> list[str]:
    """Return the addresses of attached nodes if distant ones peer with the leaf, too.

    A leaf reaches attached nodes without the fabric: the IGP metric to their addresses is lower, and paths with a higher one are
    not used beside them. FRR sees all nodes in one connected subnet, so a weight stands for the metric. It counts more than one:
    an attached node also comes before a distant one with a shorter AS path.
    """
    own = {str(ip_interface(address).ip) for svi in leaf.svis for address in svi.addresses}
    peering = [host for host in twin.hosts if any(peer.address in own for peer in host.node.peers)]
    near = _attached(leaf, twin)
    if all(host in near for host in peering):
        return []
    return [_host_route(address) for host in near for address in host.interfaces.values()]


def _host_route(address: str) -> str:
    host = ip_interface(address).ip
    return f"{host}/{host.max_prefixlen}"


def _prefix_rule(rule: Rule) -> str:
    bounds = "".join(f" {word} {bound}" for word, bound in (("ge", rule.ge), ("le", rule.le)) if bound is not None)
    return f"{'permit' if rule.permit else 'deny'} {rule.prefix}{bounds}"


def _maximum_prefix(limit: PrefixLimit) -> str:
    head = f"maximum-prefix {limit.maximum} {limit.threshold}"
    if limit.action == "restart" and limit.restart_minutes:
        return f"{head} restart {limit.restart_minutes} force"
    return f"{head} force" if limit.action in ("shut", "restart") else f"{head} warning-only force"


def _undo(command: str) -> str:
    return command.removeprefix("no ") if command.startswith("no ") else f"no {command}"


def _in_context(contexts: Contexts, command: str) -> list[str]:
    return [*contexts, command, *("exit" for __ in contexts)]


def _enter(old: Contexts, new: Contexts) -> list[str]:
    common = _common(old, new)
    return _leave(old, new) + [" " * depth + context for depth, context in enumerate(new) if depth >= common]


def _leave(old: Contexts, new: Contexts) -> list[str]:
    return [" " * depth + "exit" for depth in range(len(old) - 1, _common(old, new) - 1, -1)]


def _common(old: Contexts, new: Contexts) -> int:
    return sum(old[:depth] == new[:depth] for depth in range(1, min(len(old), len(new)) + 1))
