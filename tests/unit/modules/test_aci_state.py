"""The module against the lab's APIC emulator, with live state as leaves report it."""

from __future__ import annotations

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from unit.module_utils.fabric import an

from ansible_collections.netops.aci_calico.plugins.module_utils.apic import session
from ansible_collections.netops.aci_calico.plugins.modules import aci_state
from lab.apic.server import ApicServer

VRF = "common:calico"
LEAVES = ["topology/pod-1/node-201", "topology/pod-1/node-202"]
L3OUTS = ["uni/tn-common/out-calico"]


class Done(Exception):
    """The module's result."""

    def __init__(self, result):
        super().__init__(result)
        self.result = result


@pytest.fixture(scope="module")
def server(one_tls_context):
    with ApicServer(https=False) as running:
        running.replace_operational("test", [*leaf(201), *leaf(202, router_id="1.1.4.202"), *leaf(101)])
        yield running


@pytest.fixture
def run(server, monkeypatch):
    def leave(_module, **result):
        raise Done(result)

    monkeypatch.setattr(AnsibleModule, "exit_json", leave)
    monkeypatch.setattr(AnsibleModule, "fail_json", lambda module, **result: leave(module, **result, failed=True))

    def call(**changes):
        arguments = {
            "host": "127.0.0.1",
            "port": server.port,
            "username": "admin",
            "password": "lab-admin",
            "use_ssl": False,
            "cluster": "prod1",
            "vrf": VRF,
            "leaves": LEAVES,
            "l3outs": L3OUTS,
            **changes,
        }
        with patch_module_args(arguments), pytest.raises(Done) as done:
            aci_state.main()
        return done.value.result

    return call


def entry(address="192.168.2.1", **attributes):
    return an(
        "bgpPeerEntry",
        an("bgpPeerAfEntry", type="ipv4-ucast", acceptedPaths="3", pfxSent="9", flags="gr-cap,pfx-threshexceeded"),
        **{
            "addr": address,
            "operSt": "established",
            "type": "ebgp",
            "kaIntvl": "1",
            "holdIntvl": "3",
            "flags": "cap-neg,gr-enabled",
            "rcvCap": "as4,gr,ipv4-ucast",
            "passwdSet": "enabled",
            "rtrId": address,
            **attributes,
        },
    )


def domain(name, *peers, router_id="1.1.4.201"):
    return an("bgpDom", *peers, name=name, rtrId=router_id, operRtrId=router_id, operSt="up")


def leaf(number, *entries, router_id="1.1.4.201"):
    """What a leaf reports: the cluster's VRF with a session and two routes, another VRF, and its table."""
    dn = f"topology/pod-1/node-{number}/sys"
    peer = an("bgpPeer", *(entries or (entry(),)), addr="192.168.2.0/24", asn="65003")
    bgp = an("bgpInst", domain(VRF, peer, router_id=router_id), domain("prod:other"), asn="65002")
    hops = [
        an("uribv4Nexthop", **hop("192.168.2.1/32", routeType="ebgp", active="yes")),
        an("uribv4Nexthop", **hop("192.168.2.2/32", routeType="ebgp", active="no")),
    ]
    routes = [
        an("uribv4Route", *hops, prefix="10.1.0.0/26"),
        an("uribv4Route", an("uribv4Nexthop", **hop("10.0.0.9/32", routeType="ibgp", active="yes")), prefix="10.1.1.0/26"),
    ]
    other = an("uribv4Dom", an("uribv4Db", an("uribv4Route", prefix="172.16.0.0/24"), type="rt"), name="prod:other")
    table = an("uribv4Dom", an("uribv4Db", *routes, type="rt"), name=VRF)
    usage = an("eqptcapacityPrefixEntriesUsage5min", totalLpmLast="40")
    limit = an("eqptcapacityPrefixEntriesUsageCap5min", totalLpmCapLast="20000")
    return [
        an("bgpEntity", bgp, dn=f"{dn}/bgp"),
        an("uribv4Entity", table, other, dn=f"{dn}/uribv4"),
        an("eqptcapacityEntity", usage, limit, dn=f"{dn}/eqptcapacity"),
    ]


def hop(address, **attributes):
    return {"owner": "bgp-65002", "addr": address, "if": "unspecified", "vrf": VRF, **attributes}


def test_a_leaf_in_full(run):
    state = run()["state"]["leaves"]["201"]
    assert state.pop("tep")
    assert state == {
        "up": True,
        "router_id": "1.1.4.201",
        "sessions": [
            {
                "address": "192.168.2.1",
                "state": "established",
                "type": "ebgp",
                "local_asn": 65002,
                "remote_asn": 65003,
                "keepalive": 1,
                "hold": 3,
                "graceful_restart": True,
                "password": True,
                "router_id": "192.168.2.1",
                "shut_reason": "unspecified",
                "families": {"ipv4": {"accepted": 3, "sent": 9, "flags": ["gr-cap", "pfx-threshexceeded"]}},
            }
        ],
        "routes": {
            "ipv4": {
                "10.1.0.0/26": [{"address": "192.168.2.1", "type": "ebgp"}],
                "10.1.1.0/26": [{"address": "10.0.0.9", "type": "ibgp"}],
            }
        },
        "lpm": {"used": 40, "limit": 20000},
    }


def test_every_leaf_of_the_vrf_shows_its_router_id_and_only_those_asked_for_their_routes(run):
    leaves = run()["state"]["leaves"]
    assert {number: state["router_id"] for number, state in leaves.items()} == {
        "101": "1.1.4.201",
        "201": "1.1.4.201",
        "202": "1.1.4.202",
    }
    assert leaves["202"]["routes"]["ipv4"]
    assert leaves["101"]["routes"]["ipv4"] == {}
    assert leaves["101"]["lpm"] is None


def test_requests_do_not_grow_with_the_leaves(run):
    few = run(leaves=LEAVES[:1])["requests"]
    many = run(leaves=[f"topology/pod-1/node-{number}" for number in range(201, 213)])["requests"]
    assert few == many
    assert few["total"] == 10


def test_sessions_alone_take_one_request(run):
    full = run()["state"]["leaves"]["201"]["sessions"]
    result = run(only="sessions", address_families=["ipv4", "ipv6"])
    assert (result["requests"]["get"], result["requests"]["total"]) == (1, 2)
    state = result["state"]
    assert state["leaves"]["201"]["sessions"] == [{**session, "local_asn": 0} for session in full]
    assert state["leaves"]["201"]["routes"] == {"ipv4": {}, "ipv6": {}}
    assert (state["objects"], state["faults"]) == ({}, [])


def test_both_families(run):
    assert set(run(address_families=["ipv4", "ipv6"])["state"]["leaves"]["201"]["routes"]) == {"ipv4", "ipv6"}


def test_what_configures_the_cluster_is_read_along(run, server):
    tenant = an("fvTenant", an("bgpCtxPol", name="timers", kaIntvl="1"), name="common", status="modified")
    server.replace_operational("policy", [{"bgpCtxPol": {"attributes": {"dn": "uni/tn-common/bgpCtxP-timers"}}}])
    result = run(roots=[{"dn": "uni/tn-common", "scope": "named", "tree": tenant}])
    objects = result["state"]["objects"]
    assert objects["uni/tn-common/bgpCtxP-timers"]["attributes"]["kaIntvl"] == "60"
    assert objects["uni/tn-common/ctx-calico"]["attributes"]["bdEnforcedEnable"] == "no"
    assert result["requests"]["get"] == 10


def test_a_tree_with_faults_is_refused_before_the_first_request(run, server):
    before = len(server.log)
    result = run(roots=[{"dn": "uni/tn-common", "tree": {"fvTenant": {"attributes": {}}}}])
    assert result["failed"]
    assert "naming property" in result["msg"]
    assert len(server.log) == before


def test_an_apic_that_refuses_is_named(run, monkeypatch):
    monkeypatch.setattr(session, "PAUSES", (0,))
    result = run(password="wrong")
    assert result["failed"]
    assert result["error"]["status"] == 401
    assert "wrong" not in str({key: value for key, value in result.items() if key != "invocation"})


def test_what_a_leaf_refuses_is_a_fault_of_the_l3out(run, server):
    affected = f"resPolCont/rtdOutCont/rtdOutDef-[{L3OUTS[0]}]/nwissues"
    about = {"severity": "minor", "lc": "raised", "descr": "Configuration failed", "changeSet": "configQual:x"}
    dns = [f"{dn}/fd-[{affected}]-fault-F0467" for dn in (L3OUTS[0], "uni/tn-prod/out-other")]
    server.replace_operational("policy", [{"faultDelegate": {"attributes": {"dn": dn, **about}}} for dn in dns])
    (fault,) = run()["state"]["faults"]
    assert (fault["code"], fault["severity"], fault["dn"]) == ("F0467", "minor", dns[0])
