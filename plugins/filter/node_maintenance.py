# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that take nodes out of service, or back into it. Documented in ``node_maintenance.yml``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.calico import maintenance
from ..plugin_utils.schema.check import plain


def node_maintenance(plan: Any, found: Any, live: Any, nodes: Any, state: str = "begin") -> dict[str, Any]:
    """``maintenance.node_maintenance`` on plain data; ``nodes`` may be one text, as the command line hands it over."""
    names = [name.strip() for name in nodes.split(",")] if isinstance(nodes, str) else plain(nodes)
    try:
        return maintenance.node_maintenance(plain(plan), plain(found), plain(live), names, state == "begin")
    except KeyError as problem:
        raise AnsibleFilterError(
            f"the input is no plan, no Node objects or no state of a cluster: {problem}"
        ) from problem


class FilterModule:
    """Filter plugin of the collection."""

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """Filters by name."""
        return {"node_maintenance": node_maintenance}
