"""The queries for the live state of a VRF, and the summary of APIC's replies."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.module_utils.apic.state import faults, flatten, leaf_states, on_leaves, queries

L3OUTS = ["uni/tn-common/out-calico", "uni/tn-common/out-calico-2"]


def replies(**changes):
    return {**{key: [] for key in ("leaves", "instances", "domains", "routes_ipv4", "lpm_used", "lpm_limit")}, **changes}


def peer_state(**attributes):
    full = {"kaIntvl": "60", "holdIntvl": "180", "rtrId": "0.0.0.0", "shutStQual": "unspecified", "flags": "", "rcvCap": ""}
    inner = {
        "bgpPeerEntry": {
            "attributes": {**full, "addr": "192.168.2.1", "operSt": "idle", "type": "ebgp", "passwdSet": "disabled", **attributes}
        }
    }
    peer = {"bgpPeer": {"attributes": {"addr": "192.168.2.0/24", "asn": "65003", "passwdSet": "disabled"}, "children": [inner]}}
    dom = {"dn": "topology/pod-1/node-201/sys/bgp/inst/dom-common:calico", "rtrId": "1.1.4.201", "operSt": "up"}
    return leaf_states(replies(domains=[{"bgpDom": {"attributes": dom, "children": [peer]}}]), ["ipv4"])["201"]


@pytest.mark.parametrize(
    ("flags", "received", "graceful"),
    [
        ("cap-neg,gr-enabled", "gr", True),
        ("gr-enabled", "gr-helper", True),
        ("cap-neg", "gr", False),
        ("gr-enabled", "as4", False),
    ],
)
def test_graceful_restart_takes_both_ends(flags, received, graceful):
    assert peer_state(flags=flags, rcvCap=received)["sessions"][0]["graceful_restart"] is graceful


def test_a_session_that_says_little():
    state = peer_state()
    assert state["sessions"][0]["families"] == {}
    assert state["sessions"][0]["password"] is False
    assert state["router_id"] == "1.1.4.201"


@pytest.mark.parametrize(
    ("severity", "lc", "stands"),
    [
        ("major", "raised", True),
        ("warning", "soaking", True),
        ("cleared", "raised", False),
        ("info", "raised", False),
        ("major", "retaining", False),
        ("major", "raised-clearing", False),
    ],
)
def test_faults_that_stand(severity, lc, stands):
    mo = {"code": "F1", "severity": severity, "lc": lc, "descr": "", "dn": "uni/fault-F1"}
    assert bool(faults([{"faultInst": {"attributes": mo}}])) is stands


def test_children_get_their_dn_from_their_parent():
    inner = {"l3extIp": {"attributes": {"rn": "addr-[192.168.2.254/24]", "addr": "192.168.2.254/24"}}}
    fault = {"faultInst": {"attributes": {"rn": "fault-F1"}}}
    outer = {"l3extMember": {"attributes": {"dn": "uni/mem-A", "side": "A"}, "children": [inner, fault]}}
    assert list(flatten([outer])) == ["uni/mem-A", "uni/mem-A/addr-[192.168.2.254/24]"]


def test_queries_name_the_leaves_and_the_l3outs():
    paths = queries("common:calico", ["ipv4"], ["topology/pod-1/node-201"], L3OUTS)
    assert paths["routes_ipv4"] == (
        "/api/class/uribv4Route.json?query-target-filter="
        'wcard(uribv4Route.dn,"topology/pod-1/node-201/sys/uribv4/dom-common:calico/db-rt/")'
        "&rsp-subtree=full&rsp-subtree-class=uribv4Nexthop"
    )
    assert "routes_ipv6" not in paths
    assert all(f'wcard(faultInst.dn,"{dn}/")' in paths["faults"] for dn in L3OUTS)


@pytest.mark.parametrize("count", [4, 400])
def test_requests_for_many_leaves_stay_short(count):
    """APIC takes request lines of 8 KiB. What the filter for many leaves selects on others is left out."""
    leaves = [f"topology/pod-1/node-{number}" for number in range(201, 201 + count)]
    paths = queries("common:calico", ["ipv4", "ipv6"], leaves, L3OUTS)
    assert max(map(len, paths.values())) < 8000
    assert ("node-202/" in paths["routes_ipv4"]) == (count == 4)
    routes = [{"uribv4Route": {"attributes": {"dn": f"topology/pod-1/node-{leaf}/sys/uribv4/x"}}} for leaf in (199, 201, 299)]
    assert on_leaves(routes, leaves[:2]) == routes[1:2]
