"""What is read from an inventory: which hosts are nodes, and which variables can be resolved."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.netops.aci_calico.plugins.plugin_utils.inventory import Inventory, read_clusters, read_variables

BROKEN = "{{ nowhere }}"


class Host(dict):
    """The variables of a host, resolved when they are read."""

    def __getitem__(self, name: str) -> Any:
        return resolve(super().__getitem__(name))


def resolve(value: Any) -> Any:
    if value == BROKEN:
        raise AnsibleError("'nowhere' is\nundefined")
    return value


def inventory(**hosts: dict[str, Any]) -> Inventory:
    """An inventory with two clusters, ``one`` and ``two``; hosts are nodes of ``one``."""
    own = {"one": {"aci_calico_mtu": 9000}, "two": {"aci_calico_mtu": BROKEN, "aci_calico_vrf": "v"}, **hosts}
    groups = {
        "all": list(own),
        "aci_calico_clusters": ["one", "two"],
        "k8s_one": ["one", *hosts],
        "site": ["one", "two", "router"],
    }
    task_vars = {
        **own["one"],
        "inventory_hostname": "one",
        "groups": groups,
        "hostvars": {name: Host(variables) for name, variables in own.items()},
    }
    return Inventory(task_vars, type("Templar", (), {"template": staticmethod(resolve)}))


def test_hosts_of_a_group_with_this_cluster_alone_are_nodes():
    nodes, problems = inventory(a={"aci_calico_rack": 1, "aci_calico_vrf": BROKEN, "other": 1}).node_hosts()
    assert nodes == {"a": {"aci_calico_rack": 1, "aci_calico_vrf": None}}, "the names of what is no node's own"
    assert problems == []


def test_a_host_is_named_with_what_cannot_be_resolved():
    _nodes, (problem,) = inventory(a={"aci_calico_rack": BROKEN}).node_hosts()
    assert (problem.id, problem.path) == ("unresolved-variable", "hosts.a.aci_calico_rack")
    assert problem.problem.endswith("'nowhere' is undefined")


def test_what_is_wrong_with_another_cluster_is_left_to_its_own_plan():
    (two,) = read_clusters(inventory()._vars, ["aci_calico_mtu", "aci_calico_vrf"], but="one")
    assert (two.host, two.values) == ("two", {"aci_calico_vrf": "v"})


def test_a_secret_and_a_connection_need_not_be_readable():
    names = ["aci_calico_bgp_password", "aci_calico_kubeconfig", "aci_calico_mtu"]
    found = read_variables(names, lambda _name: resolve(BROKEN))
    assert found.unreadable == set(names)
    assert [problem.path for problem in found.problems] == ["aci_calico_mtu"]


def test_a_registered_result_is_no_variable_of_the_cluster():
    one = inventory()
    one._vars = {**one._vars, "aci_calico_planned": {}, "aci_calico_pushed": {}, "aci_calico_typo": 1}
    assert one.read_cluster().values == {"aci_calico_mtu": 9000, "aci_calico_typo": 1}
