# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the BGP policies that a VRF has once, or once on a leaf, whichever L3Out names them.

Timers, AS limit and graceful restart (``bgpCtxPol``) and best path (``bgpBestPathCtrlPol``) are named by node profiles, but hold
for the VRF on a leaf: two L3Outs that name different policies raise F0467 ``bgpProt-policy-already-existing`` (Cisco's
ACI-Pre-Upgrade-Validation-Script, check "BGP Timer Policy Already Existing"), and an L3Out without a policy gets that of the
other. Names are compared and not contents: equal policies of two names conflict, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ...module_utils.apic.mo import CLASSES, last_rn, parent_dn
from ...module_utils.apic.roots import any_of
from ...module_utils.names import COMMON, SHARED
from ..apic.tree import AF_OF_FAMILY, STALE_DEFAULT, vrf_policies
from ..schema.messages import WARNING
from ..schema.problems import Problem, some
from .facts import Attributes, Fabric, Objects, holder_of, vrf_dn
from .prerequisites import Plan

# The relation of a node profile with its policy, by kind.
_RELATIONS = {"timers": "bgpRsBgpNodeCtxPol", "best_path": "bgpRsBestPathCtrlPol"}
# The variable of each attribute of a policy.
_VARIABLES = {
    "kaIntvl": "bgp_keepalive",
    "holdIntvl": "bgp_hold",
    "maxAsLimit": "bgp_as_limit",
    "grCtrl": "bgp_graceful_restart",
    "staleIntvl": "bgp_restart_time",
    "ctrl": "bgp_as_path_relax",
    "maxEcmp": "bgp_ecmp_ebgp",
    "maxEcmpIbgp": "bgp_ecmp_ibgp",
}


def policy_problems(
    plan: Plan, fabric: Fabric, read: Callable[[list[str]], Objects], adopt: bool, beside: Iterator[Plan]
) -> Iterator[Problem]:
    """Yield the problems with policies that the cluster shares with other L3Outs of its VRF.

    :param read: a function that returns the objects which a list of queries selects.
    :param adopt: whether the push takes over objects of others.
    :param beside: the plans of other clusters that are configured in the same run, read until they explain each policy.
    """
    yield from _named_policies(plan, fabric)
    if not adopt:
        yield from _ecmp(plan, fabric)
    others = [use for kind in _RELATIONS for use in _uses(plan, fabric, kind)]
    taken = [use for use in others if use.policy]
    while taken and (other := next(beside, None)):
        changed = {(other["fabric"]["tenant"], l3out["name"]) for l3out in other["l3outs"]}
        taken = [use for use in taken if use.place not in changed]
    queries = list(_values_queries(taken))
    values = read(queries) if queries else {}
    yield from _taken(plan, fabric, taken, values)
    yield from _inherited(plan, fabric, [use for use in others if not use.policy])


# --- the L3Outs of the VRF on the cluster's leaves --------------------------------------------------------------------


@dataclass(frozen=True)
class _Use:
    """Another L3Out's use of a policy of one kind: its DN, the leaves in common, and the policy's DN or an empty text."""

    kind: str
    l3out: str
    leaves: tuple[int, ...]
    policy: str

    @property
    def place(self) -> tuple[str, str]:
        """The L3Out as tenant and name."""
        _uni, tenant, name = self.l3out.split("/")[:3]
        return tenant.removeprefix("tn-"), name.removeprefix("out-")


def _uses(plan: Plan, fabric: Fabric, kind: str) -> Iterator[_Use]:
    """Yield the uses by other L3Outs with BGP of other policies, or of none, than the cluster's."""
    relations = fabric.of_class(_RELATIONS[kind])
    own = _own_dns(plan, kind)
    found: dict[tuple[str, str], set[int]] = {}
    for profile, leaf in _profiles(fabric):
        relation = relations.get(f"{profile}/protp/{_rn(kind)}")
        policy = relation["tDn"] or relation[_name_of(kind)] if relation else ""
        if policy not in own and fabric.get(f"{holder_of(profile)}/bgpExtP"):
            found.setdefault((holder_of(profile), policy), set()).add(leaf)
    for (l3out, policy), leaves in sorted(found.items()):
        if l3out in fabric.l3outs:
            yield _Use(kind, l3out, tuple(sorted(leaves)), policy)


def _profiles(fabric: Fabric) -> Iterator[tuple[str, int]]:
    """Yield each node profile with a leaf of the cluster, and that leaf."""
    for dn, _node, leaf in fabric.on_own_leaves():
        yield parent_dn(dn), leaf["id"]


def _rn(kind: str) -> str:
    return CLASSES[_RELATIONS[kind]].rn_format


def _name_of(kind: str) -> str:
    return {"timers": "tnBgpCtxPolName", "best_path": "tnBgpBestPathCtrlPolName"}[kind]


def _own_dns(plan: Plan, kind: str) -> set[str]:
    """Return the DNs that the cluster's policy may have."""
    ((cls, policy),) = vrf_policies(plan)[kind].items()
    rn = CLASSES[cls].rn(policy["attributes"])
    return {f"uni/tn-{tenant}/{rn}" for tenant in (plan["fabric"]["tenant"], plan["fabric"]["vrf_tenant"], COMMON)}


def _values_queries(taken: Iterable[_Use]) -> Iterator[str]:
    """Yield the path of the request for the values of the policies that exist."""
    for cls in ("bgpCtxPol", "bgpBestPathCtrlPol"):
        prefix = CLASSES[cls].rn_format.partition("{")[0]
        terms = [f'eq({cls}.dn,"{dn}")' for dn in dict.fromkeys(use.policy for use in taken) if last_rn(dn).startswith(prefix)]
        if terms:
            yield f"/api/class/{cls}.json?query-target-filter={any_of(terms)}"


# --- problems ---------------------------------------------------------------------------------------------------------


def _taken(plan: Plan, fabric: Fabric, taken: Iterable[_Use], values: Objects) -> Iterator[Problem]:
    for use in taken:
        found = values[use.policy]["attributes"] if use.policy in values else {}
        different = _different(plan, use.kind, found)
        cluster = _cluster_of(fabric, use.l3out)
        name = last_rn(use.policy).partition("-")[2]
        remedy = ""
        if cluster and found and not different:
            remedy = f"Run site for cluster {cluster}, too: an earlier version made its policy."
        elif not cluster:
            settings = [f"aci_calico_bgp_{use.kind}_policy: {name}", *different]
            remedy = f"Use leaves or a VRF without that L3Out, or take over its policy by name: {', '.join(settings)}."
        yield Problem(
            "bgp-policy-taken",
            f"aci_calico_bgp_{use.kind}_policy",
            f"{use.l3out} uses {use.policy} on leaf {some(use.leaves)}, the cluster {plan['names'][use.kind]}; a leaf has one for"
            " the VRF",
            remedy,
            WARNING if cluster and found and not different else "",
        )


def _inherited(plan: Plan, fabric: Fabric, open_uses: Iterable[_Use]) -> Iterator[Problem]:
    """Yield a warning for each L3Out and leaf that the cluster's policies are about to reach for the first time."""
    reached = {kind: _reached(plan, fabric, kind) for kind in _RELATIONS}
    together: dict[str, dict[str, set[int]]] = {}
    for use in open_uses:
        new = set(use.leaves) - reached[use.kind]
        if new:
            together.setdefault(use.l3out, {})[use.kind] = new
    for l3out, kinds in together.items():
        leaves = sorted(set().union(*kinds.values()))
        yield Problem(
            "bgp-policy-inherited",
            "aci_calico_bgp_timers_policy",
            f"{l3out} is about to get {_effects(plan, kinds)} on leaf {some(leaves)}, in the same VRF",
        )


def _effects(plan: Plan, kinds: Iterable[str]) -> str:
    """Return what an L3Out without policies of its own gets."""
    bgp, effects = plan["bgp"], []
    if "timers" in kinds:
        effects.append(f"keepalive {bgp['keepalive']} s, hold time {bgp['hold']} s")
        if bgp["as_limit"]:
            effects.append(f"an AS limit of {bgp['as_limit']}, which drops its routes with more AS numbers in the path")
    if "best_path" in kinds:
        effects.append("AS path relaxation" if bgp["as_path_relax"] else "no AS path relaxation")
    return ", ".join(effects)


def _reached(plan: Plan, fabric: Fabric, kind: str) -> set[int]:
    """Return the leaves on which an L3Out of the cluster names its policy already."""
    relations = fabric.of_class(_RELATIONS[kind])
    own = _own_dns(plan, kind)
    return {
        leaf
        for profile, leaf in _profiles(fabric)
        if holder_of(profile) in fabric.own_l3outs and relations.get(f"{profile}/protp/{_rn(kind)}", {}).get("tDn") in own
    }


def _cluster_of(fabric: Fabric, l3out: str) -> str:
    """Return the cluster whose L3Out this is; an empty text if this collection did not make it."""
    marked = fabric.get(f"{l3out}/bgpExtP") or {}
    return marked.get("annotation", "").partition(f"{SHARED}:")[2]


def _different(plan: Plan, kind: str, found: Attributes) -> list[str]:
    """Return the settings with which the inventory would have the values of a policy, as far as they differ."""
    (wanted,) = vrf_policies(plan)[kind].values()
    return [
        f"aci_calico_{_VARIABLES[name]}: {_setting(name, found[name])}"
        for name, value in wanted["attributes"].items()
        if name in _VARIABLES and name in found and found[name] != value
    ]


def _setting(name: str, value: str) -> str:
    return {
        "grCtrl": str("helper" in value).lower(),
        "staleIntvl": value.replace("default", str(STALE_DEFAULT)),
        "ctrl": str("Relax" in value).lower(),
    }.get(name, value)


def _named_policies(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that existing policies have the values of the inventory, by which the cluster is planned and verified."""
    for kind in plan["bgp"]["existing_policies"]:
        found = next((mo for dn in sorted(_own_dns(plan, kind)) if (mo := fabric.get(dn))), None)
        different = _different(plan, kind, found or {})
        if different:
            what = f"The policy {plan['names'][kind]} has other values than the inventory"
            yield Problem("bgp-policy-differs", f"aci_calico_bgp_{kind}_policy", what, f"Set {', '.join(different)}.")


def _ecmp(plan: Plan, fabric: Fabric) -> Iterator[Problem]:
    """Check that the VRF has no ECMP policy of others; the push replaces one that only this cluster uses."""
    own, families = plan["names"], {AF_OF_FAMILY[family] for family in plan["address_families"]}
    for dn, relation in sorted(fabric.of_class("fvRsCtxToBgpCtxAfPol").items()):
        name, family = relation["tnBgpCtxAfPolName"], relation["af"]
        if parent_dn(dn) != vrf_dn(plan) or family not in families or name == own["ecmp"]:
            continue
        users = {tag["key"] for tag_dn, tag in fabric.of_class("tagAnnotation").items() if parent_dn(tag_dn) == dn}
        others = sorted(user.partition(f"{SHARED}:")[2] for user in users - {own["owner"]} if user.startswith(SHARED))
        if relation["annotation"] in (own["owner"], SHARED) and not others:
            continue
        whose = f"which cluster {some(others)} shares" if others else "which this collection did not make"
        yield Problem(
            "ecmp-policy-taken",
            "aci_calico_bgp_ecmp_policy",
            f"The VRF {plan['fabric']['vrf']} has the ECMP policy {name} for {family}, {whose}; the cluster has {own['ecmp']}",
        )
