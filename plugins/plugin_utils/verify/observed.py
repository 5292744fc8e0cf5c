# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was read from a cluster, in the words that the verification asks in."""

from __future__ import annotations

import re


class Kubernetes:
    """What the modules ``calico_info`` (configuration) and ``calico_state`` (live state) returned.

    :param info: the ``calico`` of the module ``calico_info``.
    :param state: the ``state`` of the module ``calico_state``; what it could not read is None.
    """

    def __init__(self, info: dict, state: dict) -> None:
        self.api_group = info["api_group"]
        self.namespace = info["namespace"]
        self.nodes = info["nodes"]
        self.password_matches = info["password_matches"]
        self.failures = [*info["failures"], *state["failures"]]
        self.blocks = state["blocks"]
        self.local_services = state["local_services"]
        self.excluded = frozenset(state["excluded"])
        self.requested = state["status"] is not None
        self._ready = state["ready"]
        self._status = state["status"] or {}
        self._objects: dict[str, dict[str, dict]] = {}
        for obj in info["objects"]:
            self._objects.setdefault(obj["kind"], {})[obj["metadata"]["name"]] = obj

    def of_kind(self, kind: str) -> dict[str, dict]:
        """The objects of a kind by name."""
        return self._objects.get(kind, {})

    def ready(self, node: str) -> bool | None:
        """Whether the node is ready; None when Kubernetes does not say."""
        return self._ready.get(node)

    def labels(self, node: str) -> dict:
        """The labels of a node, none for one that is not there."""
        return self.nodes.get(node, {}).get("labels", {})

    def reports(self, node: str) -> bool:
        """Whether the node's BGP daemon reports through a CalicoNodeStatus."""
        return node in self._status

    def peers_of(self, node: str) -> dict[str, dict] | None:
        """``{peer address: {"state": …, "type": …}}`` as the node's BGP daemon reports them, None without a report."""
        return self._status[node]["peers"] if node in self._status else None

    def routes_of(self, node: str) -> list[dict] | None:
        """The routes that the node's BGP daemon reports, each with destination, source, peer and interface."""
        return self._status[node]["routes"] if node in self._status else None


_TERM = re.compile(
    r"""\s*(?:(?P<all>all\(\))|(?P<not>!?)has\((?P<has>[\w./-]+)\)|(?P<key>[\w./-]+)\s*(?P<op>==|!=)\s*(?P<q>["'])(?P<value>.*?)(?P=q))\s*"""
)


def selects(selector: str, labels: dict) -> bool | None:
    """Whether one of Calico's selectors takes in an object with these labels.

    :returns: None for a selector that is more than terms joined by ``&&``: nothing is claimed about it.
    """
    results = []
    for text in selector.split("&&") if selector else ["all()"]:
        term = _TERM.fullmatch(text)
        if not term:
            return None
        if term["all"]:
            results.append(True)
        elif term["has"]:
            results.append((term["has"] in labels) != bool(term["not"]))
        else:
            results.append((labels.get(term["key"]) == term["value"]) == (term["op"] == "=="))
    return all(results)
