"""What the bench makes of the output of ping and of ip monitor."""

from __future__ import annotations

import pytest
from rehearsals.measure import Measured, missing_routes
from rehearsals.table import report, table
from rehearsals.world import REFUSED, Result

from lab.twin.bench import Probe


def printed(numbers: list[int], sent: int) -> str:
    """Return what ``ping -D`` prints for the answers to these pings."""
    lines = [f"[1700000000.{at:06}] 64 bytes from 10.1.0.1: icmp_seq={at % 65536} ttl=62 time=0.05 ms" for at in numbers]
    return "\n".join([*lines, "", f"{sent} packets transmitted, {len(numbers)} received, 0% packet loss, time 9ms", ""])


@pytest.mark.parametrize(
    ("numbers", "sent", "gaps"),
    [
        pytest.param([1, 2, 3], 3, [], id="all"),
        pytest.param([1, 2, 3], 5, [], id="the last two had no time"),
        pytest.param([1, 2, 3], 9, [6], id="none from then on"),
        pytest.param([3, 4, 8], 8, [2, 3], id="some"),
        pytest.param([], 7, [7], id="none"),
        pytest.param([*range(1, 65536), 65539], 65539, [3], id="more than 16 bits"),
    ],
)
def test_a_probe_counts_pings_without_an_answer(numbers: list[int], sent: int, gaps: list[int]) -> None:
    probe = Probe(0.01)
    probe.read(printed(numbers, sent))
    assert (probe.sent, probe.gaps, len(probe.answered)) == (sent, gaps, len(numbers))
    assert probe.longest == pytest.approx(max(gaps, default=0) * 0.01)


MONITOR = """\
[2026-11-28T22:00:00.000000] Deleted 10.1.0.0/26 via 192.168.0.12 dev vlan300 proto bgp metric 20
[2026-11-28T22:00:00.004000] 10.1.0.0/26 via 192.168.0.13 dev vlan300 proto bgp metric 20
[2026-11-28T22:00:01.000000] Deleted 192.168.8.0/22 nhid 23 proto bgp metric 20
\tnexthop via 192.168.0.12 dev vlan300 weight 1
[2026-11-28T22:00:02.000000] Deleted unicast fd00::/64 via fe80::1 dev vlan300 proto bgp metric 20
[2026-11-28T22:00:02.500000] 192.168.8.0/22 nhid 24 proto bgp metric 20
"""


def test_the_absence_of_routes_is_read_from_their_events() -> None:
    assert missing_routes(MONITOR) == {"10.1.0.0/26": 0.004, "192.168.8.0/22": 1.5, "fd00::/64": None}


def test_the_worst_that_was_seen_is_the_class() -> None:
    assert Measured().effect == "hitless"
    assert Measured(paths=2).effect == "path-change"
    assert Measured(paths=2, sessions=["n1 leaf-201"]).effect == "session-reset"
    assert Measured(routes=[("leaf-201", "10.1.0.0/26", None)]).effect == "route-loss"
    assert Measured(lost=1, sessions=["n1 leaf-201"]).effect == "traffic-interruption"


def test_the_table_marks_what_is_worse_than_predicted() -> None:
    lossy, calm = Measured(sent=9, lost=2, longest=0.02).as_dict(), Measured(sent=9).as_dict()
    results = [
        Result("a change", "floating", "hitless", measured=lossy, undo_predicted="route-loss", undo_measured=calm),
        Result("another", "floating", REFUSED, measured=calm, wrong=["site failed"]),
        Result("a third", "floating"),
    ]
    first, *rest = table(results, "1").splitlines()[-3:]
    assert "| **traffic-interruption: 2 of 9 lost, longest 0.02 s** | route-loss | hitless: none of 9 lost | yes |" in first
    assert [row.split(" | ")[2:4] for row in rest] == [
        ["preflight refuses it", "hitless: none of 9 lost"],
        ["", "not measured yet"],
    ]
    assert "2 of 3 runs are measured" in table(results, "1")
    assert "better than predicted" in report(results[0])
