"""The leaves of one VRF, as values.

The model holds only objects that a fabric would deploy (``policies`` reads them from APIC). Everything is immutable and
compares by value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_interface, ip_network

FAMILIES = ("ipv4", "ipv6")
INHERITED_MTU = 9000  # of the fabric's L2 MTU policy, for "inherit"
PERVASIVE_MAC = "00:22:BD:F8:19:FF"


@dataclass(frozen=True)
class Rule:
    """One line of a prefix list."""

    prefix: str
    permit: bool = True
    ge: int | None = None
    le: int | None = None

    @property
    def version(self) -> int:
        return ip_network(self.prefix).version


@dataclass(frozen=True)
class PrefixLimit:
    """``bgpPeerPfxPol``."""

    maximum: int
    threshold: int = 75
    action: str = "reject"
    restart_minutes: int | None = None


@dataclass(frozen=True)
class Timers:
    """``bgpCtxPol``; times in seconds, ``as_limit`` 0 means no limit."""

    keepalive: int = 60
    hold: int = 180
    as_limit: int = 0
    graceful: bool = True


@dataclass(frozen=True)
class Peer:
    """``bgpPeerP``: one neighbour, or a subnet of dynamic ones, with the route control of its L3Out."""

    address: str
    asn: int
    password: str = field(default="", repr=False)
    controls: frozenset[str] = frozenset()
    ttl: int = 1
    allow_self_as: int = 3
    enabled: bool = True
    local_asn: int | None = None
    limit: PrefixLimit | None = None
    timers: Timers = Timers()
    imports: tuple[Rule, ...] | None = None  # None: import is not enforced, so everything is accepted
    exports: tuple[Rule, ...] = ()
    propagates: bool = False  # an import route map of the peer keeps next hops unchanged
    multipath: bool = False  # and has the leaf tell others of all its paths

    @property
    def version(self) -> int:
        return ip_network(self.address, strict=False).version

    @property
    def dynamic(self) -> bool:
        """Return True if the address is a subnet whose members may connect."""
        return ip_network(self.address, strict=False).num_addresses > 1


@dataclass(frozen=True)
class Svi:
    """A leaf's interface in an L3Out: an SVI or, if ``routed``, a routed port or sub-interface.

    ``path`` is the vPC or port, empty for a floating SVI.
    """

    l3out: str
    vlan: int
    path: str = ""
    mtu: int = INHERITED_MTU
    mac: str = PERVASIVE_MAC
    addresses: tuple[str, ...] = ()
    secondaries: tuple[str, ...] = ()
    peers: tuple[Peer, ...] = ()
    routed: bool = False


@dataclass(frozen=True, order=True)
class Segment:
    """The network of a cable: a VLAN in a rack (named by its leaves), or one routed port of one leaf."""

    rack: tuple[int, ...]
    vlan: int
    port: str = ""  # the port's path in APIC


@dataclass(frozen=True)
class Leaf:
    """A leaf of the VRF. A border leaf may have no SVIs yet."""

    id: int
    pod: int = 1
    router_id: str = ""
    tep: str = ""
    loopbacks: tuple[str, ...] = ()
    svis: tuple[Svi, ...] = ()
    relax: bool = False
    ignores_igp: bool = False  # for multipath; otherwise attached nodes come before distant ones
    announces_hosts: bool = False  # attached nodes, to the other leaves
    compute: bool = False  # without L3Out

    @property
    def dn(self) -> str:
        return f"topology/pod-{self.pod}/node-{self.id}"


@dataclass(frozen=True)
class AddressFamilyPolicy:
    """``bgpCtxAfPol``."""

    ecmp_ebgp: int = 16
    ecmp_ibgp: int = 16
    distances: tuple[int, int, int] = (20, 200, 220)  # eBGP, iBGP, local


@dataclass(frozen=True)
class Fabric:
    """One VRF and its leaves."""

    tenant: str
    vrf: str
    asn: int | None = None
    bd_enforced: bool = False
    leaves: tuple[Leaf, ...] = ()
    racks: tuple[tuple[int, ...], ...] = ()
    policies: Mapping[str, AddressFamilyPolicy] = field(default_factory=dict)
    classified: tuple[str, ...] = ()  # subnets of the external EPGs; other traffic has no contract
    outside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the external prefixes of each L3Out, by its DN
    beyond: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # the AS numbers behind the router of such a prefix

    def rack_of(self, leaf: int) -> tuple[int, ...]:
        """Return the leaves in a leaf's rack, including itself."""
        return next((rack for rack in self.racks if leaf in rack), (leaf,))

    def segment(self, leaf: Leaf, svi: Svi) -> Segment:
        """Return the network of an interface: its rack's VLAN, or for a routed interface its port."""
        return Segment((leaf.id,), svi.vlan, svi.path) if svi.routed else Segment(self.rack_of(leaf.id), svi.vlan)


def covers(svi: Svi, address: str) -> bool:
    """Return True if an address is in one of the SVI's subnets. If it has a length, the subnets must be equal."""
    wanted = ip_interface(address)
    networks = [ip_interface(own).network for own in svi.addresses]
    return wanted.network in networks if "/" in address else any(wanted.ip in network for network in networks)
