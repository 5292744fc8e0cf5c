"""A cluster that is as planned on both sides, in which tests change one thing as somebody else."""

from __future__ import annotations

import copy
from typing import Any

from unit.plugin_utils.sample_plans import FLOATING, plan_of

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_tree, flat
from ansible_collections.netops.aci_calico.plugins.plugin_utils.comparison import _found
from ansible_collections.netops.aci_calico.plugins.plugin_utils.drift import differences, origin
from ansible_collections.netops.aci_calico.plugins.plugin_utils.drift.differences import Difference
from ansible_collections.netops.aci_calico.plugins.plugin_utils.drift.report import as_data, judge

OUT = "uni/tn-common/out-calico-prod1"
SVI = f"{OUT}/lnodep-rack-1/lifp-rack-1-ipv4/vlifp-[topology/pod-1/node-201]-[vlan-300]"
PEER = "BGPPeer/aci-leaf-201"


class Deployed:
    """Both sides: ``objects`` of APIC, ``calico`` of Kubernetes, and what both note of changes."""

    def __init__(self, base: dict[str, Any] = FLOATING, **changes: Any) -> None:
        self.plan = plan_of(base, **changes)
        self.objects: dict[str, dict[str, Any]] = copy.deepcopy(dict(flat(apic_tree(self.plan), tags=True)))
        for one in self.objects.values():
            one["attributes"].setdefault("lcOwn", "local")
        self.calico = copy.deepcopy(_found(self.plan))
        self.records: dict[str, dict[str, Any]] = {}
        self.managers: dict[str, list[dict[str, Any]]] = {}

    def note(self, user: str, dn: str, ind: str, change: str = "", time: str = "2026-01-02T03:04:05.000+00:00") -> None:
        """Note a change in APIC's audit log."""
        number = str(len(self.records))
        attributes = {"affected": dn, "user": user, "ind": ind, "changeSet": change, "created": time, "id": number}
        self.records[f"subj-[{dn}]/mod-{number}"] = {"class": "aaaModLR", "attributes": attributes}

    def add(self, dn: str, cls: str, **attributes: str) -> None:
        """Put an object on APIC."""
        self.objects[dn] = {"class": cls, "attributes": {"annotation": "", "uid": "15374", "lcOwn": "local", **attributes}}

    def held(self, title: str) -> dict[str, Any]:
        """Return an object of Kubernetes."""
        kind, name = title.split("/")
        return next(one for one in self.calico["objects"] if (one["kind"], one["metadata"]["name"]) == (kind, name))

    def found(self) -> list[Difference]:
        """Return the differences, judged."""
        on_apic = differences.on_apic(self.plan, self.objects).differences
        origin.on_apic(on_apic, self.records, self.objects)
        in_kubernetes = differences.in_kubernetes(self.plan, self.calico).differences
        origin.in_kubernetes(in_kubernetes, self.managers)
        judge([*on_apic, *in_kubernetes], {"apic": ["ansible"], "kubernetes": ["OpenAPI-Generator"]})
        return [*on_apic, *in_kubernetes]

    def report(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return as_data(self.plan["cluster"], self.found())
