"""Whatever people write: problems or a plan, never an exception, and no secret in either."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, variables

from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.compile import compile_cluster
from ansible_collections.netops.aci_calico.plugins.plugin_utils.planning.neighbours import Neighbours
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.problems import render
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.variables import CLUSTER_VARIABLES, NODE_VARIABLES, SECRETS

WORDS = [
    "", "1", "-1", "300-310", "300-", "node-1", "node-2", "192.168.2.0/24", "192.168.2.7", "fd00::/64", "fd00::1", "10.0.0.0/8",
    "0.0.0.0/0", "auto", "standard", "floating", "yes", "[", "{}", "{node}", "{", "a b", "é", "\x00", "rack-1", "1e9", "٣", "all", "svi",
]  # fmt: skip
KEYS = ["id", "leaves", "nodes", "name", "slot", "address", "addresses", "vlan", "vpc", "router_id", "pod", "leafs", "anchor-leaves"]  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**70) | st.integers(0, 400) | st.floats() | st.sampled_from(WORDS) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5),
    max_leaves=15,
)  # fmt: skip
names = st.sampled_from(sorted(CLUSTER_VARIABLES)) | st.sampled_from(["aci_calico_vlna", "other"])
node_names = st.sampled_from(sorted(NODE_VARIABLES)) | st.just("aci_calico_rak")


def outcome_of(own: dict[str, Any], **options: Any) -> None:
    outcome = compile_cluster(own, "prod1", **options)
    assert outcome.plan or outcome.problems
    assert render("prod1", outcome.problems)
    if outcome.plan:
        assert json.loads(json.dumps(outcome.plan)) == outcome.plan


@settings(max_examples=80)
@example(changes={"aci_calico_nics": [None, None]}, base=FLOATING)
@given(changes=st.dictionaries(names, values, max_size=4), base=st.sampled_from([FLOATING, STANDARD, {}]))
def test_no_value_of_any_variable_raises(changes, base):
    outcome_of({**base, **changes})


@settings(max_examples=20)
@given(racks=st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "leaves", "nodes", "pod"), values)), max_size=3))
def test_no_racks_raise(racks):
    for base in (FLOATING, STANDARD):
        outcome_of({**base, "aci_calico_racks": racks})


@settings(max_examples=40)
@given(
    hosts=st.dictionaries(st.sampled_from(["a", "b", "C c"]), st.dictionaries(node_names, values, max_size=4), max_size=3),
    neighbour=st.dictionaries(names, values, max_size=4),
)
def test_no_hosts_and_neighbours_raise(hosts, neighbour):
    outcome_of(STANDARD, node_hosts=hosts, neighbours=Neighbours.read({"other": variables(STANDARD) | neighbour}))


@settings(max_examples=20)
@given(
    shape=st.sampled_from([str, lambda text: [text], lambda text: {"key": text}, lambda text: text + " ", lambda text: text * 9])
)
def test_no_secret_is_shown(shape):
    for name in SECRETS:
        outcome = compile_cluster({**FLOATING, name: shape("S3cr3tMarker")}, "prod1")
        assert "S3cr3tMarker" not in render("prod1", outcome.problems) + json.dumps(outcome.plan)
