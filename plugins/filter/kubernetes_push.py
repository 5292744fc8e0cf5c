# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that bring a cluster to its plan. Documented in ``kubernetes_push.yml``."""

from __future__ import annotations

from ansible_collections.netops.aci_calico.plugins.plugin_utils.kubernetes_push import kubernetes_push


class FilterModule:
    """Filter plugin of the collection."""

    def filters(self) -> dict:
        """Filters by name."""
        return {"kubernetes_push": kubernetes_push}
