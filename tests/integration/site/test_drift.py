"""Drift on the lab: another user changes both sides, a run names what and who, and another one puts it back by name."""

from __future__ import annotations

import json
import tarfile
from typing import Any

from integration.site.harness import PASSWORD, Cluster, Site, intent, racks

from lab.kube.interface import MERGE_PATCH

FAILS = ("-e", "aci_calico_drift_fails=true")
CONSENT = ("-e", "aci_calico_consent=session-reset,route-loss,traffic-interruption")
PEERS = "/apis/crd.projectcalico.org/v1/bgppeers"


def _plant(cluster: Cluster) -> tuple[str, str]:
    """Change the MTU of an SVI, add an external EPG and change a BGPPeer; return the SVI and the peer."""
    role = {"aaaUserRole": {"attributes": {"name": "admin", "privType": "writePriv"}}}
    domain = {"aaaUserDomain": {"attributes": {"name": "all"}, "children": [role]}}
    eve = {"user": "eve", "password": "lab-eve-1"}
    user = {"aaaUser": {"attributes": {"name": eve["user"], "pwd": eve["password"]}, "children": [domain]}}
    cluster.post("uni/userext", user)
    svi = next(dn for dn in cluster.apic.tree.by_dn if "/vlifp-" in dn and dn.endswith("]"))
    cluster.post(svi, {"l3extVirtualLIfP": {"attributes": {"mtu": "1500"}}}, **eve)
    cluster.post("uni/tn-common/out-calico-prod", {"l3extInstP": {"attributes": {"name": "guest"}}}, **eve)
    name = cluster.kube.request("GET", PEERS)["items"][0]["metadata"]["name"]
    cluster.kube.request("PATCH", f"{PEERS}/{name}?fieldManager=kubectl-edit", {"spec": {"asNumber": 1}}, MERGE_PATCH)
    return svi, f"BGPPeer/{name}"


def _tenants(tree: dict[str, Any]) -> list[dict[str, Any]]:
    return [child for child in tree["polUni"]["children"] if "fvTenant" in child]


def test_drift_of_another_user_is_named_and_mended_by_name(site: Site) -> None:
    metrics = site.folder / "metrics"
    metrics.mkdir()
    cluster = site.add("prod", intent("floating", racks(1, 2), metrics_dir=str(metrics)))
    site.run("site")
    planned = _tenants(cluster.tree())
    svi, peer = _plant(cluster)
    before = cluster.tree(), cluster.kube.objects()
    failed = site.run("drift", *FAILS, check=False)
    assert failed.code == 2
    assert (cluster.tree(), cluster.kube.objects()) == before
    report = json.loads((site.folder / "artifacts/prod/drift.json").read_text())
    found = {one["object"]: one for one in report["differences"]}
    guest = "uni/tn-common/out-calico-prod/instP-guest"
    assert {name: (one["changed_by"], one["right"]) for name, one in found.items()} == {
        svi: ("eve", "plan"),
        guest: ("eve", "undecided"),
        peer: ("kubectl-edit", "plan"),
    }
    assert found[svi]["changed_at"] == cluster.apic.tree.by_dn[svi].values["modTs"]
    assert 'acicalico_drift_differences{cluster="prod",side="apic"} 2' in (metrics / "acicalico_drift_prod.prom").read_text()

    mended = site.run("mend", "-e", f"aci_calico_mend={found[svi]['name']},{found[peer]['name']}", *CONSENT)
    assert mended.changed("prod")
    assert cluster.kube.request("GET", f"{PEERS}/{peer.partition('/')[2]}")["spec"]["asNumber"] == 65002
    rest = site.run("mend", "-e", f"aci_calico_mend={found[guest]['name']}", *CONSENT)
    assert "mending 1 of 1 differences" in " ".join(rest.output.split())
    assert "no drift" in site.run("drift", *FAILS).output
    assert _tenants(cluster.tree()) == planned


def test_the_support_bundle_has_no_secret_and_says_what_is_missing(site: Site) -> None:
    cluster = site.add("prod", intent("floating", racks(1, 1)))
    site.run("site", "--tags", "aci")
    svi = next(dn for dn in cluster.apic.tree.by_dn if "/vlifp-" in dn and dn.endswith("]"))
    cluster.post(svi, {"l3extVirtualLIfP": {"attributes": {"descr": f"not {PASSWORD}"}}})
    before = cluster.tree(), cluster.kube.objects()
    site.run("support")
    assert (cluster.tree(), cluster.kube.objects()) == before
    with tarfile.open(site.folder / "artifacts/prod/support.tar.gz") as tar:
        files = {entry.name: file.read().decode() for entry in tar.getmembers() if (file := tar.extractfile(entry))}
    assert {"support-prod/artifacts/verify.json", "support-prod/artifacts/drift.json"} <= set(files)
    assert "not (hidden)" in files["support-prod/state/apic.json"]
    assert PASSWORD not in "".join(files.values())
    assert "lab-admin" not in "".join(files.values())
    assert json.loads(files["support-prod/versions.json"])["apic"]["topology/pod-1/node-1/sys/ctrlrfwstatuscont/ctrlrrunning"]
