# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verify Calico's configuration: nodes, IP pools, BGP configuration, peers and the Secret."""

from __future__ import annotations

from ...module_utils.kubernetes.calico import meaning
from ...module_utils.names import ADDRESS_ANNOTATIONS, ASN_ANNOTATION
from ..calico.manifests import BGP_CONFIGURATION, SERVICE_FIELDS, kubernetes_objects, next_key
from ..calico.peers import names_as_found
from ..calico.protection import threats
from .causes import Finding, within_any
from .observed import Kubernetes, selects

_NO_ENCAPSULATION = (None, "", "Never")
# Fields of a BGPPeer that must be empty unless the plan sets them: they decide who peers with whom.
_SELECTING = frozenset({"node", "nodeSelector", "peerIP", "asNumber", "peerSelector"})


def verify_calico(plan: dict, kubernetes: Kubernetes) -> list[Finding]:
    """Compare the nodes' labels and annotations, Calico's objects and the Secret with the plan."""
    wanted: dict[str, list[dict]] = {}
    for obj in kubernetes_objects(plan, kubernetes.api_group, kubernetes.namespace):
        wanted.setdefault(obj["kind"], []).append(obj)
    return [
        *(
            Finding(threat.id, f"{threat.path}: {threat.text}", nodes=frozenset({threat.node} if threat.node else ()))
            for threat in threats(plan, kubernetes.info)
        ),
        *_nodes(plan, wanted["Node"], kubernetes),
        *_secret(plan, wanted, kubernetes),
        *_pools(plan, wanted["IPPool"], kubernetes),
        *_filters(wanted.get("BGPFilter", []), kubernetes),
        *_configuration(plan, wanted["BGPConfiguration"][0], kubernetes),
        *_peers(plan, wanted["BGPPeer"], kubernetes),
    ]


# --- nodes -----------------------------------------------------------------------------------------------------------


def _nodes(plan: dict, wanted: list[dict], kubernetes: Kubernetes) -> list[Finding]:
    racks = {node["name"]: node["rack"] for node in plan["nodes"]}
    findings = []
    for manifest in wanted:
        name = manifest["metadata"]["name"]
        at = {"rack": racks[name], "node": name}
        if name not in kubernetes.nodes:
            findings.append(Finding("node-pending", f"{name} is not in Kubernetes", **at))
            continue
        if kubernetes.ready(name) is False:
            findings.append(Finding("node-not-ready", f"{name} is not ready", **at))
        findings += _node(plan, manifest["metadata"], kubernetes.nodes[name], at, kubernetes)
    for node in kubernetes.joined(plan):
        what = f"{node['name']} joined by itself, and is not in the plan"
        findings.append(Finding("node-joined", what, rack=node["rack"], node=node["name"]))
    return findings


def _default_asn(kubernetes: Kubernetes) -> dict[str, str]:
    """Return the AS number of nodes without one of their own, as an annotation."""
    number = kubernetes.of_kind("BGPConfiguration").get(BGP_CONFIGURATION, {}).get("spec", {}).get("asNumber")
    return {ASN_ANNOTATION: str(number)} if number else {}


def _node(plan: dict, wanted: dict, seen: dict, at: dict, kubernetes: Kubernetes) -> list[Finding]:
    name, label = at["node"], plan["calico"]["rack_label"]
    seen = {**seen, "annotations": {**_default_asn(kubernetes), **seen["annotations"]}}
    rules: list[tuple] = [("rack-label", "label", label, wanted["labels"][label], seen["labels"].get(label), {})]
    for family, annotation in ((None, ASN_ANNOTATION), *ADDRESS_ANNOTATIONS.items()):
        if annotation in wanted["annotations"]:
            rule = "node-address" if family else "node-asn"
            scope = {"family": family} if family else {}
            values = wanted["annotations"][annotation], seen["annotations"].get(annotation)
            rules.append((rule, "annotation", annotation, *values, scope))
    return [
        Finding(rule, f"{name}: {kind} {key} is {value or 'missing'}, not {planned}", **at, **scope)
        for rule, kind, key, planned, value, scope in rules
        if value != planned
    ]


# --- the password ----------------------------------------------------------------------------------------------------


def _secret(plan: dict, wanted: dict, kubernetes: Kubernetes) -> list[Finding]:
    secret = plan["calico"]["secret"]
    unreadable = {failure["path"].rpartition("/")[2] for failure in kubernetes.failures}
    name = secret["name"]
    if name not in kubernetes.of_kind("Secret"):
        if name in unreadable:
            return []
        return [Finding("secret-missing", f"Secret {name} is not in namespace {kubernetes.namespace}")]
    findings = []
    if next_key(plan) in (kubernetes.info.get("secret_keys") or []):
        what = f"Secret {name} has the key {next_key(plan)}: leaves have different passwords"
        findings.append(Finding("rotation-unfinished", what))
    elif kubernetes.password_matches is False:
        what = f"Secret {name}, key {secret['key']}, has another password than the inventory"
        findings.append(Finding("password-differs", what, heals=False))
    for kind in ("Role", "RoleBinding"):
        manifest = wanted[kind][0]
        seen = kubernetes.of_kind(kind).get(manifest["metadata"]["name"])
        if manifest["metadata"]["name"] in unreadable:
            continue
        if seen is None or not _grants(manifest, seen):
            findings.append(
                Finding("secret-unreadable", f"{kind} {manifest['metadata']['name']} is missing or grants less than planned")
            )
    return findings


def _grants(wanted: dict, seen: dict) -> bool:
    """Return whether a Role or RoleBinding grants at least what the planned one grants."""
    if wanted["kind"] == "Role":
        return all(any(_rule_within(rule, other) for other in seen.get("rules") or ()) for rule in wanted["rules"])
    return seen.get("roleRef") == wanted["roleRef"] and all(
        any(subject.items() <= other.items() for other in seen.get("subjects") or ()) for subject in wanted["subjects"]
    )


def _rule_within(rule: dict, other: dict) -> bool:
    return all(
        set(values) <= set(other.get(name) or ())
        or "*" in (other.get(name) or ())
        or (name == "resourceNames" and not other.get(name))
        for name, values in rule.items()
    )


# --- pools and advertised subnets ------------------------------------------------------------------------------------


def _pools(plan: dict, wanted: list[dict], kubernetes: Kubernetes) -> list[Finding]:
    seen = kubernetes.of_kind("IPPool")
    by_cidr = {pool["spec"]["cidr"]: pool for pool in seen.values()}
    findings = []
    for manifest in wanted:
        cidr = manifest["spec"]["cidr"]
        pool = by_cidr.pop(cidr, None)
        if pool is None:
            findings.append(Finding("pool-missing", f"no IP pool has {cidr}", prefix=cidr))
        else:
            findings += _pool(manifest["spec"], pool)
    for pool in by_cidr.values():
        findings += _extra_pool(plan, pool)
    return findings


def _pool(wanted: dict, pool: dict) -> list[Finding]:
    name, spec = pool["metadata"]["name"], meaning("IPPool", pool["spec"])
    findings = _encapsulation(pool)
    if spec.get("natOutgoing"):
        findings.append(Finding("pool-nat", f"IP pool {name}: natOutgoing is on"))
    for field in sorted(set(wanted) - {"cidr", "ipipMode", "vxlanMode", "natOutgoing"}):
        value = spec.get(field)
        if value != wanted[field]:
            findings.append(Finding("pool-differs", f"IP pool {name}: {field} is {value}, not {wanted[field]}"))
    return findings


def _encapsulation(pool: dict) -> list[Finding]:
    return [
        Finding("pool-encapsulation", f"IP pool {pool['metadata']['name']}: {field} is {pool['spec'][field]}, not Never")
        for field in ("ipipMode", "vxlanMode")
        if pool["spec"].get(field) not in _NO_ENCAPSULATION
    ]


def _extra_pool(plan: dict, pool: dict) -> list[Finding]:
    """Return the findings for an unplanned pool, whose blocks the nodes advertise; inside the pod subnets it is harmless."""
    name, cidr = pool["metadata"]["name"], pool["spec"]["cidr"]
    if pool["spec"].get("disableBGPExport"):
        return []
    if _allowed(plan, cidr):
        return _encapsulation(pool)
    return [Finding("foreign-prefix", f"IP pool {name} has {cidr}, which is not the cluster's", prefix=cidr)]


def _allowed(plan: dict, prefix: str) -> bool:
    """Return whether import route control allows a prefix."""
    return within_any(prefix, plan["route_control"]["import"])


def _configuration(plan: dict, wanted: dict, kubernetes: Kubernetes) -> list[Finding]:
    name = wanted["metadata"]["name"]
    spec = kubernetes.of_kind("BGPConfiguration").get(name, {}).get("spec", {})
    findings = []
    if spec.get("nodeToNodeMeshEnabled", True):
        findings.append(Finding("mesh-on", f"BGPConfiguration {name}: nodeToNodeMeshEnabled is not false"))
    for field in SERVICE_FIELDS.values():
        seen = [entry["cidr"] for entry in spec.get(field) or ()]
        planned = [entry["cidr"] for entry in wanted["spec"].get(field, ())]
        findings += [
            Finding("service-cidr-missing", f"BGPConfiguration {name}: {field} lacks {cidr}", prefix=cidr)
            for cidr in planned
            if cidr not in seen
        ]
        findings += [
            Finding("foreign-prefix", f"BGPConfiguration {name}: {field} has {cidr}, which is not the cluster's", prefix=cidr)
            for cidr in seen
            if cidr not in planned and not _allowed(plan, cidr)
        ]
    return findings


def _filters(wanted: list[dict], kubernetes: Kubernetes) -> list[Finding]:
    findings = []
    for manifest in wanted:
        name = manifest["metadata"]["name"]
        seen = kubernetes.of_kind("BGPFilter").get(name)
        if seen is None:
            findings.append(Finding("bgpfilter-missing", f"BGPFilter {name} is missing"))
        elif any(not _has_rules(seen["spec"].get(field), rules) for field, rules in manifest["spec"].items()):
            findings.append(Finding("bgpfilter-missing", f"BGPFilter {name} lacks rules of the plan"))
    return findings


def _has_rules(seen: list | None, wanted: list) -> bool:
    return all(any(rule.items() <= other.items() for other in seen or ()) for rule in wanted)


# --- peers -----------------------------------------------------------------------------------------------------------


def _peers(plan: dict, wanted: list[dict], kubernetes: Kubernetes) -> list[Finding]:
    seen = dict(kubernetes.of_kind("BGPPeer"))
    planned = {peer["name"]: peer for peer in plan["peers"]}
    taken_over = names_as_found(wanted, list(seen.values()), plan["cluster"], adopt=False)
    findings = []
    for manifest in wanted:
        name = manifest["metadata"]["name"]
        peer = seen.pop(taken_over.get(name, name), None)
        at = _peer_scope(plan, planned[name])
        if peer is None:
            findings.append(Finding("bgppeer-missing", f"BGPPeer {name} is missing", **at))
        else:
            findings += _peer(plan, manifest["spec"], peer, at, kubernetes)
    for peer in seen.values():
        findings.append(_extra_peer(plan, peer, kubernetes))
    return findings


def _peer_scope(plan: dict, peer: dict) -> dict:
    nodes = {peer["node"]} if peer["node"] else {node["name"] for node in plan["nodes"] if node["rack"] == peer["rack"]}
    return {"rack": peer["rack"], "leaf": peer["leaf"], "family": peer["family"], "nodes": frozenset(nodes)}


def _peer(plan: dict, wanted: dict, peer: dict, at: dict, kubernetes: Kubernetes) -> list[Finding]:
    name, spec = peer["metadata"]["name"], peer["spec"]
    findings = []
    for field in sorted((set(wanted) | (_SELECTING & set(spec))) - {"password", "filters"}):
        value, planned = spec.get(field), wanted.get(field)
        if (value or None) == planned:
            continue
        what = f"BGPPeer {name}: {field} is {value or 'missing'}, not {planned or 'left out'}"
        across = field in ("node", "nodeSelector") and _across(plan, peer, kubernetes)
        if across:
            findings.append(
                Finding(
                    "cross-rack-peer",
                    f"{what}: it selects {', '.join(sorted(across))}",
                    leaf=at["leaf"],
                    nodes=across | at["nodes"],
                )
            )
        else:
            findings.append(Finding("bgppeer-differs", what, **at))
    if (spec.get("password") or {}).get("secretKeyRef") != wanted["password"]["secretKeyRef"]:
        findings.append(Finding("bgppeer-password", f"BGPPeer {name}: the password does not refer to the planned Secret", **at))
    if set(wanted.get("filters", ())) - set(spec.get("filters") or ()):
        findings.append(Finding("bgpfilter-missing", f"BGPPeer {name} does not use the filter", **at))
    keepalive = _seconds(spec.get("keepaliveTime"))
    if keepalive is not None and keepalive >= plan["bgp"]["hold"]:
        what = f"BGPPeer {name}: keepaliveTime is {spec['keepaliveTime']}, the hold time {plan['bgp']['hold']} s"
        findings.append(Finding("bgppeer-keepalive", what, **at))
    return findings


def _extra_peer(plan: dict, peer: dict, kubernetes: Kubernetes) -> Finding:
    name, spec = peer["metadata"]["name"], peer["spec"]
    leaf = _leaf_of(plan, spec.get("peerIP"))
    across = _across(plan, peer, kubernetes)
    if leaf and across:
        what = f"BGPPeer {name} lets {', '.join(sorted(across))} peer with leaf {leaf['id']} of rack {leaf['rack']}"
        return Finding("cross-rack-peer", what, leaf=leaf["id"], nodes=across)
    target = spec.get("peerIP") or spec.get("peerSelector") or "nobody"
    what = f"BGPPeer {name} is not planned (to {target}, AS {spec.get('asNumber', 'of the cluster')})"
    return Finding("bgppeer-extra", what, nodes=_selected(plan, spec, kubernetes) or frozenset())


def _leaf_of(plan: dict, address: str | None) -> dict | None:
    """Return the leaf with this peer address in the plan."""
    found = next((peer for peer in plan["peers"] if peer["address"] == address), None)
    return next((leaf for leaf in plan["leaves"] if found and leaf["id"] == found["leaf"]), None)


def _across(plan: dict, peer: dict, kubernetes: Kubernetes) -> frozenset[str]:
    """Return the nodes that a BGPPeer selects and that belong to another rack than its leaf."""
    leaf = _leaf_of(plan, peer["spec"].get("peerIP"))
    if not leaf:
        return frozenset()
    racks = {node["name"]: node["rack"] for node in plan["nodes"]}
    return frozenset(name for name in _selected(plan, peer["spec"], kubernetes) or () if racks[name] != leaf["rack"])


def _selected(plan: dict, spec: dict, kubernetes: Kubernetes) -> frozenset[str] | None:
    """Return the planned nodes that a BGPPeer selects; None if its selector is not understood."""
    names = [node["name"] for node in plan["nodes"]]
    if spec.get("node"):
        return frozenset({spec["node"]} & set(names))
    results = {name: selects(spec.get("nodeSelector") or "", kubernetes.labels(name)) for name in names}
    if None in results.values():
        return None
    return frozenset(name for name, result in results.items() if result)


def _seconds(duration: str | None) -> int | None:
    """Return a duration of Calico (``10s``, ``1m30s``) in seconds."""
    if not duration:
        return None
    total, number = 0, ""
    for character in duration:
        if character.isdigit():
            number += character
        else:
            total += int(number or 0) * {"h": 3600, "m": 60, "s": 1}.get(character, 0)
            number = ""
    return total
