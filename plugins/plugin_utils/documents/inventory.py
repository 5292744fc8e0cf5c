# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a new inventory with one cluster."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

# Hidden, because Ansible reads every other file in an inventory's folder as an inventory.
SCHEMA = ".schema/aci_calico.schema.json"
# Texts that YAML reads as text without quotes.
_PLAIN = re.compile(r"[A-Za-z][\w./:~-]*|\d+(\.\d+){3}(/\d+)?|\d+-\d+|[0-9A-Fa-f:]*::[0-9A-Fa-f:]*/\d+")

HOSTS = """\
---
# One host stands for the cluster. Kubernetes nodes are listed with their racks, in group_vars/{cluster}/main.yml.
aci_calico_clusters:
  hosts:
    {cluster}-cluster:

{cluster}:
  hosts:
    {cluster}-cluster:
"""

CONNECTIONS = """\
# yaml-language-server: $schema=../../{schema}
---
# How to reach APIC and the API servers, for all clusters of this inventory.
# Secrets (vault_*) belong into vault.yml beside this file, each value encrypted by itself:
#   ansible-vault encrypt_string --stdin-name vault_bgp_password
aci_calico_apic_host: {apic} # or a list: the first controller that answers is used
aci_calico_apic_username: ansible
# The name of the user's certificate on APIC, and its private key. Or a password: aci_calico_apic_password.
aci_calico_apic_certificate_name: ansible
aci_calico_apic_private_key: "{{{{ vault_apic_private_key }}}}"
aci_calico_apic_validate_certs: true

aci_calico_kubeconfig: "~/.kube/{{{{ aci_calico_cluster_name }}}}.yml"
"""

CLUSTER = """\
# yaml-language-server: $schema=../../{schema}
---
# The variables that most clusters need. docs/variables.md of the collection lists all.
aci_calico_cluster_name: {cluster}

# The fabric. The tenant, the VRF and the domains{must} must exist, unless aci_calico_manage_tenant and
# aci_calico_manage_access are true. The AS number is that of the fabric's BGP route reflectors.
aci_calico_fabric_asn: {fabric_asn}
aci_calico_tenant: {tenant}
aci_calico_vrf: {vrf}
aci_calico_l3_domain: {l3_domain}
aci_calico_physical_domain: {physical_domain}
aci_calico_router_id_base: 1.1.4.0 # leaf 201 gets 1.1.4.201, unless it has a router ID of its own

# The kind of SVI:
{kinds}
aci_calico_svi: {svi}
aci_calico_vlan: {vlan}
aci_calico_mtu: 9000

# The cluster's network. Subnets must not overlap each other or anything in the VRF.
aci_calico_node_subnets: {node_subnets}
aci_calico_cluster_asn: {cluster_asn} # differs from the fabric's and from every other cluster's
aci_calico_pod_subnets: {pod_subnets} # as installed in Kubernetes and Calico
aci_calico_service_subnets: {service_subnets}
aci_calico_external_service_subnets: [] # addresses of services with externalIPs
aci_calico_load_balancer_subnets: [] # addresses of services of type LoadBalancer
aci_calico_bgp_password: "{{{{ vault_bgp_password }}}}"

# Each rack has one leaf or a pair of leaves. Nodes get addresses in this order, and keep them: see .allocations.
aci_calico_racks:
{racks}"""

KINDS = {
    "floating": "floating has one VLAN and one subnet for all nodes",
    "standard": "standard has a VLAN, a /29 and a vPC for each node",
    "auto": "auto chooses by the white paper's criteria",
}


def inventory_files(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of an inventory, ``{path: text}``.

    :param options: those of the module ``init``: texts and numbers, ``leaves`` a list of integers, subnets lists of texts.
    """
    cluster, svi = options["cluster"], options["svi"]
    must = "" if svi == "floating" else " and a vPC interface policy group vpc-<node> for each node"
    values = {name: _scalar(value) for name, value in options.items()}
    values |= {"schema": SCHEMA, "must": must, "vlan": _scalar(_vlans(options["vlan"], svi))}
    values |= {
        "kinds": "\n".join(f"# - {text}" for text in KINDS.values()),
        "racks": "".join(_racks(options)),
        "cluster": cluster,
    }
    return {
        "hosts.yml": HOSTS.format(**values),
        "group_vars/aci_calico_clusters/connections.yml": CONNECTIONS.format(**values),
        f"group_vars/{cluster}/main.yml": CLUSTER.format(**values),
    }


def _vlans(vlan: str, svi: str) -> str:
    """Return the VLANs: a single one is the first of a hundred where each node needs its own."""
    if svi == "floating" or not vlan.isdecimal():
        return vlan
    return f"{vlan}-{int(vlan) + 99}"


def _racks(options: Mapping[str, Any]) -> Iterable[str]:
    """Yield the lines of each rack: leaves in pairs, and the nodes spread over the racks in order."""
    leaves, count = options["leaves"], options["nodes"]
    pairs = [leaves[first : first + 2] for first in range(0, len(leaves), 2)]
    names = [f"{options['cluster']}-node-{number}" for number in range(1, count + 1)]
    size = -(-count // max(1, len(pairs)))
    for number, pair in enumerate(pairs):
        nodes = ", ".join(names[number * size : (number + 1) * size])
        yield f"  - id: {number + 1}\n    leaves: [{', '.join(map(str, pair))}]\n    nodes: [{nodes}]\n"


def _scalar(value: Any) -> str:
    """Return a value as YAML."""
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    text = str(value)
    return text if text.isdecimal() or _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
