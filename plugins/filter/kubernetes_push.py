# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that bring a cluster to its plan. Documented in ``kubernetes_push.yml``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.calico import push as kubernetes_push
from ..plugin_utils.schema.check import plain


def push(plan: Any, found: Any, **options: Any) -> dict[str, Any]:
    """``kubernetes_push`` on plain data."""
    try:
        return kubernetes_push.kubernetes_push(plain(plan), plain(found), **plain(options))
    except KeyError as problem:
        raise AnsibleFilterError(f"the input is no plan, or no result of calico_info: it lacks {problem}") from problem


class FilterModule:
    """Filter plugin of the collection."""

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kubernetes_push": push}
