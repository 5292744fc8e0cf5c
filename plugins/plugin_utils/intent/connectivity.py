# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""External EPGs, contracts and transit L3Outs, read from the intent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..schema.formats import FilterEntry
from ..schema.option import INVALID
from .intent import SUBNET_ROLES, Intent, Subnet

# The scopes of a subnet that classify traffic into its EPG. The others concern routes.
SECURITY_SCOPES = ("import-security", "shared-security")


@dataclass(frozen=True)
class Named:
    """A name, and the path where the user wrote it."""

    name: str
    path: str


@dataclass(frozen=True)
class Relations:
    """The contracts of an EPG."""

    provides: tuple[Named, ...] = ()
    consumes: tuple[Named, ...] = ()
    consumes_interfaces: tuple[Named, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.provides or self.consumes or self.consumes_interfaces)

    def lists(self) -> tuple[tuple[Named, ...], ...]:
        """The three lists."""
        return self.provides, self.consumes, self.consumes_interfaces


@dataclass(frozen=True)
class ExternalEpg:
    """An external EPG of the cluster's L3Out."""

    name: str
    path: str
    subnets: tuple[Subnet, ...]
    scopes: tuple[str, ...]
    relations: Relations


@dataclass(frozen=True)
class Filter:
    """A filter of a contract. Without entries it is a filter that exists already."""

    name: str
    path: str
    entries: tuple[FilterEntry, ...]


@dataclass(frozen=True)
class Contract:
    """A contract that this collection makes."""

    tenant: str
    name: str
    path: str
    scope: str
    filters: tuple[Filter, ...]
    service_graph: str | None
    export_to: tuple[Named, ...]

    @property
    def content(self) -> tuple[Any, ...]:
        """What clusters that share the contract must have in common."""
        return self.scope, self.service_graph, tuple((one.name, one.entries) for one in self.filters)


@dataclass(frozen=True)
class EpgContracts:
    """Contracts of an EPG or external EPG that the collection does not make."""

    path: str
    tenant: str
    application_profile: str | None
    epg: str | None
    l3out: str | None
    external_epg: str | None
    relations: Relations

    @property
    def target(self) -> tuple[str | None, ...]:
        """The key of the EPG."""
        return self.tenant, self.application_profile, self.epg, self.l3out, self.external_epg

    @property
    def clear(self) -> bool:
        """Whether the entry names exactly one EPG or one external EPG."""
        inside, outside = (self.application_profile, self.epg), (self.l3out, self.external_epg)
        return (all(inside) and not any(outside)) or (all(outside) and not any(inside))


@dataclass(frozen=True)
class Transit:
    """An L3Out that leads outside."""

    path: str
    tenant: str
    l3out: str
    order: int
    subnets: tuple[Subnet, ...]
    epg: EpgContracts


@dataclass(frozen=True)
class Connectivity:
    """External EPGs, contracts and transit of a cluster. Its own external EPG is the first, microsegments follow."""

    external_epgs: tuple[ExternalEpg, ...]
    contracts: tuple[Contract, ...]
    epg_contracts: tuple[EpgContracts, ...]
    transit: tuple[Transit, ...]
    transit_subnets: tuple[Subnet, ...]


# --- reading ---------------------------------------------------------------------------------------------------------


def read_connectivity(intent: Intent) -> Connectivity:
    """Return the intent's connectivity without refused values, in the order in which it was written."""
    return Connectivity(
        (_own_epg(intent), *_entries(intent, "microsegments", _microsegment)),
        _entries(intent, "contracts", _contract),
        _entries(intent, "epg_contracts", _epg_contracts),
        _entries(intent, "transit", _transit),
        _transit_subnets(intent),
    )


def _entries(intent: Intent, name: str, read: Callable[[Intent, Mapping[str, Any], str], Any]) -> tuple[Any, ...]:
    return tuple(
        read(intent, {key: None if value is INVALID else value for key, value in entry.items()}, f"aci_calico_{name}[{index}]")
        for index, entry in enumerate(intent[name] or [])
        if entry is not INVALID
    )


def _named(values: Iterable[Any] | None, path: str) -> tuple[Named, ...]:
    return tuple(Named(value, f"{path}[{index}]") for index, value in enumerate(values or []) if value is not INVALID)


def _subnets(values: Iterable[Any] | None, role: str, path: str) -> tuple[Subnet, ...]:
    return tuple(Subnet(role, value, f"{path}[{index}]") for index, value in enumerate(values or []) if value is not INVALID)


def _relations(entry: Mapping[str, Any], path: str) -> Relations:
    return Relations(*(_named(entry[key], f"{path}.{key}") for key in ("provide", "consume", "consume_interfaces")))


def _cluster_subnets(intent: Intent) -> tuple[Subnet, ...]:
    """Return all subnets, role by role, IPv4 first."""
    by_role = (sorted(intent.subnets[role], key=lambda subnet: subnet.family) for role in SUBNET_ROLES)
    return tuple(subnet for subnets in by_role for subnet in subnets)


def _own_epg(intent: Intent) -> ExternalEpg:
    own = ("provided_contracts", "consumed_contracts", "consumed_interfaces")
    scopes = tuple(scope for scope in intent["external_epg_scopes"] or [] if scope is not INVALID)
    subnets = _cluster_subnets(intent)
    relations = Relations(*(_named(intent[name], f"aci_calico_{name}") for name in own))
    return ExternalEpg(intent["external_epg"] or "", "aci_calico_external_epg", subnets, scopes, relations)


def _microsegment(intent: Intent, entry: Mapping[str, Any], path: str) -> ExternalEpg:
    """Return a microsegment. It classifies traffic only; routes come from the enclosing subnets."""
    scopes = tuple(scope for scope in SECURITY_SCOPES if scope in (intent["external_epg_scopes"] or ()))
    subnets = _subnets(entry["subnets"], "microsegment", f"{path}.subnets")
    return ExternalEpg(entry["name"], path, subnets, scopes or SECURITY_SCOPES[:1], _relations(entry, path))


def _contract(intent: Intent, entry: Mapping[str, Any], path: str) -> Contract:
    filters = tuple(
        Filter(one["name"], f"{path}.filters[{index}]", _valid(one["entries"]))
        for index, one in enumerate(entry["filters"])
        if one is not INVALID
    )
    return Contract(
        entry["tenant"] or intent["tenant"] or "",
        entry["name"],
        path,
        entry["scope"] or "",
        filters,
        entry["service_graph"],
        _named(entry["export_to"], f"{path}.export_to"),
    )


def _valid(values: Iterable[Any]) -> tuple[Any, ...]:
    return () if values is INVALID else tuple(value for value in values if value is not INVALID)


def _epg_contracts(intent: Intent, entry: Mapping[str, Any], path: str) -> EpgContracts:
    names = {key: entry.get(key) for key in ("application_profile", "epg", "l3out", "external_epg")}
    tenant = entry["tenant"] or intent["tenant"] or ""
    return EpgContracts(path, tenant, **names, relations=_relations(entry, path))


def _transit(intent: Intent, entry: Mapping[str, Any], path: str) -> Transit:
    epg = _epg_contracts(intent, entry, path)
    subnets = _subnets(entry["subnets"], "transit", f"{path}.subnets")
    return Transit(path, epg.tenant, entry["l3out"], entry["order"] or 0, subnets, epg)


def _transit_subnets(intent: Intent) -> tuple[Subnet, ...]:
    if intent["transit_subnets"] is None:
        return _cluster_subnets(intent)
    return _subnets(intent["transit_subnets"], "transit", "aci_calico_transit_subnets")


def cluster_contract(intent: Intent) -> str:
    """Return the name of the contract that joins the external EPGs of a cluster with several L3Outs."""
    return f"{intent.l3out}-racks"


def outside(intent: Intent) -> list[Subnet]:
    """Return the subnets behind the transit L3Outs, which are announced to the nodes."""
    return [subnet for one in read_connectivity(intent).transit for subnet in one.subnets]
