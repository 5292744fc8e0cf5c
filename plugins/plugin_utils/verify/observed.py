# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of Kubernetes as the verification uses it."""

from __future__ import annotations

import re

from ..calico.joined import joined_nodes


class Kubernetes:
    """The results of the modules ``calico_info`` (configuration) and ``calico_state`` (live state).

    :param info: the ``calico`` of the module ``calico_info``.
    :param state: the ``state`` of the module ``calico_state``; a part that it could not read is None.
    """

    def __init__(self, info: dict, state: dict) -> None:
        self.info = info
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
        """Return the objects of a kind by name."""
        return self._objects.get(kind, {})

    def pending(self, plan: dict) -> list[str]:
        """Return the planned nodes that are not in Kubernetes; none if the nodes could not be read."""
        if any(failure["path"] == "/api/v1/nodes" for failure in self.failures):
            return []
        return [node["name"] for node in plan["nodes"] if node["name"] not in self.nodes]

    def joined(self, plan: dict) -> list[dict]:
        """Return the nodes that joined by themselves, in the form of the plan's nodes."""
        return joined_nodes(plan, self.info)

    def ready(self, node: str) -> bool | None:
        """Return whether the node is ready; None if Kubernetes does not report it."""
        return self._ready.get(node)

    def labels(self, node: str) -> dict:
        """Return the labels of a node, none for one that does not exist."""
        return self.nodes.get(node, {}).get("labels", {})

    def reports(self, node: str) -> bool:
        """Return whether the node's BGP daemon reports through a CalicoNodeStatus."""
        return node in self._status

    def peers_of(self, node: str) -> dict[str, dict] | None:
        """Return ``{peer address: {"state": …, "type": …}}`` from the node's BGP daemon, None without a report."""
        return self._status[node]["peers"] if node in self._status else None

    def routes_of(self, node: str) -> list[dict] | None:
        """Return the routes of the node's BGP daemon with destination, source, peer and interface, None without a report."""
        return self._status[node]["routes"] if node in self._status else None


_TERM = re.compile(
    r"""\s*(?:(?P<all>all\(\))|(?P<not>!?)has\((?P<has>[\w./-]+)\)|(?P<key>[\w./-]+)\s*(?P<op>==|!=)\s*(?P<q>["'])(?P<value>.*?)(?P=q))\s*"""
)


def selects(selector: str, labels: dict) -> bool | None:
    """Return whether a selector of Calico selects an object with these labels.

    :returns: None for a selector that is not a list of terms joined by ``&&``.
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
