# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for external EPGs, contracts and transit, within a cluster and between clusters.

Each rule is a function of the intent and of the connectivity read from it, and yields problems.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter

from ....module_utils.names import COMMON
from ...schema.addressing import overlap
from ...schema.formats import FilterEntry
from ...schema.option import INVALID
from ...schema.problems import Problem, did_you_mean, repeated
from ..connectivity import Connectivity, Contract, EpgContracts, ExternalEpg, Named, read_connectivity
from ..intent import SUBNET_ROLES, Intent

SCOPES = "aci_calico_external_epg_scopes"
# The scopes that let routes and traffic cross from one VRF to another.
LEAKING = ("shared-rtctrl", "shared-security")

Rule = Callable[[Intent, Connectivity], Iterator[Problem]]


def connectivity_problems(intent: Intent) -> Iterator[Problem]:
    """Yield the problems within a cluster."""
    wanted = read_connectivity(intent)
    for rule in RULES:
        yield from rule(intent, wanted)


# --- external EPGs ---------------------------------------------------------------------------------------------------


def scopes(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Check that the scopes include import-security: APIC refuses shared-security without it, and no contract applies."""
    given = intent["external_epg_scopes"]
    if given is None or INVALID in given or "import-security" in given:
        return
    if "shared-security" in given:
        yield Problem("scope-incomplete", SCOPES, "shared-security requires import-security")
    else:
        yield Problem(
            "scope-without-security",
            SCOPES,
            "Without import-security no traffic is classified into the cluster's external EPG, so its contracts have no effect",
        )


def external_epg_names(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Check that external EPGs have different names."""
    for epg, first in repeated(wanted.external_epgs, attrgetter("name")):
        yield Problem("external-epg-twice", f"{epg.path}.name", f"External EPG '{epg.name}' is also {first.path}")


def external_epg_subnets(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Check that a prefix is in one external EPG, and that microsegments are parts of the cluster."""
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
                    f"{subnet.network} is also {first.path}, but a prefix can be in one external EPG of a VRF only",
                )
            if not any(subnet.network in other.network for other in own.subnets):
                yield Problem(
                    "microsegment-outside",
                    subnet.path,
                    f"{subnet.network} is not within the cluster's subnets, so it may hold no address of the cluster",
                )


def cut_off_pods(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Check that a contract joins microsegments with pods or nodes to the rest of the cluster.

    Pods and nodes reach each other through the leaves, without an overlay, so external EPGs need a contract between them.
    Services need none: a node leads calls from inside to a pod by itself. Several L3Outs have a contract that also joins
    microsegments.
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
                " the leaves drop traffic between them",
            )


def _joined(one: ExternalEpg, other: ExternalEpg) -> bool:
    return any(
        {contract.name for contract in provider.relations.provides} & {contract.name for contract in consumer.relations.consumes}
        for provider, consumer in ((one, other), (other, one))
    )


def relations(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Check that an EPG provides or consumes a contract once."""
    for _who, owner in _epgs(intent, wanted):
        for named in owner.relations.lists():
            yield from _twice(named, "relation-twice", "contract")


def _twice(named: Iterable[Named], rule: str, what: str) -> Iterator[Problem]:
    for one, first in repeated(named, attrgetter("name")):
        yield Problem(rule, one.path, f"The {what} '{one.name}' is also {first.path}")


# --- contracts -------------------------------------------------------------------------------------------------------


def contracts(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Check that each contract and each of its interfaces is made once, and that contracts have filters."""
    for contract, first in repeated(wanted.contracts, attrgetter("tenant", "name")):
        yield Problem(
            "contract-twice",
            f"{contract.path}.name",
            f"Contract '{contract.name}' of tenant {contract.tenant} is also {first.path}",
        )
    for contract in wanted.contracts:
        if not contract.filters:
            yield Problem("required", f"{contract.path}.filters", "The contract has no filter", "Name at least one filter.")
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
                yield Problem("export-to-own-tenant", tenant.path, f"Contract '{contract.name}' is in tenant {tenant.name}")
            elif first is not contract:
                yield Problem(
                    "contract-twice",
                    tenant.path,
                    f"Tenant {tenant.name} has an interface '{contract.name}' by {first.path} already",
                )


def _filters(wanted: Connectivity) -> Iterator[Problem]:
    """Check that contracts of a tenant that share a filter give it the same entries."""
    seen: dict[tuple[str, str], Contract] = {}
    said: dict[tuple[str, str], set[FilterEntry]] = {}
    for contract in wanted.contracts:
        for one in contract.filters:
            if len(set(one.entries)) < len(one.entries):
                yield Problem("filter-entry-twice", f"{one.path}.entries", f"Filter '{one.name}' has an entry twice")
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
    """Check that EPGs can refer to the contracts that they provide or consume, and are within their scope.

    A name refers to a contract of the EPG's tenant, else of ``common``. External EPGs are in no application profile. An EPG
    of another tenant is in another VRF unless the cluster's VRF is in ``common``.
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
                yield from _elsewhere("contract-out-of-sight", tenant, one, wanted.contracts)
        for one in epg.relations.consumes_interfaces:
            contract = exported.get((tenant, one.name))
            if contract:
                users[contract].append((tenant, one))
            else:
                yield from _elsewhere("contract-not-exported", tenant, one, wanted.contracts)
    for contract, named in users.items():
        yield from _scope(intent, contract, named)


def _epgs(intent: Intent, wanted: Connectivity) -> Iterator[tuple[str, ExternalEpg | EpgContracts]]:
    """Yield every EPG with relations, after the tenant in which APIC looks for its contracts."""
    for external in wanted.external_epgs:
        yield intent["tenant"] or "", external
    for epg in (*wanted.epg_contracts, *(one.epg for one in wanted.transit)):
        yield epg.tenant, epg


def _elsewhere(id_: str, tenant: str, one: Named, made: Iterable[Contract]) -> Iterator[Problem]:
    contract = next((contract for contract in made if contract.name == one.name), None)
    if contract:
        problem = f"Contract '{one.name}' is in tenant {contract.tenant}, out of reach of an EPG of tenant {tenant}"
        remedy = f"Add {tenant} to {contract.path}.export_to." if id_ == "contract-not-exported" else ""
        yield Problem(id_, one.path, problem, remedy)
    else:
        yield from _misspelt(one, [contract.name for contract in made])


def _misspelt(one: Named, known: list[str]) -> Iterator[Problem]:
    """Point out a name that is almost that of a contract which this collection makes."""
    similar = [name for name in known if _letters(name) == _letters(one.name)]
    if similar:
        yield Problem(
            "contract-unknown",
            one.path,
            f"'{one.name}' is not in aci_calico_contracts, so it must exist already",
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
            f"Contract '{contract.name}' joins EPGs of tenant {abroad[0]} in another VRF, to which the cluster's subnets are not leaked",
            f"Add {' and '.join(scope for scope in LEAKING if scope not in given)}.",
        )


# --- EPGs and L3Outs of others ---------------------------------------------------------------------------------------


def other_epgs(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Check that each entry names one EPG outside the cluster, and its contracts."""
    for entry in wanted.epg_contracts:
        if not entry.clear:
            yield Problem("epg-unclear", entry.path, "The entry names neither exactly one EPG nor exactly one external EPG")
        elif not entry.relations:
            yield Problem("epg-without-contract", entry.path, "The EPG has no contract")
        if entry.tenant == intent["tenant"] and entry.l3out in intent.l3out_names:
            yield Problem("epg-own", entry.path, f"L3Out {entry.l3out} is the cluster's own")


def transit(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Check that each transit L3Out is named once, is not the cluster's own, and has an external EPG for its contracts."""
    for one, first in repeated(wanted.transit, attrgetter("tenant", "l3out")):
        yield Problem("transit-twice", one.path, f"L3Out {one.l3out} is also {first.path}")
    for one in wanted.transit:
        if one.tenant == intent["tenant"] and one.l3out in intent.l3out_names:
            yield Problem("transit-own", f"{one.path}.l3out", f"L3Out {one.l3out} is the cluster's own")
        if one.epg.relations and not one.epg.external_epg:
            yield Problem(
                "epg-unclear",
                f"{one.path}.external_epg",
                f"L3Out {one.l3out} has contracts, but no external EPG is named",
                "Set external_epg to the external EPG for these contracts.",
            )
        if one.epg.external_epg and not one.epg.relations:
            yield Problem(
                "epg-without-contract", f"{one.path}.external_epg", f"External EPG '{one.epg.external_epg}' has no contract"
            )


def transit_subnets(intent: Intent, wanted: Connectivity) -> Iterator[Problem]:
    """Check that transit prefixes do not overlap the cluster's, and that only the cluster's own are advertised.

    A prefix that contains the cluster's subnets (a summary, a default route) is allowed: nodes have more specific routes.
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
                    f"{subnet.network} is within the cluster's {inner.network} ({inner.path}), not outside the cluster",
                )
            if intent.families and subnet.family not in intent.families:
                yield Problem(
                    "transit-family",
                    subnet.path,
                    f"{subnet.network} is {subnet.family}, and the nodes have no {subnet.family} address",
                )
    for subnet in wanted.transit_subnets:
        if not any(subnet.network in other.network for other in own):
            yield Problem(
                "transit-subnet-not-own",
                subnet.path,
                f"{subnet.network} is not in the cluster's subnets: the transit L3Out would advertise routes of others",
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
    """Check that no microsegment has addresses of another cluster of the VRF."""
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
    """Check that clusters that share a contract give it the same content."""
    theirs = {(contract.tenant, contract.name): contract for contract in read_connectivity(other).contracts}
    for contract in read_connectivity(intent).contracts:
        twin = theirs.get((contract.tenant, contract.name))
        if twin and twin.content != contract.content:
            yield Problem(
                "contract-contradicts",
                contract.path,
                f"Cluster {other.cluster} makes contract '{contract.name}' of tenant {contract.tenant} with another content",
            )


def l3outs_between(intent: Intent, other: Intent) -> Iterator[Problem]:
    """Check that a cluster does not name L3Outs of another cluster."""
    theirs = {(other["tenant"], name) for name in other.l3out_names}
    wanted = read_connectivity(intent)
    for entry in wanted.epg_contracts:
        if (entry.tenant, entry.l3out) in theirs:
            yield Problem("epg-of-cluster", entry.path, f"L3Out {entry.l3out} belongs to cluster {other.cluster}")
    for one in wanted.transit:
        if (one.tenant, one.l3out) in theirs:
            yield Problem("transit-of-cluster", f"{one.path}.l3out", f"L3Out {one.l3out} belongs to cluster {other.cluster}")
