# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan and what follows from it, as filters: thin shells over ``plugin_utils``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.apic import tree as apic
from ..plugin_utils.calico import manifests as kubernetes
from ..plugin_utils.documents import nodes as node_network
from ..plugin_utils.documents import plan as documents
from ..plugin_utils.documents import table
from ..plugin_utils.planning import peering, standalone
from ..plugin_utils.schema.addressing import require_netaddr
from ..plugin_utils.schema.check import plain
from ..plugin_utils.schema.problems import IntentError


def _shell(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a filter: plain data in, and mistakes as Ansible's errors."""

    def run(value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            require_netaddr()
            return function(plain(value), *map(plain, args), **{name: plain(arg) for name, arg in kwargs.items()})
        except (IntentError, RuntimeError, TypeError, ValueError) as problem:
            raise AnsibleFilterError(str(problem)) from problem
        except KeyError as problem:
            raise AnsibleFilterError(f"the input is no plan: it lacks {problem}") from problem

    return run


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """All filters by name."""
        functions: dict[str, Callable[..., Any]] = {
            "apic_roots": apic.apic_roots,
            "apic_tree": apic.apic_tree,
            "cluster_plan": standalone.cluster_plan,
            "floating_svi_plan": standalone.floating_svi_plan,
            "kubernetes_objects": kubernetes.kubernetes_objects,
            "node_network": node_network.node_network,
            "plan_document": documents.plan_document,
            "plan_summary": documents.plan_summary,
            "plan_to_table": table.plan_to_table,
            "rack_peer_map": peering.rack_peer_map,
            "racks_from_table": table.racks_from_table,
            "secondary_ip": standalone.secondary_ip,
            "svi_advice": documents.svi_advice,
            "standard_svi_plan": standalone.standard_svi_plan,
        }
        return {name: _shell(function) for name, function in functions.items()}
