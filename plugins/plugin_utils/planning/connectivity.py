# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan's external EPGs, contracts and transit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..intent.connectivity import (
    Connectivity,
    Contract,
    EpgContracts,
    ExternalEpg,
    Relations,
    Transit,
    cluster_contract,
    read_connectivity,
)
from ..intent.intent import Intent
from ..schema.addressing import by_family
from ..schema.formats import FilterEntry


def plan_connectivity(intent: Intent, held: Mapping[str, Mapping[str, list[str]]]) -> dict[str, Any]:
    """Return the plan's ``external_epgs``, ``contracts``, ``epg_contracts`` and ``transit`` (docs/development/plan.md).

    :param held: the subnets by family of the cluster's external EPG in each L3Out, the first L3Out first.
    """
    wanted = read_connectivity(intent)
    return {
        "external_epgs": _plan_external_epgs(intent, wanted, held),
        "contracts": [_plan_contract(contract) for contract in wanted.contracts],
        "epg_contracts": _plan_epg_contracts([*wanted.epg_contracts, *(one.epg for one in wanted.transit)]),
        "transit": [_plan_transit(wanted, one) for one in wanted.transit],
    }


def _plan_relations(relations: Relations) -> dict[str, list[str]]:
    keys = ("provides", "consumes", "consumes_interfaces")
    return {key: [one.name for one in named] for key, named in zip(keys, relations.lists(), strict=True)}


def _plan_external_epgs(
    intent: Intent, wanted: Connectivity, held: Mapping[str, Mapping[str, list[str]]]
) -> list[dict[str, Any]]:
    """Return the cluster's external EPG, one in each L3Out with the same contracts, then the microsegments, in the first.

    A contract joins several L3Outs. It also brings the prefixes of each to the leaves of the others.
    """
    own, *microsegments = wanted.external_epgs
    epgs = [_plan_external_epg(own, l3out, [prefix for family in by.values() for prefix in family]) for l3out, by in held.items()]
    first = next(iter(held))
    epgs += [_plan_external_epg(epg, first, [str(subnet.network) for subnet in epg.subnets]) for epg in microsegments]
    if len(held) > 1:
        for epg in epgs:
            epg["provides"].append(cluster_contract(intent))
            epg["consumes"].append(cluster_contract(intent))
    return epgs


def _plan_external_epg(epg: ExternalEpg, l3out: str, prefixes: Iterable[str]) -> dict[str, Any]:
    subnets = [{"prefix": prefix, "scope": sorted(epg.scopes)} for prefix in prefixes]
    return {"name": epg.name, "l3out": l3out, "subnets": subnets, **_plan_relations(epg.relations)}


def _plan_contract(contract: Contract) -> dict[str, Any]:
    return {
        "tenant": contract.tenant,
        "name": contract.name,
        "scope": contract.scope,
        "filters": [{"name": one.name, "entries": [_plan_entry(entry) for entry in one.entries]} for one in contract.filters],
        "service_graph": contract.service_graph,
        "export_to": [tenant.name for tenant in contract.export_to],
    }


def _plan_entry(entry: FilterEntry) -> dict[str, Any]:
    return {"protocol": entry.protocol, "ports": list(entry.ports) if entry.ports else None}


def _plan_epg_contracts(entries: Iterable[EpgContracts]) -> list[dict[str, Any]]:
    """Return one entry for each EPG, however often it is named."""
    keys = ("tenant", "application_profile", "epg", "l3out", "external_epg")
    by_target: dict[tuple[str | None, ...], dict[str, Any]] = {}
    for entry in entries:
        if not entry.relations:
            continue
        planned = by_target.setdefault(
            entry.target, {**dict(zip(keys, entry.target, strict=True)), **_plan_relations(Relations())}
        )
        for key, names in _plan_relations(entry.relations).items():
            planned[key] += [name for name in names if name not in planned[key]]
    return list(by_target.values())


def _plan_transit(wanted: Connectivity, transit: Transit) -> dict[str, Any]:
    return {
        "tenant": transit.tenant,
        "l3out": transit.l3out,
        "order": transit.order,
        "outside": by_family(subnet.network for subnet in transit.subnets),
        "inside": by_family(subnet.network for subnet in wanted.transit_subnets),
    }
