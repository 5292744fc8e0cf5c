"""Preflight finds every obstacle before anything is written, and reports nothing for a good fabric."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from integration.site.harness import Cluster, Outcome, Site, fabric, intent, racks

VPC = "topology/pod-1/protpaths-201-202/pathep-[x]"
NODE = "topology/pod-1/node-201"
LPM = f"{NODE}/sys/eqptcapacity/CDeqptcapacityPrefixEntriesUsage"
WAN = "uni/tn-common/out-wan"
SVI = f"{WAN}/lnodep-n/lifp-i/vlifp-[{NODE}]-[vlan-800]"
MERGE = "application/merge-patch+json"

FLOATING = {
    "fabric-asn-differs": {"uni/fabric/bgpInstP-default/as": {"asn": "65099"}},
    "apic-too-old": {"topology/pod-1/node-1/sys/ctrlrfwstatuscont/ctrlrrunning": {"version": "4.2(7f)"}},
    "leaf-too-old": {f"{NODE}/sys/fwstatuscont/running": {"version": "n9000-14.2(7f)"}},
    "leaf-inactive": {"topology/pod-1/node-202": {"fabricSt": "inactive"}},
    "vpc-peer-down": {f"{NODE}/sys/vpc/inst/dom-201": {"peerSt": "down"}},
    "lpm-headroom": {f"{LPM}5min": {"totalLpmLast": "19990"}, f"{LPM}Cap5min": {"totalLpmCapLast": "20000"}},
    "bd-enforced": {"uni/tn-common/ctx-calico": {"bdEnforcedEnable": "yes"}},
    "router-id-contradicts": {
        f"{WAN}/rsectx": {"tnFvCtxName": "calico"},
        f"{WAN}/lnodep-n/rsnodeL3OutAtt-[{NODE}]": {"rtrId": "9.9.9.9"},
    },
    "subnet-in-bridge-domain": {
        "uni/tn-prod/BD-web/rsctx": {"tnFvCtxName": "calico"},
        "uni/tn-prod/BD-web/subnet-[10.1.77.1/24]": {},
    },
    "subnet-in-external-epg": {f"{WAN}/instP-all/extsubnet-[192.168.8.0/22]": {}},
    "subnet-on-interface": {f"{WAN}/lnodep-n/lifp-i/rspathL3OutAtt-[{VPC}]": {"addr": "192.168.1.2/29", "encap": "vlan-9"}},
    "vlan-taken": {f"uni/tn-prod/ap-web/epg-front/rspathAtt-[{VPC}]": {"encap": "vlan-300"}},
    "floating-addresses": {
        SVI: {"addr": "172.31.1.2/24", "ifInstT": "ext-svi"},
        f"{SVI}/rsdynPathAtt-[uni/phys-k8s]": {"floatingAddr": "172.31.1.1/24"},
    },
    "domain-without-aaep": {},
}
STANDARD = {
    "object-taken",
    "leaf-missing",
    "leaves-not-paired",
    "vrf-missing",
    "tenant-missing",
    "vlan-outside-pool",
    "domain-missing",
    "group-missing",
}
# The connections of a cluster, the objects that they need, and a fabric that has few of these.
CONNECTED = {
    "contracts": [{"name": "web", "filters": ["theirs"], "service_graph": "theirs"}],
    "consumed_contracts": ["theirs"],
    "consumed_interfaces": ["theirs"],
    "epg_contracts": [
        {"application_profile": "shop", "epg": "front", "consume": ["web"]},
        {"application_profile": "store", "epg": "front", "consume": ["web"]},
    ],
    "transit": [{"l3out": "core", "external_epg": "corporate", "consume": ["web"]}, "edge"],
}
THEIRS = {
    **{f"uni/tn-common/{rn}-theirs": {} for rn in ("brc", "cif", "flt", "AbsGraph")},
    **{f"uni/tn-common/ap-{name}/epg-front": {} for name in ("shop", "store")},
    **{f"uni/tn-common/out-{name}/rsectx": {"tnFvCtxName": "calico"} for name in ("core", "edge")},
    "uni/tn-common/out-core/instP-corporate": {},
}
ALMOST = {"uni/tn-common/brc-there": {}, "uni/tn-common/ap-shop": {}, "uni/tn-common/out-core/rsectx": {"tnFvCtxName": "default"}}
DISCONNECTED = {
    "contract-missing",
    "contract-interface-missing",
    "filter-missing",
    "service-graph-missing",
    "application-profile-missing",
    "epg-missing",
    "l3out-missing",
    "external-epg-missing",
    "transit-in-another-vrf",
    "pool-missing",
    "aaep-missing",
}
KUBERNETES = {"node-pending", "node-address-differs", "calico-without-bgp", "pool-in-the-way", "rights-missing"}


def seed(planted: dict[str, Any], count: int) -> dict[str, Any]:
    """Return the lab's fabric with further objects."""
    made = fabric(racks(count, 1))
    made["objects"] |= planted
    return made


def spoil_kubernetes(cluster: Cluster) -> None:
    """Put every obstacle into a cluster's Kubernetes."""
    api = cluster.kube
    node = "/api/v1/nodes/n1-1"
    api.request("DELETE", "/api/v1/nodes/n2-1")
    address = [{"type": "InternalIP", "address": "10.99.0.1"}]
    api.request("PATCH", f"{node}/status", {"status": {"addresses": address}}, MERGE)
    daemonset = "/apis/apps/v1/namespaces/kube-system/daemonsets/calico-node"
    pod = api.request("GET", daemonset)["spec"]["template"]["spec"]
    pod["containers"][0]["env"] = [{"name": "CALICO_NETWORKING_BACKEND", "value": "vxlan"}]
    api.request("PATCH", daemonset, {"spec": {"template": {"spec": pod}}}, MERGE)
    pool = {"apiVersion": "crd.projectcalico.org/v1", "kind": "IPPool", "metadata": {"name": "other"}}
    api.apply([{**pool, "spec": {"cidr": "10.1.128.0/20", "nodeSelector": "all()"}}])
    api.emulator.rights = []


def found(outcome: Outcome, host: str) -> set[str]:
    """Return the ids of the problems that preflight reports for a host."""
    return set(listed(outcome, host))


def listed(outcome: Outcome, host: str) -> list[str]:
    """Return the ids of a host's problems: those in results, and those that are printed if one is an error."""
    results = (result for _task, name, result in outcome.results if name == host)
    text = re.search(rf"^Cluster {host} cannot be configured: .*\n(?:\n\d+\. .*\n(?: .*\n)+)+", outcome.output, re.MULTILINE)
    printed = re.findall(r"\[(?:error|warning): ([a-z0-9-]+)\]", " ".join(text[0].split())) if text else []
    return [problem["id"] for result in results for problem in result.get("problems", ())] + printed


def mentions(outcome: Outcome, rules: set[str]) -> Counter[str]:
    """Return how often the terminal shows each rule."""
    words = re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)+", outcome.output)
    return Counter(word for word in words if word in rules)


def writes(cluster: Cluster) -> list[str]:
    """Return the requests to a cluster's servers that write."""
    asked = [f"{request.method} {request.path}" for request in cluster.kube.requests if request.method != "GET"]
    sent = [call for call in [*cluster.calls(), *asked] if not call.startswith("GET")]
    return [call for call in sent if "aaaLogin" not in call and "selfsubjectrulesreviews" not in call]


def test_preflight_finds_everything_before_anything_is_written(site: Site) -> None:
    limit = {"limits": {"floating-addresses": 1}, "aaep": "default"}
    planted = {dn: properties for objects in FLOATING.values() for dn, properties in objects.items()}
    floating = site.add("floating", intent("floating", racks(2, 1), **limit), seed=seed(planted, 2))
    unpaired = [{"id": 1, "leaves": [202, 203], "nodes": ["n1-1"]}, {"id": 2, "leaves": [251, 252], "nodes": ["n2-1"]}]
    wrong = {"tenant": "nobody", "vrf": "nobody", "vlan": "700-709", "vpc_name": "nobodys-{node}"}
    standard = site.add("standard", intent("standard", unpaired, **wrong))
    theirs = seed({"uni/tn-common/out-calico-undomained": {}}, 1)
    undomained = site.add("undomained", intent("standard", racks(1, 1), l3_domain="nobody", vrf="nobody"), seed=theirs)
    alone = intent("floating", racks(1, 1), vlan_pool="nobodys", aaep="nobodys", **CONNECTED)
    disconnected = site.add("disconnected", alone, seed=seed(ALMOST, 1))
    names = {"l3_domain": "new-l3", "physical_domain": "new", "vpc_name": "new-{node}", "lacp_policy": "nobodys"}
    cabled = [{"id": 1, "leaves": [201, 202], "nodes": [{"name": "n1-1", "interfaces": ["1/10"]}]}]
    managed = site.add("managed", intent("standard", cabled, manage_access=True, **names))
    good = site.add("good", intent("standard", racks(2, 1), **CONNECTED), seed=seed(THEIRS, 2))
    spoil_kubernetes(standard)
    broken = (floating, standard, undomained, disconnected, managed)
    before = [(cluster.tree(), writes(cluster)) for cluster in broken]
    outcome = site.run("site", check=False)
    assert found(outcome, "floating") == {*FLOATING, "limits-of-release"}  # the old APIC has others
    assert found(outcome, "standard") | found(outcome, "undomained") == STANDARD | KUBERNETES
    assert found(outcome, "disconnected") == DISCONNECTED
    assert found(outcome, "managed") == {"lacp-policy-missing"}
    assert "Did you mean there?" in outcome.output
    every = [problem for name in site.clusters for problem in listed(outcome, name)]
    assert mentions(outcome, set(every)) == Counter(every), "each problem is printed once"
    assert [(cluster.tree(), writes(cluster)) for cluster in broken] == before
    assert found(outcome, "good") == set()
    assert "calico-good" in str(good.tree())


def test_tags_select_the_servers_that_preflight_reads(site: Site) -> None:
    """A run that concerns the fabric only needs no login to Kubernetes, and the reverse; preflight can be switched off."""
    cluster = site.add("one", intent("floating", racks(1, 1)))
    site.run("site", "--tags", "calico", "-e", json.dumps({"aci_calico_apic_password": "{{ vault_apic_password }}"}))
    assert cluster.calls() == []
    cluster.kube.requests.clear()
    site.run("site", "--tags", "aci", "-e", json.dumps({"aci_calico_kube_api_key": "{{ vault_kube_api_key }}"}))
    assert cluster.kube.requests == []
    cluster.apic.log.clear()
    cluster.variables["aci_calico_preflight"] = False
    cluster.kube.requests.clear()
    site.run("site", "--tags", "aci")
    assert not any("topology" in call for call in cluster.calls())
    assert cluster.kube.requests == []


def test_objects_of_another_cluster_in_the_run_are_not_missing(site: Site) -> None:
    """Clusters of a fabric may use each other's contracts; a run without the other cluster lacks the contract."""
    web = {"contracts": [{"name": "web", "filters": ["default"]}]}
    maker = site.add("maker", intent("floating", racks(1, 1), provided_contracts=["web"], **web), kube=False)
    subnets = {"node": ["172.16.0.0/24"], "pod": ["10.9.0.0/16"], "service": ["172.16.4.0/24"], "external_service": []}
    own = {f"{role}_subnets": networks for role, networks in subnets.items()}
    user = intent("floating", racks(1, 1), vlan=301, cluster_asn=65009, consumed_contracts=["web"], **own)
    site.clusters["user"] = Cluster("user", user, maker.apic)
    alone = site.run("site", "--tags", "aci", "--limit", "user", check=False)
    assert found(alone, "user") == {"contract-missing"}
    site.run("site", "--tags", "aci")
    assert '"fvRsCons"' in str(maker.tree()).replace("'", '"')


def test_objects_in_another_fabric_are_missing(site: Site) -> None:
    web = {"contracts": [{"name": "web", "filters": ["default"]}]}
    site.add("maker", intent("floating", racks(1, 1), **web), kube=False)
    site.add("user", intent("floating", racks(1, 1), consumed_contracts=["web"]), kube=False)
    outcome = site.run("site", "--tags", "aci", check=False)
    assert found(outcome, "maker") == set()
    assert found(outcome, "user") == {"contract-missing"}


def test_warning_is_printed_once(site: Site) -> None:
    """Preflight prints it; the role for Calico does where preflight is switched off."""
    cluster = site.add("one", intent("floating", racks(1, 1)))
    peer = {"apiVersion": "crd.projectcalico.org/v1", "kind": "BGPPeer", "metadata": {"name": "somebodys"}}
    cluster.kube.apply([{**peer, "spec": {"peerIP": "10.99.0.1", "asNumber": 65000}}])
    for switch in ("true", "false"):
        outcome = site.run("site", "--tags", "calico", "-e", f"aci_calico_preflight={switch}")
        assert outcome.output.count("BGPPeer/somebodys") == 1


def test_next_controller_is_used_if_the_first_does_not_answer(site: Site) -> None:
    """Preflight and verify accept a list of controllers, as the roles for APIC do."""
    cluster = site.add("one", intent("floating", racks(1, 1)))
    hosts = {"aci_calico_apic_host": ["127.0.0.2", "127.0.0.1"], "aci_calico_verify_timeout": 0}
    site.run("preflight", "-e", json.dumps(hosts))
    assert any("topology" in call for call in cluster.calls())
    cluster.apic.log.clear()
    outcome = site.run("verify", "-e", json.dumps(hosts), check=False)
    assert "0/2 sessions established" in outcome.output
    assert any("bgpDom" in call for call in cluster.calls())
