"""The index of an inventory's clusters finds every neighbour that the rules for two clusters would object to."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, racks, variables

from ansible_collections.netops.aci_calico.plugins.plugin_utils.intent.check import check_neighbours
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.neighbours import Neighbours, _read, index_clusters
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.variables import SECRETS

CONTRACT = {"name": "dns", "filters": [{"name": "dns", "entries": [{"protocol": "udp", "port": 53}]}]}
CABLED = [{"name": "a", "interfaces": ["1/1"]}, {"name": "b", "interfaces": ["1/2"]}]
# Of each variable, two values or more that are or are not in conflict with each other.
CHOICES: dict[str, list[Any]] = {
    "cluster_name": ["prod1", "prod2"],
    "l3out": ["calico-prod1", "wan", None],
    "tenant": ["k8s", "other"],
    "vrf": ["calico", "other"],
    "apic_host": [["apic1"], ["apic2"], ["apic1", "apic2"], None],
    "apic_port": [443, None],
    "svi": ["floating", "standard"],
    "vlan": ["300-310", 300, "305-320", 400],
    "vlan_pool": ["pool", None],
    "manage_access": [True, False],
    "l3_domain": ["l3", "l3b"],
    "node_subnets": [["192.168.2.0/24"], ["192.168.2.0/25", "fd00:1::/64"], ["172.16.2.0/24"]],
    "pod_subnets": [["10.1.0.0/16"], ["10.1.64.0/18"], ["10.2.0.0/16", "fd00::/48"]],
    "service_subnets": [["172.20.0.0/16"], ["172.21.0.0/16"]],
    "external_service_subnets": [["172.22.0.0/24"], ["172.22.0.0/16"]],
    "microsegments": [[{"name": "dmz", "subnets": ["10.1.64.0/20"]}], [{"name": "dmz", "subnets": ["10.2.64.0/20"]}], None],
    "contracts": [[CONTRACT], [{**CONTRACT, "scope": "global"}], None],
    "transit": [[{"l3out": "wan", "subnets": ["0.0.0.0/0"]}], None],
    "bgp_keepalive": [3, 5],
    "bgp_timers_policy": ["wan", None],
    "bgp_ecmp_ebgp": [16, 32, "refused"],
    "racks": [
        racks(["x"], ["y"]),
        [{"id": 1, "leaves": [201, {"id": 202, "router_id": "9.9.9.9"}], "nodes": CABLED}],
        [{"id": 7, "leaves": [301, {"id": 302, "router_id": "1.1.4.201"}], "nodes": [*CABLED, {"name": "c", "vlan": 305}]}],
        "refused",
    ],
}
clusters = st.builds(
    lambda base, changes: variables(base, **changes),
    st.sampled_from([FLOATING, STANDARD]),
    st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in CHOICES.items()}),
)


@settings(max_examples=40)
@given(st.lists(clusters, min_size=2, max_size=3))
def test_the_index_finds_what_comparing_all_pairs_finds(inventory):
    by_host = {f"host{number}": values for number, values in enumerate(inventory)}
    index = json.loads(json.dumps(index_clusters(by_host)))
    intents = {host: _read(values, host) for host, values in by_host.items()}
    for host, intent in intents.items():
        others = [other for name, other in intents.items() if name != host]
        assert check_neighbours(intent, Neighbours(index, host).in_conflict(intent)) == check_neighbours(intent, others)
        on_fabric = [other for other in others if intent.shares_fabric(other)]
        found = Neighbours(index, host).others(intent)
        assert found.floating_addresses == sum(
            len(other.families) * len(other.l3outs) or len(other.families) for other in on_fabric if other.kind == "floating"
        )
        assert found.l3outs == sum(len(other.l3outs) or 1 for other in on_fabric)
        for leaf in intent.leaves:
            racks_ = [(other, rack) for other in on_fabric for rack in other.racks for one in rack.leaves if one.id == leaf.id]
            assert found.sessions[leaf.id] == sum(len(rack.nodes) * len(other.families) for other, rack in racks_)


def test_clusters_that_get_along_are_not_looked_at_again():
    apart = {
        f"host{number}": variables(
            FLOATING,
            cluster_name=f"prod{number}",
            vlan=300 + number,
            node_subnets=[f"172.16.{number}.0/24"],
            pod_subnets=[f"10.{number}.0.0/16"],
            service_subnets=[f"172.17.{number}.0/24"],
            external_service_subnets=[f"172.18.{number}.0/24"],
            contracts=[CONTRACT],
        )
        for number in range(5)
    }
    index = index_clusters(apart)
    for host, values in apart.items():
        assert Neighbours(index, host).in_conflict(_read(values, host)) == []


def test_the_index_holds_no_secret():
    secrets = dict.fromkeys(SECRETS, "S3cr3tMarker")
    assert "S3cr3tMarker" not in json.dumps(index_clusters({"one": {**FLOATING, **secrets, "other": "S3cr3tMarker"}}))
