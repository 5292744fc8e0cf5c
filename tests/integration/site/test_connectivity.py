"""Contracts, transit and microsegments of clusters in one VRF: created once, shared, removed with the last cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from integration.site.harness import PASSWORD, ROOT, Cluster, Site

EXAMPLES = {"east": "transit", "west": "transit", "shop": "microsegmentation"}
SERVICES = "uni/tn-prod/brc-k8s-services"
ROUTE_MAP = "uni/tn-prod/out-core/prof-default-export"
INTERFACE = "uni/tn-mgmt/cif-k8s-services"


def _example(cluster: str) -> dict[str, Any]:
    """Return the variables of an example inventory's cluster without its connections."""
    folder = ROOT / "inventories" / EXAMPLES[cluster] / "group_vars"
    files = [*folder.glob("aci_calico_clusters/fabric.yml"), folder / cluster / "main.yml"]
    variables = {}
    for file in files:
        variables |= yaml.safe_load(file.read_text(encoding="utf-8"))
    return variables | {"aci_calico_bgp_password": PASSWORD}


@pytest.fixture
def fabric(site: Site) -> Cluster:
    """Return the first of the examples' clusters, which share a fabric."""
    first, *others = EXAMPLES
    cluster = site.add(first, _example(first), kube=False)
    for name in others:
        site.clusters[name] = Cluster(name, _example(name), cluster.apic)
    return cluster


def _objects(mo: dict[str, Any], above: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield DN, class and attributes of every object of a snapshot."""
    for cls, body in mo.items():
        dn = body["attributes"].get("dn", above)
        yield dn, cls, body["attributes"]
        for child in body.get("children", ()):
            yield from _objects(child, dn)


def _have(fabric: Cluster) -> dict[str, dict[str, Any]]:
    return {dn: attributes for dn, _cls, attributes in _objects(fabric.tree())}


def _users(objects: dict[str, Any], dn: str) -> set[str]:
    """Return the clusters whose tag is on an object."""
    begin = f"{dn}/annotationKey-[orchestrator:aci-calico:"
    return {tag.removeprefix(begin).rstrip("]") for tag in objects if tag.startswith(begin)}


def test_examples_share_a_fabric_and_leave_it_as_it_was(site: Site, fabric: Cluster) -> None:
    before = fabric.tree()
    west = site.clusters["west"].variables
    plain = west["aci_calico_contracts"]
    west["aci_calico_contracts"] = [dict(one, export_to=["mgmt"]) for one in plain if one["name"] == "k8s-services"]
    west["aci_calico_contracts"] += [one for one in plain if one["name"] != "k8s-services"]
    site.run("site", "--tags", "aci")
    objects = _have(fabric)
    assert [mo for mo in _objects(fabric.tree()) if mo[1].startswith("fault")] == []
    assert _users(objects, SERVICES) == _users(objects, ROUTE_MAP) == {"east", "west"}
    assert INTERFACE in objects
    assert {f"{ROUTE_MAP}/ctx-calico-{name}-transit" for name in ("east", "west")} <= set(objects)
    for dn, _cls, attributes in _objects(before):
        assert objects[dn] == attributes, "existing objects stay as they are"

    fabric.apic.log.clear()
    again = site.run("site", "--tags", "aci")
    assert [again.changed(name) for name in EXAMPLES] == [[], [], []]
    assert len(fabric.calls()) <= 8 * len(EXAMPLES)

    # Objects that leave the inventory are removed, also from tenants that it no longer names.
    del west["aci_calico_transit"]
    west["aci_calico_contracts"] = plain
    site.run("site", "--tags", "aci", "--limit", "west")
    objects = _have(fabric)
    assert INTERFACE not in objects
    assert f"{ROUTE_MAP}/ctx-calico-west-transit" not in objects
    assert "uni/tn-prod/subj-calico-west-transit" not in objects
    assert _users(objects, ROUTE_MAP) == {"east"}
    assert _users(objects, SERVICES) == {"east", "west"}

    site.run("teardown", "--tags", "aci", "--limit", "east")
    objects = _have(fabric)
    assert _users(objects, SERVICES) == {"west"}
    assert ROUTE_MAP not in objects
    site.run("teardown", "--tags", "aci")
    assert fabric.tree() == before


def test_objects_of_the_owner_of_a_transit_l3out_stay(site: Site, fabric: Cluster) -> None:
    route_map = {
        "rtctrlProfile": {
            "attributes": {"name": "default-export", "type": "global"},
            "children": [{"rtctrlCtxP": {"attributes": {"name": "by-hand", "order": "3"}}}],
        }
    }
    fabric.post("uni/tn-prod/out-core", route_map)
    consumed = {"fvRsCons": {"attributes": {"tnVzBrCPName": "k8s-services"}}}
    fabric.post("uni/tn-prod/ap-intranet/epg-web", consumed)
    before = fabric.tree()
    site.run("site", "--tags", "aci", "--limit", "east")
    objects = _have(fabric)
    assert objects[ROUTE_MAP]["type"] == "global"
    assert objects[f"{ROUTE_MAP}/ctx-calico-east-transit"]["order"] == "9"
    site.run("teardown", "--tags", "aci", "--limit", "east")
    assert json.dumps(fabric.tree()) == json.dumps(before)
