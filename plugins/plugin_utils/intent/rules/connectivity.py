# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How external EPGs, contracts and transit must fit together, and with those of other clusters of the VRF.

Each rule is a function of the intent and of what ``connectivity`` reads in it, and yields faults.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter

from ....module_utils.names import COMMON
from ...schema.addressing import overlap
from ...schema.option import INVALID
from ...schema.problems import Problem, did_you_mean, repeated
from ..connectivity import Connectivity, Contract, EpgContracts, ExternalEpg, Named, read_connectivity
from ..intent import SUBNET_ROLES, Intent

SCOPES = "aci_calico_external_epg_scopes"
# What it takes for routes and for traffic to cross from one VRF to another.
LEAKING = ("shared-rtctrl", "shared-security")

Rule = Callable[[Intent, Connectivity], Iterator[Problem]]


def connectivity_problems(intent: Intent) -> Iterator[Problem]:
    """What is wrong within a cluster."""
    wanted = read_connectivity(intent)
    for rule in RULES:
        yield from rule(intent, wanted)


# --- external EPGs ---------------------------------------------------------------------------------------------------


def scopes(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """APIC refuses shared-security without import-security; without the latter, no contract counts."""
    given = intent["external_epg_scopes"]
    if given is None or INVALID in given or "import-security" in given:
        return
    if "shared-security" in given:
        yield Problem("scope-incomplete", SCOPES, "shared-security goes with import-security only")
    else:
        yield Problem(
            "scope-without-security",
            SCOPES,
            "Without import-security the cluster's subnets sort no traffic into its external EPG, and no contract lets any pass",
        )


def external_epg_names(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Each external EPG of an L3Out has a name of its own."""
    for epg, first in repeated(wanted.external_epgs, attrgetter("name")):
        yield Problem("external-epg-twice", f"{epg.path}.name", f"External EPG '{epg.name}' is also {first.path}")


def external_epg_subnets(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """A prefix belongs to one external EPG of a VRF; a microsegment is a part of the cluster."""
    own, *microsegments = wanted.external_epgs
    seen = {subnet.network: subnet for subnet in own.subnets}
    for epg in microsegments:
        if not epg.subnets:
            yield Problem("required", f"{epg.path}.subnets", "There is no subnet", "Name at least one subnet.")
        for subnet in epg.subnets:
            first = seen.setdefault(subnet.network, subnet)
            if first is not subnet:
                yield Problem(
                    "external-subnet-twice",
                    subnet.path,
                    f"{subnet.network} is also {first.path}, and a prefix can be in one external EPG of a VRF only",
                )
            if not any(subnet.network in other.network for other in own.subnets):
                yield Problem(
                    "microsegment-outside",
                    subnet.path,
                    f"{subnet.network} is not within the cluster's subnets, so that no address of the cluster may be in it",
                )


def cut_off_pods(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Pods and nodes talk to each other through the leaves, without an overlay: between external EPGs by contract only.

    Services are none the worse: who calls one from inside is led to a pod by its own node. Several L3Outs are joined by
    a contract that microsegments have, too.
    """
    own, *microsegments = wanted.external_epgs
    cluster = [subnet for role in ("node", "pod") for subnet in intent.subnets[role]]
    for epg in microsegments:
        inside = [one for one in epg.subnets if any(overlap(one.network, other.network) for other in cluster)]
        if inside and len(intent.l3outs) < 2 and not _joined(own, epg):
            yield Problem(
                "microsegment-cut-off",
                inside[0].path,
                f"{inside[0].network} holds pods or nodes, and no contract joins them to the rest of the cluster:"
                " what goes from node to node through the leaves is dropped",
            )


def _joined(one: ExternalEpg, other: ExternalEpg) -> bool:
    return any(
        {contract.name for contract in provider.relations.provides}
        & {contract.name for contract in consumer.relations.consumes}
        for provider, consumer in ((one, other), (other, one))
    )


def relations(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """An EPG provides or consumes a contract once."""
    for _who, owner in _epgs(intent, wanted):
        for named in owner.relations.lists():
            yield from _twice(named, "relation-twice", "contract")


def _twice(named: Iterable[Named], rule: str, what: str) -> Iterator[Problem]:
    for one, first in repeated(named, attrgetter("name")):
        yield Problem(rule, one.path, f"The {what} '{one.name}' is also {first.path}")


# --- contracts -------------------------------------------------------------------------------------------------------


def contracts(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Each contract and each of its interfaces is made once, and lets something through."""
    for contract, first in repeated(wanted.contracts, attrgetter("tenant", "name")):
        yield Problem(
            "contract-twice",
            f"{contract.path}.name",
            f"Contract '{contract.name}' of tenant {contract.tenant} is also {first.path}",
        )
    for contract in wanted.contracts:
        if not contract.filters:
            yield Problem(
                "required", f"{contract.path}.filters", "The contract lets nothing through", "Name at least one filter."
            )
        filters = [Named(one.name, one.path) for one in contract.filters]
        yield from _twice(filters, "filter-twice", "filter")
    yield from _interfaces(wanted)
    yield from _filters(wanted)


def _interfaces(wanted: Connectivity) -> Iterator[Problem]:
    seen: dict[tuple[str, str], Contract] = {}
    for contract in wanted.contracts:
        for tenant in contract.export_to:
            first = seen.setdefault((tenant.name, contract.name), contract)
            if tenant.name == contract.tenant:
                yield Problem(
                    "export-to-own-tenant", tenant.path, f"Contract '{contract.name}' is in tenant {tenant.name}"
                )
            elif first is not contract:
                yield Problem(
                    "contract-twice",
                    tenant.path,
                    f"Tenant {tenant.name} has an interface '{contract.name}' by {first.path} already",
                )


def _filters(wanted: Connectivity) -> Iterator[Problem]:
    """Contracts of a tenant may use one filter, which says one thing."""
    seen: dict[tuple[str, str], Contract] = {}
    said = {}
    for contract in wanted.contracts:
        for one in contract.filters:
            if len(set(one.entries)) < len(one.entries):
                yield Problem("filter-entry-twice", f"{one.path}.entries", f"Filter '{one.name}' says the same twice")
            if not one.entries:
                continue
            key = (contract.tenant, one.name)
            first = seen.setdefault(key, contract)
            if said.setdefault(key, set(one.entries)) != set(one.entries):
                yield Problem(
                    "filter-contradicts",
                    f"{one.path}.entries",
                    f"Filter '{one.name}' has other entries in contract '{first.name}' ({first.path})",
                )


def reach(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Who provides or consumes a contract of the cluster's can see it, and is within its scope.

    A name stands for a contract of the EPG's tenant, else of ``common``. External EPGs are in no application profile.
    Of another tenant's EPG is known that it is in another VRF where the cluster's VRF is not in ``common``.
    """
    made = {(contract.tenant, contract.name): contract for contract in wanted.contracts}
    exported = {(tenant.name, one.name): one for one in wanted.contracts for tenant in one.export_to}
    users: dict[Contract, list[tuple[str, Named]]] = {contract: [] for contract in wanted.contracts}
    for tenant, epg in _epgs(intent, wanted):
        for one in (*epg.relations.provides, *epg.relations.consumes):
            contract = made.get((tenant, one.name)) or made.get((COMMON, one.name))
            if contract:
                users[contract].append((tenant, one))
            else:
                yield from _invisible(tenant, one, wanted.contracts)
        for one in epg.relations.consumes_interfaces:
            contract = exported.get((tenant, one.name))
            if contract:
                users[contract].append((tenant, one))
            else:
                yield from _not_exported(tenant, one, wanted.contracts)
    for contract, named in users.items():
        yield from _scope(intent, contract, named)


def _epgs(intent: Intent, wanted: Connectivity) -> Iterator[tuple[str, ExternalEpg | EpgContracts]]:
    """Everybody with relations, and the tenant in which names of contracts are looked up."""
    for external in wanted.external_epgs:
        yield intent["tenant"] or "", external
    for epg in (*wanted.epg_contracts, *(one.epg for one in wanted.transit)):
        yield epg.tenant, epg


def _invisible(tenant: str, one: Named, made: Iterable[Contract]) -> Iterator[Problem]:
    for contract in made:
        if contract.name == one.name:
            yield Problem(
                "contract-out-of-sight",
                one.path,
                f"Contract '{one.name}' is in tenant {contract.tenant}, and an EPG of tenant {tenant} cannot name it",
            )
            return
    yield from _misspelt(one, [contract.name for contract in made])


def _not_exported(tenant: str, one: Named, made: Iterable[Contract]) -> Iterator[Problem]:
    for contract in made:
        if contract.name == one.name:
            yield Problem(
                "contract-not-exported",
                one.path,
                f"Contract '{one.name}' of tenant {contract.tenant} is not exported to tenant {tenant}",
                f"Add {tenant} to {contract.path}.export_to.",
            )
            return
    yield from _misspelt(one, [contract.name for contract in made])


def _misspelt(one: Named, known: list[str]) -> Iterator[Problem]:
    """A contract that is not made here may be there already, unless it is almost one that is made here."""
    similar = [name for name in known if _letters(name) == _letters(one.name)]
    if similar:
        yield Problem(
            "contract-unknown",
            one.path,
            f"'{one.name}' is none of aci_calico_contracts, so it has to be there already",
            did_you_mean(one.name, similar) or f"Did you mean {similar[0]}?",
        )


def _letters(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _scope(intent: Intent, contract: Contract, users: list[tuple[str, Named]]) -> Iterator[Problem]:
    tenants = sorted({tenant for tenant, _one in users})
    own, vrf_tenant = intent["tenant"], intent.vrf[0]
    # The VRF of a tenant other than common holds no EPG of another tenant.
    abroad = [tenant for tenant in tenants if tenant != own] if own == vrf_tenant != COMMON else []
    problem, remedy = None, "Use scope global."
    if contract.scope == "application-profile" and users:
        problem, remedy = "external EPGs are in no application profile", "Use scope context, tenant or global."
    elif contract.scope == "tenant" and len(tenants) > 1:
        problem = f"it joins EPGs of tenants {', '.join(tenants)}"
    elif contract.scope == "context" and abroad:
        problem = f"it joins EPGs of tenant {abroad[0]}, which cannot be in VRF {own}:{intent['vrf']}"
    if problem:
        yield Problem(
            "contract-scope",
            f"{contract.path}.scope",
            f"Contract '{contract.name}' has scope {contract.scope}, but {problem}",
            remedy,
        )
    given = intent["external_epg_scopes"] or LEAKING
    if abroad and not set(LEAKING) <= set(given):
        yield Problem(
            "not-leaked",
            SCOPES,
            f"Contract '{contract.name}' joins EPGs of tenant {abroad[0]}, in another VRF, which does not get to know the cluster's"
            " subnets",
            f"Add {' and '.join(scope for scope in LEAKING if scope not in given)}.",
        )


# --- EPGs and L3Outs of others ---------------------------------------------------------------------------------------


def other_epgs(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Each entry names one EPG that is somebody else's, and what to do with it."""
    for entry in wanted.epg_contracts:
        if not entry.clear:
            yield Problem(
                "epg-unclear",
                entry.path,
                "This names neither one EPG nor one external EPG",
                "Give application_profile and epg, or l3out and external_epg.",
            )
        elif not entry.relations:
            yield Problem("epg-without-contract", entry.path, "The EPG is to provide and consume nothing")
        if entry.tenant == intent["tenant"] and entry.l3out in intent.l3out_names:
            yield Problem("epg-own", entry.path, f"L3Out {entry.l3out} is the cluster's own")


def transit(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Each transit L3Out is named once and is not the cluster's own; its contracts belong to an external EPG of it."""
    for one, first in repeated(wanted.transit, attrgetter("tenant", "l3out")):
        yield Problem("transit-twice", one.path, f"L3Out {one.l3out} is also {first.path}")
    for one in wanted.transit:
        if one.tenant == intent["tenant"] and one.l3out in intent.l3out_names:
            yield Problem("transit-own", f"{one.path}.l3out", f"L3Out {one.l3out} is the cluster's own")
        if one.epg.relations and not one.epg.external_epg:
            yield Problem(
                "epg-unclear",
                f"{one.path}.external_epg",
                f"There are contracts for L3Out {one.l3out}, but no external EPG",
                "Name the external EPG that is to have them.",
            )
        if one.epg.external_epg and not one.epg.relations:
            yield Problem(
                "epg-without-contract",
                f"{one.path}.external_epg",
                f"External EPG '{one.epg.external_epg}' is to provide and consume nothing",
            )


def transit_subnets(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """The cluster is not outside, and what is told of it outside is its own.

    A prefix that contains the cluster's subnets (a summary, a default route) is fine: the nodes know better ones.
    """
    own = [subnet for role in SUBNET_ROLES for subnet in intent.subnets[role]]
    for one in wanted.transit:
        for subnet, first in repeated(one.subnets, attrgetter("network")):
            yield Problem("subnet-twice", subnet.path, f"{subnet.network} is also {first.path}")
        for subnet in one.subnets:
            inner = next((other for other in own if subnet.network in other.network), None)
            if inner:
                yield Problem(
                    "transit-subnet-inside",
                    subnet.path,
                    f"{subnet.network} is part of the cluster's {inner.network} ({inner.path}), and not outside",
                )
            if intent.families and subnet.family not in intent.families:
                yield Problem(
                    "transit-family", subnet.path, f"{subnet.network} is {subnet.family}, and the nodes are not"
                )
    for subnet in wanted.transit_subnets:
        if not any(subnet.network in other.network for other in own):
            yield Problem(
                "transit-subnet-not-own",
                subnet.path,
                f"{subnet.network} is not the cluster's: routes of others would leave through the transit L3Out",
            )


RULES: tuple[Rule, ...] = (
    scopes,
    external_epg_names,
    external_epg_subnets,
    cut_off_pods,
    relations,
    contracts,
    reach,
    other_epgs,
    transit,
    transit_subnets,
)


# --- between clusters ------------------------------------------------------------------------------------------------


def microsegments_between(intent: Intent, other: Intent) -> Iterator[Problem]:
    """No microsegment takes addresses of another cluster of the VRF."""
    theirs = [subnet for epg in read_connectivity(other).external_epgs for subnet in epg.subnets]
    mine = [subnet for epg in read_connectivity(intent).external_epgs[1:] for subnet in epg.subnets]
    for one, two in itertools.product(mine, theirs):
        if overlap(one.network, two.network):
            yield Problem(
                "microsegment-overlap-clusters",
                one.path,
                f"{one.network} overlaps {two.network} ({two.path} of cluster {other.cluster}), in the same VRF",
            )


def contracts_between(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Clusters that make the same contract share it, and agree on what it says."""
    theirs = {(contract.tenant, contract.name): contract for contract in read_connectivity(other).contracts}
    for contract in read_connectivity(intent).contracts:
        twin = theirs.get((contract.tenant, contract.name))
        if twin and twin.content != contract.content:
            yield Problem(
                "contract-contradicts",
                contract.path,
                f"Cluster {other.cluster} makes contract '{contract.name}' of tenant {contract.tenant} too, with another content",
            )


def l3outs_between(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Nobody but its cluster puts anything into a cluster's L3Out."""
    theirs = {(other["tenant"], name) for name in other.l3out_names}
    wanted = read_connectivity(intent)
    for entry in wanted.epg_contracts:
        if (entry.tenant, entry.l3out) in theirs:
            yield Problem("epg-of-cluster", entry.path, f"L3Out {entry.l3out} belongs to cluster {other.cluster}")
    for one in wanted.transit:
        if (one.tenant, one.l3out) in theirs:
            yield Problem(
                "transit-of-cluster", f"{one.path}.l3out", f"L3Out {one.l3out} belongs to cluster {other.cluster}"
            )
