# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the clusters of the inventory once for all plans of a run, and require one among the hosts of the play."""

from __future__ import annotations

from typing import Any

from ..plugin_utils.actions import ClusterAction, Refused
from ..plugin_utils.inventory import CLUSTERS
from ..plugin_utils.inventory_files import read_inventory

NO_CLUSTER = (
    f"No host of this run is in the group {CLUSTERS}, so there is nothing to do. Check the inventory (-i) and the limit"
    " (--limit): each cluster is a host of that group."
)


class ActionModule(ClusterAction):
    """See plugins/modules/clusters.py."""

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return what the plans need to know of each other."""
        clusters = {*self.task_vars["groups"].get(CLUSTERS, ())}
        if clusters.isdisjoint(self.task_vars["ansible_play_hosts_all"]):
            raise Refused(NO_CLUSTER)
        # Verbose output does not show the result.
        return {"clusters": read_inventory(self.task_vars), "_ansible_verbose_override": True}
