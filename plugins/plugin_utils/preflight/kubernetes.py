# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of Kubernetes before a push: the checks of the push itself, node addresses, BGP and rights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...module_utils.names import ADDRESS_ANNOTATIONS, LEASE_GROUP, LEASE_NAME, RBAC_GROUP
from ..calico.installers import in_words
from ..calico.manifests import ROLE_NAME
from ..calico.protection import threats
from ..calico.push import kubernetes_problems
from ..schema.problems import Problem

# The networking backend of calico-node that runs BGP.
BGP_BACKEND = "bird"
# The resource that lists the user's own rights.
RIGHTS_REVIEW = "selfsubjectrulesreviews"
# What is unknown without a request, by a part of its path.
UNCHECKED = {
    RIGHTS_REVIEW: "extent of the user's rights",
    "/configmaps/": "backend of calico-node",
    "/api/v1/pods": "number of pods of each pool",
}


def cluster_problems(plan: dict, found: dict, **choices: Any) -> list[Problem]:
    """Return the problems that prevent a plan from being pushed or from working, and warnings.

    :param found: what ``netops.aci_calico.calico_info`` returned as ``calico``, with its ``checks``.
    :param choices: the fields of ``calico.push.Choices``.
    """
    own = (problem for rule in RULES for problem in rule(plan, found))
    return [*kubernetes_problems(plan, found, **choices), *own]


def node_addresses(plan: dict, found: dict) -> Iterator[Problem]:
    """Check that nodes have the planned addresses."""
    holders = {address: name for name, node in found["nodes"].items() for address in _addresses(node)}
    for node in plan["nodes"]:
        known = _addresses(found["nodes"].get(node["name"], {}))
        for family, network in node["networks"].items():
            planned = network["address"].split("/")[0]
            other = holders.get(planned)
            own = [address for address in known if (":" in address) == (family == "ipv6")]
            if other not in (None, node["name"]):
                yield Problem(
                    "node-address-taken",
                    f"Node/{node['name']}",
                    f"Its planned address {planned} belongs to node {other}",
                    f"Pin the addresses of both nodes as they are ({', '.join(own) or 'kubectl get nodes -o wide'}), or change them on the nodes.",
                )
            elif own and planned not in own:
                yield Problem(
                    "node-address-differs",
                    f"Node/{node['name']}",
                    f"It has {', '.join(own)}, and the plan {planned}: without the planned address no session comes up",
                )


def _addresses(node: dict) -> list[str]:
    """Return the addresses from the kubelet and from calico-node."""
    found = (node.get("annotations", {}).get(name, "").split("/")[0] for name in ADDRESS_ANNOTATIONS.values())
    return list(dict.fromkeys([*node.get("addresses", ()), *filter(None, found)]))


def bgp_backend(_plan: dict, found: dict) -> Iterator[Problem]:
    """Check that calico-node runs BGP."""
    if found["backend"] not in (None, "", BGP_BACKEND):
        yield Problem(
            "calico-without-bgp", "DaemonSet/calico-node", f"Its networking backend is {found['backend']}: Calico runs no BGP"
        )


def protection(plan: dict, found: dict) -> Iterator[Problem]:
    """Check that no setting of calico-node or Calico undoes the plan."""
    for threat in threats(plan, found):
        yield Problem(threat.id, threat.path, threat.text, threat.remedy)


def unchecked(_plan: dict, found: dict) -> Iterator[Problem]:
    """Say which of these checks Kubernetes does not allow."""
    for failure in found["unchecked"]:
        what = next((text for part, text in UNCHECKED.items() if part in failure["path"]), "installation of Calico")
        yield Problem("not-checked", failure["path"], f"{failure['status']}: {failure['message']}. The {what} is unknown")
    known = found["rights"] is not None or any(failure["path"].endswith(RIGHTS_REVIEW) for failure in found["unchecked"])
    if found["namespace"] and not known:
        yield Problem(
            "not-checked",
            "aci_calico_kubeconfig",
            "Kubernetes does not list all rights of the user, as with a webhook authorizer: they cannot be checked",
            "Compare the user's rights with docs/examples/rbac.yml.",
        )


def rights(plan: dict, found: dict) -> Iterator[Problem]:
    """Check that the user of the connection has the rights that the roles need."""
    if found["rights"] is None or not found["api_group"]:
        return
    missing = [
        f"{verb} {resource}{f'.{group}' if group else ''}{f' {name}' if name else ''}"
        for group, resource, verbs, name in _needed(plan, found["api_group"].partition("/")[0])
        for verb in verbs
        if not any(_allows(rule, group, resource, verb, name) for rule in found["rights"])
    ]
    if missing:
        yield Problem(
            "rights-missing",
            "aci_calico_kubeconfig",
            f"The user of the connection lacks these rights: {', '.join(missing)} (namespace {found['namespace']})",
        )


def _needed(plan: dict, calico: str) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Yield API group, resource, verbs, and the name if the right is needed for one object only."""
    yield "", "nodes", ("patch",), ""
    yield calico, "ippools", ("create", "patch"), ""
    yield calico, "bgpconfigurations", ("create", "patch"), ""
    yield calico, "bgppeers", ("create", "patch", "delete"), ""
    if plan["calico"]["bgp_filter"]:
        yield calico, "bgpfilters", ("create", "patch", "delete"), ""
    yield "", "secrets", ("create",), ""
    yield "", "secrets", ("patch", "delete"), plan["calico"]["secret"]["name"]
    for resource in ("roles", "rolebindings"):
        yield RBAC_GROUP, resource, ("create",), ""
        yield RBAC_GROUP, resource, ("patch", "delete"), ROLE_NAME
    # A user can only grant calico-node rights that the user has.
    yield "", "secrets", ("get", "list", "watch"), plan["calico"]["secret"]["name"]
    yield LEASE_GROUP, "leases", ("create",), ""
    yield LEASE_GROUP, "leases", ("get", "update", "delete"), LEASE_NAME


def _allows(rule: dict, group: str, resource: str, verb: str, name: str) -> bool:
    names = rule.get("resourceNames") or []
    wanted = (("apiGroups", group), ("resources", resource), ("verbs", verb))
    return all({"*", value} & set(rule.get(key) or ()) for key, value in wanted) and (not names or name in names)


RULES = (node_addresses, bgp_backend, protection, unchecked, rights)


def calico_mode(found: dict) -> str:
    """Describe how Calico runs in one line: API group, namespace, backend, and the encapsulation of each pool."""
    pools = [obj for obj in found["objects"] if obj["kind"] == "IPPool"]
    listed = ", ".join(f"{pool['metadata']['name']} {_encapsulation(pool['spec'])}" for pool in pools) or "none"
    return f"{in_words(found)}; {found['api_group']} in {found['namespace']}, backend {found['backend'] or 'unknown'}, pools: {listed}"


def _encapsulation(spec: dict) -> str:
    for kind, name in (("ipipMode", "IP-in-IP"), ("vxlanMode", "VXLAN")):
        if spec.get(kind, "Never") != "Never":
            return f"{spec['cidr']} with {name}"
    return f"{spec['cidr']} without encapsulation"
