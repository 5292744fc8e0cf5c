"""Convert the answers of FRR and BIRD to objects of APIC and Calico; pure functions.

Counters of a real leaf that FRR does not have are left out. Two properties are the lab's interpretation: ``pfxSaved``
is the number of prefixes a neighbour sent, including refused ones, and ``pfxlimit-exceeded`` compares this number with
the limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

from lab.twin.fabric import Leaf, Peer
from lab.twin.model import UNDERLAY, Twin
from lab.twin.network import FABRIC_PORT

Json = dict[str, Any]

STATES = {
    "Idle": "idle",
    "Connect": "connect",
    "Active": "active",
    "OpenSent": "open-sent",
    "OpenConfirm": "open-confirm",
    "Established": "established",
    "Clearing": "closing",
    "Deleted": "closing",
}
LPM_CAPACITY = 20000  # of a leaf's default forwarding scale profile
_AF = {"ipv4": "ipv4Unicast", "ipv6": "ipv6Unicast"}


@dataclass(frozen=True)
class LeafAnswers:
    """The answers of one leaf's daemons, in FRR's JSON."""

    neighbours: Mapping[str, Json] = field(default_factory=dict)  # show bgp neighbors json
    received: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (neighbour, family) → prefixes it sent
    routes: Mapping[str, Mapping[str, list[Json]]] = field(default_factory=dict)  # family → show ip route json


def leaf_objects(leaf: Leaf, twin: Twin, answers: LeafAnswers) -> list[Json]:
    """Return a leaf's operational objects in APIC's JSON, each with its ``dn``."""
    return [_bgp(leaf, twin, answers), *(_routes(leaf, twin, family, answers) for family in answers.routes), _lpm(leaf, answers)]


def _mo(cls: str, children: Iterable[Json] = (), /, **attributes: object) -> Json:
    return {cls: {"attributes": {name: str(value) for name, value in attributes.items()}, "children": list(children)}}


def _flags(names: Mapping[str, object]) -> str:
    return ",".join(sorted(name for name, wanted in names.items() if wanted))


# --- BGP -------------------------------------------------------------------------------------------------------------


def _bgp(leaf: Leaf, twin: Twin, answers: LeafAnswers) -> Json:
    fabric = twin.fabric
    external = {address: answer for address, answer in answers.neighbours.items() if answer.get("nbrExternalLink")}
    configured = [] if fabric.bd_enforced else [peer for svi in leaf.svis for peer in svi.peers]
    peers = [_peer(peer, external, answers) for peer in configured]
    families = [
        _mo("bgpDomAf", type=f"{family}-ucast", maxEcmp=policy.ecmp_ebgp, maxEcmpIbgp=policy.ecmp_ibgp)
        for family, policy in fabric.policies.items()
        if family in twin.families()
    ]
    router_id = leaf.router_id or "0.0.0.0"
    timers = configured[0].timers if configured else None
    domain = _mo(
        "bgpDom",
        [*families, *peers],
        name=f"{fabric.tenant}:{fabric.vrf}",
        rtrId=router_id,
        operRtrId=router_id,
        operSt="up" if answers.neighbours or leaf.compute else "down",
        numPeers=len(external),
        numEstPeers=sum(answer.get("bgpState") == "Established" for answer in external.values()),
        **({"kaIntvl": timers.keepalive, "holdIntvl": timers.hold, "maxAsLimit": timers.as_limit} if timers else {}),
    )
    instance = _mo("bgpInst", [domain], asn=fabric.asn or 0)
    return _mo("bgpEntity", [instance], dn=f"{leaf.dn}/sys/bgp", operSt="enabled")


def _peer(peer: Peer, external: Mapping[str, Json], answers: LeafAnswers) -> Json:
    """Return a configured peer with an entry for each neighbour; a dynamic peer has one for each connected neighbour."""
    network = ip_network(peer.address, strict=False)
    members = [address for address in external if _belongs(address, network)]
    password = "enabled" if peer.password else "disabled"
    return _mo(
        "bgpPeer",
        (_entry(peer, address, external[address], answers) for address in members),
        addr=str(network),
        asn=peer.asn,
        adminSt="enabled" if peer.enabled else "disabled",
        ttl=peer.ttl,
        passwdSet=password,
        maxCurPeers=len(members),
    )


def _belongs(address: str, network: Any) -> bool:
    own = ip_address(address)
    return own.version == network.version and own in network


def _entry(peer: Peer, address: str, answer: Json, answers: LeafAnswers) -> Json:
    established = answer.get("bgpState") == "Established"
    family = f"ipv{peer.version}"
    local, remote = _capabilities(answer, family)
    overflow = _prefixes_exceeded(peer, answers.received.get((address, family), 0))
    shut = not established and answer.get("prefixesConfigExceedMax")
    children = [_entry_family(peer, family, answer, answers.received.get((address, family), 0))]
    children += _faults(peer, established, overflow)
    return _mo(
        "bgpPeerEntry",
        children,
        addr=address,
        type="ebgp",
        operSt="shut" if shut else STATES.get(answer.get("bgpState", ""), "unknown"),
        shutStQual="exceeded-pfxlimit" if shut else "unspecified",
        holdIntvl=answer.get("bgpTimerHoldTimeMsecs", 180000) // 1000,
        kaIntvl=answer.get("bgpTimerKeepAliveIntervalMsecs", 60000) // 1000,
        rtrId=answer.get("remoteRouterId", "0.0.0.0") if established else "0.0.0.0",
        localIp=answer.get("hostLocal", "0.0.0.0"),
        localPort=answer.get("portLocal", "unspecified"),
        remotePort=answer.get("portForeign", "unspecified"),
        connEst=answer.get("connectionsEstablished", 0),
        connDrop=answer.get("connectionsDropped", 0),
        passwdSet="enabled" if answer.get("authenticationEnabled") else "disabled",
        advCap=local,
        rcvCap=remote,
        flags=_flags(
            {
                "cap-neg": established,
                "direct-connect": answer.get("bgpConnection") == "sharedNetwork",
                "gr-enabled": established and "gr" in remote.split(",") and {"gr", "gr-helper"} & set(local.split(",")),
            }
        ),
        **_flap(answer),
    )


def _flap(answer: Json) -> dict[str, str]:
    since = answer.get("bgpTimerUpEstablishedEpoch")
    return {"lastFlapTs": datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds")} if since else {}


def _capabilities(answer: Json, family: str) -> tuple[str, str]:
    """Return the announced and the received capabilities, as APIC's flags."""
    said: Json = answer.get("neighborCapabilities", {})
    add_path: Json = said.get("addPath", {}).get(_AF[family], {})
    unicast: Json = said.get("multiprotocolExtensions", {}).get(_AF[family], {})
    graceful: Json = answer.get("gracefulRestartInfo", {})

    def spoken(word: str) -> dict[str, bool]:
        names = {"4byteAs": "as4", "routeRefresh": "refresh", "gracefulRestart": "gr"}
        return {flag: word in str(said.get(name, "")).lower() for name, flag in names.items()}

    local, remote = spoken("advertised"), spoken("received")
    if local.pop("gr"):
        helper = str(graceful.get("localGrMode", "")).startswith("Helper")
        local["gr-helper" if helper else "gr"] = True
    local |= {
        "cap": bool(said),
        f"{family}-ucast": any("advertised" in key.lower() for key in unicast),
        f"{family}-ucast-addlp-rcv": any(key.startswith("rxAdvertised") for key in add_path),
    }
    remote |= {
        "cap": bool(said),
        f"{family}-ucast": any("received" in key.lower() for key in unicast),
        f"{family}-ucast-addlp-snd": any(key.endswith("Received") for key in add_path),
    }
    return _flags(local), _flags(remote)


def _entry_family(peer: Peer, family: str, answer: Json, received: int) -> Json:
    info: Json = answer.get("addressFamilyInfo", {}).get(_AF[family], {})
    graceful: Json = answer.get("gracefulRestartInfo", {})
    flags = {
        "first-eor-rcvd": graceful.get("endOfRibRecv", {}).get(_AF[family]),
        "gr-cap": graceful.get("remoteGrMode") == "Restart",
        "gr-sent": graceful.get("localGrMode", "NotApplicable").startswith(("Helper", "Restart")),
        "pfx-threshexceeded": peer.limit and received * 100 > peer.limit.maximum * peer.limit.threshold,
        "pfxlimit-exceeded": _prefixes_exceeded(peer, received),
        "soft-recfg": info.get("inboundSoftConfigPermit"),
    }
    return _mo(
        "bgpPeerAfEntry",
        type=f"{family}-ucast",
        acceptedPaths=info.get("acceptedPrefixCounter", 0),
        pfxSent=info.get("sentPrefixCounter", 0),
        pfxSaved=received,
        tblSt="up" if answer.get("bgpState") == "Established" else "down",
        flags=_flags(flags),
    )


def _prefixes_exceeded(peer: Peer, received: int) -> bool:
    return peer.limit is not None and received > peer.limit.maximum


def _faults(peer: Peer, established: bool, overflow: bool) -> list[Json]:
    """Return the faults that the leaf raises itself. It knows only connected members of a dynamic peer."""
    faults = []
    if not established and peer.enabled:
        faults.append(_fault("F0299", "warning", "bgp-peer-not-established", "BGP peer is not established"))
    if overflow:
        faults.append(_fault("F1215", "major", "prefix-limit-exceeded", "BGP peer exceeds its maximum number of prefixes"))
    return faults


def _fault(code: str, severity: str, subject: str, text: str) -> Json:
    return _mo("faultInst", code=code, severity=severity, lc="raised", descr=text, subject=subject, type="operational")


# --- routes ----------------------------------------------------------------------------------------------------------


def _routes(leaf: Leaf, twin: Twin, family: str, answers: LeafAnswers) -> Json:
    version = family[-1]
    vrf = f"{twin.fabric.tenant}:{twin.fabric.vrf}"
    teps = {twin.leaf_address(other, family): other.tep or twin.leaf_address(other, "ipv4") for other in twin.fabric.leaves}
    routes = []
    for prefix, entries in answers.routes[family].items():
        for entry in entries:
            if entry.get("installed") and not ip_network(prefix).overlaps(UNDERLAY[family]):
                hops = [_hop(twin, version, vrf, entry, hop, teps) for hop in entry.get("nexthops", ()) if hop.get("fib")]
                routes.append(_mo(f"uribv{version}Route", hops, prefix=prefix))
    table = _mo(f"uribv{version}Db", routes, type="rt")
    domain = _mo(f"uribv{version}Dom", [table], name=vrf, operSt="up")
    return _mo(f"uribv{version}Entity", [domain], dn=f"{leaf.dn}/sys/uribv{version}", operSt="enabled")


def _hop(twin: Twin, version: str, vrf: str, entry: Json, hop: Json, teps: Mapping[str, str]) -> Json:
    """Return a next hop. Over the fabric it is the other leaf's tunnel address in the overlay VRF."""
    bgp = entry["protocol"] == "bgp"
    fabric = hop.get("interfaceName") == FABRIC_PORT
    address = hop.get("ip") or entry["prefix"].split("/")[0]
    address = teps.get(address, address)
    length = ip_address(address).max_prefixlen
    kind = ("ibgp" if fabric else "ebgp") if bgp else "direct"
    return _mo(
        f"uribv{version}Nexthop",
        owner=f"bgp-{twin.fabric.asn}" if bgp else "direct",
        addr=f"{address}/{length}",
        **{"if": "unspecified" if bgp else hop.get("interfaceName", "unspecified")},
        vrf="overlay-1" if fabric else vrf,
        active="yes",
        routeType=kind,
        type="recursive" if bgp else "attached,direct",
        pref=entry.get("distance", 0),
        metric=entry.get("metric", 0),
    )


def _lpm(leaf: Leaf, answers: LeafAnswers) -> Json:
    """Return the number of prefixes in the leaf's table. Host routes of directly attached devices do not count."""
    counts = {
        family: sum(1 for entries in routes.values() for entry in entries if entry.get("protocol") == "bgp")
        for family, routes in answers.routes.items()
    }
    used = _mo(
        "eqptcapacityPrefixEntriesUsage5min",
        totalLpmLast=sum(counts.values()),
        v4LpmLast=counts.get("ipv4", 0),
        v6LpmLast=counts.get("ipv6", 0),
    )
    capacity = _mo("eqptcapacityPrefixEntriesUsageCap5min", totalLpmCapLast=LPM_CAPACITY)
    return _mo("eqptcapacityEntity", [used, capacity], dn=f"{leaf.dn}/sys/eqptcapacity")


# --- Calico ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BirdAnswers:
    """The lines that BIRD of one IP version answers on a node; empty if it does not run."""

    status: tuple[str, ...] = ()  # show status
    protocols: tuple[str, ...] = ()  # show protocols
    routes: tuple[str, ...] = ()  # show route


@dataclass(frozen=True)
class Session:
    """One BGP session, as BIRD shows it."""

    name: str
    state: str
    since: str
    info: str

    @property
    def kind(self) -> str:
        """Return Mesh, Global or Node."""
        return self.name.partition("_")[0]

    @property
    def address(self) -> str:
        """Return the neighbour's address, which is part of the session's name."""
        __, __, rest = self.name.partition("_")
        rest = rest.partition("_port_")[0]
        return rest.replace("_", "." if re.fullmatch(r"\d+(_\d+){3}", rest) else ":")


_PEER_TYPES = {"Mesh": "NodeMesh", "Global": "GlobalPeer", "Node": "NodePeer"}
_BGP_STATES = ("Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established", "Close")


def sessions(protocols: Iterable[str]) -> list[Session]:
    """Return the BGP sessions among BIRD's protocols."""
    found = []
    for line in protocols:
        words = line.split(None, 6)
        if len(words) >= 5 and words[1] == "BGP":
            info = words[5] if len(words) > 5 else ""
            state = info if info in _BGP_STATES else "Idle"
            found.append(Session(words[0], state, words[4], " ".join(words[5:])))
    return found


def node_status(answers: Mapping[int, BirdAnswers], classes: Iterable[str], now: datetime) -> Json:
    """Return the status of a CalicoNodeStatus with the classes that it asks for."""
    status: Json = {"lastUpdated": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")}
    makers = {"Agent": _agent, "BGP": _sessions, "Routes": _node_routes}
    return status | {name.lower(): makers[name](answers) for name in classes if name in makers}


def _agent(answers: Mapping[int, BirdAnswers]) -> Json:
    return {f"birdV{version}": _bird_agent(answer) for version, answer in answers.items()}


def _bird_agent(answer: BirdAnswers) -> Json:
    text = "\n".join(answer.status)
    patterns = {
        "version": r"BIRD (\S+)",
        "routerID": r"Router ID is (\S+)",
        "lastBootTime": r"Last reboot on (.+)",
        "lastReconfigurationTime": r"Last reconfiguration on (.+)",
    }
    found = {name: match[1] for name, pattern in patterns.items() if (match := re.search(pattern, text))}
    return {"state": "Ready" if "up and running" in text else "NotReady", **found}


def _sessions(answers: Mapping[int, BirdAnswers]) -> Json:
    status: Json = {}
    for version in (4, 6):
        own = sessions(answers[version].protocols) if version in answers else []
        status[f"numberEstablishedV{version}"] = sum(session.state == "Established" for session in own)
        status[f"numberNotEstablishedV{version}"] = sum(session.state != "Established" for session in own)
        status[f"peersV{version}"] = [
            {"peerIP": it.address, "type": _PEER_TYPES.get(it.kind, "NodePeer"), "state": it.state, "since": it.since}
            for it in own
        ]
    return status


_ROUTE = re.compile(
    r"(?P<prefix>\S+/\d+)?\s+(?:via (?P<gateway>\S+) on (?P<via>\S+)|dev (?P<device>\S+)|(?P<kind>blackhole|unreachable|prohibited))"
    r" \[(?P<protocol>\S+) [^\]]*\](?P<best> \*)?"
)
_SOURCES = {"kernel": "Kernel", "static": "Static", "direct": "Direct", "Mesh": "NodeMesh"}


def _node_routes(answers: Mapping[int, BirdAnswers]) -> Json:
    return {f"routesV{version}": list(_route_entries(answer.routes)) for version, answer in answers.items()}


def _route_entries(lines: Iterable[str]) -> Iterable[Json]:
    prefix = ""
    for line in lines:
        match = _ROUTE.match(line) or _ROUTE.match(f" {line}")
        if not match:
            continue
        prefix = match["prefix"] or prefix
        yield {
            "type": "FIB" if match["best"] else "RIB",
            "destination": prefix,
            "gateway": match["gateway"] or "N/A",
            "interface": match["via"] or match["device"] or match["kind"],
            "learnedFrom": _learned_from(match["protocol"]),
        }


def _learned_from(protocol: str) -> Json:
    kind = re.match(r"[A-Za-z]+", protocol)
    source = _SOURCES.get(kind[0] if kind else "", "BGPPeer")
    if source in ("BGPPeer", "NodeMesh"):
        return {"sourceType": source, "peerIP": Session(protocol, "", "", "").address}
    return {"sourceType": source}
