# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marks, labels, annotations and API groups. Each is defined here and nowhere else."""

from __future__ import annotations

# --- APIC ------------------------------------------------------------------------------------------------------------

# The annotation of an object that clusters share.
SHARED = "orchestrator:aci-calico"
# The key of the tag that holds the values of an adopted object before its adoption; removal restores them.
BEFORE_ADOPTION = "aci-calico:before-adoption"
# The tenant that exists in every fabric and whose objects all tenants can use.
COMMON = "common"
# The keys of the tags that say which run changes a cluster at present.
LEASE_PREFIX = "aci-calico-lease:"


def owner_of(cluster: str) -> str:
    """Return the annotation of a cluster's own objects, which is also the key of its tag on shared objects."""
    return f"{SHARED}:{cluster}"


# --- Kubernetes and Calico -------------------------------------------------------------------------------------------

CALICO_V3 = "projectcalico.org/v3"
CALICO_V1 = "crd.projectcalico.org/v1"
CALICO_GROUPS = (CALICO_V3, CALICO_V1)
RBAC_GROUP = "rbac.authorization.k8s.io"
# The Tigera operator's group, with the Installation that configures Calico; Helm's group, by which RKE2 installs the operator.
OPERATOR_V1 = "operator.tigera.io/v1"
HELM_V1 = "helm.cattle.io/v1"

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "netops.aci_calico"
CLUSTER_LABEL = "netops.aci-calico/cluster"
# Kubernetes checks that the label is present (kubeadm leaves it empty on control plane nodes); Calico, which advertises the
# services, requires the value `true`.
EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
EXCLUDED = "true"
SERVICE_NAME_LABEL = "kubernetes.io/service-name"

ASN_ANNOTATION = "projectcalico.org/ASNumber"
ADDRESS_ANNOTATIONS = {"ipv4": "projectcalico.org/IPv4Address", "ipv6": "projectcalico.org/IPv6Address"}
# The values that a pool or the BGP configuration had before the first push; teardown restores them.
BEFORE_ANNOTATION = "netops.aci-calico/before"
# The state of a node before its maintenance, which the end of the maintenance restores.
BEFORE_MAINTENANCE_ANNOTATION = "netops.aci-calico/before-maintenance"
# The leaves of a node that are out for maintenance; it must keep a session with another one.
LEAVES_OUT_ANNOTATION = "netops.aci-calico/leaves-in-maintenance"
# The beginnings of the annotations that concern Calico and this collection.
ANNOTATIONS = ("projectcalico.org/", "netops.aci-calico/")

# The object that says which run changes the cluster at present, and the annotation with its content.
LEASE_GROUP = "coordination.k8s.io"
LEASE_NAME = "netops-aci-calico"
LEASE_ANNOTATION = "netops.aci-calico/lease"

# --- secrets ---------------------------------------------------------------------------------------------------------

# Stands for the BGP password in trees and manifests until they are sent.
PASSWORD_MARKER = "<secret:bgp_password>"
# What the second key of the Secret ends with, which has the new password during a rotation.
NEXT_SUFFIX = "-next"
# Stands for a secret in diffs and messages.
HIDDEN = "(hidden)"
