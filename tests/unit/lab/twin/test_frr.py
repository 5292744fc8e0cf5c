"""FRR's configuration of a leaf."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from lab.twin.frr import Line, changes, configuration, needs_reset, text
from lab.twin.model import Twin
from lab.twin.paper import PASSWORD, Rack

GOLDEN = Path(__file__).parent / "golden"
SMALL = {"racks": (Rack(1, (201, 202), (1,)),)}


def commands(twin: Twin, leaf: int = 0) -> list[str]:
    """Return the commands of one leaf without their contexts."""
    return [line.command for line in configuration(twin.fabric.leaves[leaf], twin)]


@pytest.mark.parametrize(
    ("name", "options"), [("floating", {}), ("standard", {"floating": False}), ("dual-stack", {"dual_stack": True})]
)
def test_golden(workshop: Callable[..., Any], name: str, options: dict[str, Any]) -> None:
    twin = workshop(**SMALL, **options).twin()
    shown = text(configuration(twin.fabric.leaves[0], twin), hide_passwords=True)
    assert shown == (GOLDEN / f"leaf-{name}.conf").read_text()


def test_the_password_is_set_and_can_be_hidden(shop: Any) -> None:
    twin = shop.twin()
    lines = configuration(twin.fabric.leaves[0], twin)
    assert f"neighbor NODES-1 password {PASSWORD}" in text(lines)
    assert PASSWORD not in text(lines, hide_passwords=True)


@pytest.mark.parametrize(
    ("cls", "attributes", "there", "gone"),
    [
        ("bgpPeerP", {"ctrl": "dis-peer-as-check"}, [], ["neighbor NODES-1 as-override"]),
        ("bgpPeerP", {"ctrl": "as-override"}, ["neighbor NODES-1 filter-list NOT-FROM-65003 out"], []),
        ("bgpPeerP", {"ctrl": "allow-self-as", "allowedSelfAsCnt": "2"}, ["neighbor NODES-1 allowas-in 2"], []),
        ("bgpPeerP", {"adminSt": "disabled"}, ["neighbor NODES-1 shutdown"], []),
        ("bgpPeerP", {"ttl": "5"}, ["neighbor NODES-1 ebgp-multihop 5"], []),
        ("bgpAsP", {"asn": "65099"}, ["neighbor NODES-1 remote-as 65099"], ["neighbor NODES-1 remote-as 65003"]),
        ("bgpCtxPol", {"kaIntvl": "60", "holdIntvl": "180"}, ["neighbor NODES-1 timers 60 180"], []),
        ("bgpCtxPol", {"maxAsLimit": "3"}, ["bgp as-path access-list AS-LIMIT-3 permit ^[0-9]+(_[0-9]+){0,2}$"], []),
        ("bgpCtxPol", {"maxAsLimit": "0"}, [], ["match as-path AS-LIMIT-1"]),
        ("bgpCtxPol", {"grCtrl": ""}, ["bgp graceful-restart-disable"], []),
        ("bgpCtxAfPol", {"maxEcmp": "1", "maxEcmpIbgp": "2"}, ["maximum-paths 1", "maximum-paths ibgp 2"], ["maximum-paths 64"]),
        ("bgpCtxAfPol", {"eDist": "30"}, ["distance bgp 30 200 220"], []),
        ("bgpBestPathCtrlPol", {"ctrl": ""}, [], ["bgp bestpath as-path multipath-relax"]),
        ("l3extOut", {"enforceRtctrl": "export"}, [], ["match ip address prefix-list IMPORT-1"]),
        ("rtctrlMatchRtDest", {"aggregate": "no"}, ["ip prefix-list IMPORT-1 seq 5 permit 10.1.0.0/16"], []),
        ("rtctrlCtxP", {"action": "deny"}, ["ip prefix-list IMPORT-1 seq 5 deny 10.1.0.0/16 le 32"], []),
    ],
)
def test_settings(shop: Any, cls: str, attributes: dict[str, str], there: list[str], gone: list[str]) -> None:
    before = commands(shop.twin())
    assert not set(there) & set(before)
    assert set(gone) <= set(before)
    shop.set(cls, **attributes)
    after = commands(shop.twin())
    assert set(there) <= set(after)
    assert not set(gone) & set(after)


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({"action": "reject"}, "maximum-prefix 9 75 warning-only force"),
        ({"action": "log"}, "maximum-prefix 9 75 warning-only force"),
        ({"action": "shut", "thresh": "50"}, "maximum-prefix 9 50 force"),
        ({"action": "restart", "restartTime": "3"}, "maximum-prefix 9 75 restart 3 force"),
    ],
)
def test_prefix_limits(workshop: Callable[..., Any], attributes: dict[str, str], wanted: str) -> None:
    shop = workshop(prefix_limit=9)
    shop.set("bgpPeerPfxPol", **attributes)
    assert f"neighbor NODES-1 {wanted}" in commands(shop.twin())


def test_without_rules_nothing_passes(shop: Any) -> None:
    shop.remove("rtctrlProfile")
    assert {"ip prefix-list IMPORT-1 seq 5 deny any", "ip prefix-list EXPORT-2 seq 5 deny any"} <= set(commands(shop.twin()))


def test_leaves_with_propagation_keep_next_hops_and_announce_attached_nodes(workshop: Callable[..., Any]) -> None:
    before, after = (commands(workshop(next_hop_propagation=wanted).twin()) for wanted in (False, True))
    assert "neighbor 169.254.1.202 next-hop-self" in before
    assert not [command for command in after if "next-hop-self" in command]
    assert [command for command in after if command.startswith("network ")] == [
        f"network 192.168.0.{node}/32" for node in (1, 2, 3)
    ]
    assert not [command for command in before if command.startswith("network ")]
    assert ["neighbor 169.254.1.202 addpath-tx-all-paths" in one for one in (before, after)] == [False, True]
    assert "match ip address prefix-list IMPORT-1" in after, "the peers' own route map has the prefixes of default-import"


def test_an_anchor_prefers_attached_nodes_unless_it_ignores_the_igp_metric(workshop: Callable[..., Any]) -> None:
    for propagates in (False, True):
        shop = workshop(next_hop_propagation=propagates)
        near = shop.twin()
        assert "set weight 1" not in commands(near)
        far = replace(near.hosts[0], cable=replace(near.hosts[0].cable, rack=(103, 104)))
        after = commands(replace(near, hosts=(far, *near.hosts[1:])))
        assert ("set weight 1" in after) == (not propagates)
        preferred = [command for command in after if "IMPORT-1-NEAR seq" in command]
        assert len(preferred) == (0 if propagates else 2)


def test_leaf_without_peers_or_router_id(shop: Any) -> None:
    shop.set("fvCtx", bdEnforcedEnable="yes")
    assert not [command for command in commands(shop.twin()) if "NODES" in command]
    shop.set("l3extRsNodeL3OutAtt", rtrId="0.0.0.0")
    assert commands(shop.twin()) == []


def test_the_compute_leaf_announces_the_endpoints_subnet_only(shop: Any) -> None:
    own = commands(shop.twin(), -1)
    assert "ip prefix-list DIRECT-IPV4 seq 5 permit 192.0.2.0/24" in own
    assert not [command for command in own if "NODES" in command]


class Daemon:
    """The part of FRR's configuration mode that shows the effect of commands."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def run(self, commands_: list[str]) -> None:
        contexts: tuple[str, ...] = ()
        for command in commands_:
            if command == "exit":
                contexts = contexts[:-1]
            elif command.startswith(("router ", "route-map ", "address-family ")):
                contexts = (*contexts, command)
            elif command.startswith("no ") and any(line.contexts[:1] == (command[3:],) for line in self.lines):
                self.lines = [line for line in self.lines if line.contexts[:1] != (command[3:],)]
            elif Line(contexts, command.removeprefix("no ")) in self.lines:
                self.lines.remove(Line(contexts, command.removeprefix("no ")))
            elif Line(contexts, f"no {command}") in self.lines:
                self.lines.remove(Line(contexts, f"no {command}"))
            else:
                self.lines.append(Line(contexts, command))
        assert contexts == ()


VARIANTS: list[Callable[[Any], object]] = [
    lambda shop: None,
    lambda shop: shop.set("bgpPeerP", ctrl=""),
    lambda shop: shop.set("bgpCtxPol", maxAsLimit="0", kaIntvl="3", holdIntvl="9"),
    lambda shop: shop.remove("bgpExtP"),
    lambda shop: shop.remove("rtctrlProfile"),
    lambda shop: shop.set("l3extOut", enforceRtctrl="export"),
    lambda shop: shop.set("l3extRsNodeL3OutAtt", rtrId="0.0.0.0"),
    lambda shop: shop.secrets.clear(),
    lambda shop: shop.remove("rtctrlSetNhUnchanged"),
]


def test_changes_lead_from_any_configuration_to_any_other(workshop: Callable[..., Any]) -> None:
    configurations = []
    for alter in VARIANTS:
        shop = workshop()
        alter(shop)
        twin = shop.twin()
        configurations.append(configuration(twin.fabric.leaves[0], twin))
    for old, new in product(configurations, repeat=2):
        daemon = Daemon()
        daemon.run(changes([], old))
        assert set(daemon.lines) == set(old)
        daemon.run(changes(old, new))
        assert set(daemon.lines) == set(new)
        assert len(daemon.lines) == len(new)
        assert bool(changes(old, new)) is (old != new)


@pytest.mark.parametrize(
    ("line", "reset"),
    [
        ("neighbor NODES-1 timers 1 3", True),
        ("bgp graceful-restart-disable", True),
        ("neighbor NODES-1 maximum-prefix 9 75 force", True),
        ("neighbor NODES-1 maximum-prefix 9 75 warning-only force", False),
        ("neighbor NODES-1 as-override", False),
    ],
)
def test_what_needs_new_sessions(line: str, reset: bool) -> None:
    known, changed = Line((), "neighbor NODES-1 remote-as 65003"), Line((), line)
    assert needs_reset([known], [known, changed]) is reset
    assert needs_reset([known, changed], [known]) is reset
    assert not needs_reset([known, changed], [known, changed])


def test_another_leaf_restarts_no_session() -> None:
    one = [Line((), f"neighbor 169.254.1.201 {words}") for words in ("remote-as 65002", "timers 1 3", "graceful-restart-disable")]
    assert not needs_reset([], one)
    assert not needs_reset(one, [])
