"""The way back: a run keeps what the cluster owned on APIC, and the roots of its journal restore that, whatever the run changed."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from unit.module_utils.fabric import an
from unit.modules.running import TENANT, Runner
from unit.modules.test_adoption import by_hand
from unit.plugin_utils.sample_plans import BASES, FLOATING, STANDARD, plan_of

from ansible_collections.netops.aci_calico.plugins.module_utils import journal
from ansible_collections.netops.aci_calico.plugins.module_utils.apic.own import owned
from ansible_collections.netops.aci_calico.plugins.modules import aci_info
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import apic_roots
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.undo import KEPT, own_queries, roots_back

ROOT = Path(__file__).parents[3]
PARTS = ("access", "policies", "l3out")
CONTRACTS = {
    "contracts": [{"name": "web", "filters": [{"name": "https", "entries": ["tcp/443"]}, "default"]}],
    "provided_contracts": ["web"],
    "consumed_contracts": ["default"],
}
OTHER_SUBNETS = {
    "pod_subnets": ["10.8.0.0/16"],
    "service_subnets": ["192.168.80.0/22"],
    "external_service_subnets": ["192.168.90.0/24"],
    "node_subnets": ["192.168.99.0/24"],
    "racks": [{"id": 1, "leaves": [201, 202], "nodes": ["m1"]}],
}
RACKS = FLOATING["aci_calico_racks"]
# What somebody else has beside the cluster's objects.
FOREIGN = [
    an("bgpCtxPol", name="others", holdIntvl="90", kaIntvl="30", annotation="orchestrator:terraform"),
    an("vzBrCP", an("vzSubj", name="web"), name="theirs", annotation="orchestrator:aci-calico:prod10"),
]


class Site:
    """One cluster on the emulator, whose runs keep a journal."""

    def __init__(self, run: Runner, folder: Path) -> None:
        self.run = run
        self.folder = folder
        self.runs = 0

    def push(self, plan: dict[str, Any], state: str = "present", **options: Any) -> Path:
        """Run the playbook, and return the file of its journal."""
        self.runs += 1
        path = self.folder / f"{self.runs}.json"
        kept = {
            "path": str(path),
            "about": {"cluster": plan["cluster"], "run": str(self.runs)},
            "queries": own_queries(plan),
            "attributes": {cls: list(names) for cls, names in KEPT.items()},
        }
        for part in PARTS if state == "present" else reversed(PARTS):
            roots = apic_roots(plan, part)
            if roots:
                self._run(roots, cluster=plan["cluster"], state=state, journal=kept, **options)
        return path

    def back(self, plan: dict[str, Any], path: Path, check: bool = False) -> list[dict[str, Any]]:
        """Bring back what a journal has."""
        before = journal.read(str(path))["before"]["apic"]
        first, last = roots_back(plan, before, self.now(plan))
        return [self._run(roots, check, cluster=plan["cluster"]) for roots in (first, last)]

    def now(self, plan: dict[str, Any]) -> dict[str, Any]:
        server = self.run.server
        where = {"host": "127.0.0.1", "port": server.port, "username": "admin", "password": "lab-admin", "use_ssl": False}
        objects = self.run.invoke(aci_info, queries=own_queries(plan), **where)["objects"]
        replies = [{one["class"]: {"attributes": {**one["attributes"], "dn": dn}}} for dn, one in objects.items()]
        return owned(replies, plan["cluster"], KEPT)

    def _run(self, roots: list[dict[str, Any]], check: bool = False, **options: Any) -> dict[str, Any]:
        result = self.run(roots, check, **options)
        assert not result.get("failed"), result["msg"]
        return dict(result)

    def state(self) -> Any:
        """Return everything on APIC, without times and users."""
        objects = self.run.objects()
        return {
            dn: (cls, {name: value for name, value in one.items() if name not in ("uid", "userdom")})
            for dn, (cls, one) in objects.items()
        }


@pytest.fixture(name="site")
def _site(run: Runner, tmp_path: Path) -> Site:
    run.make(TENANT, an("fvTenant", *FOREIGN, name="common"))
    return Site(run, tmp_path)


CHANGES = {
    "MTU, timers, AS limit, ECMP": (
        FLOATING,
        {"mtu": 8900, "bgp_keepalive": 3, "bgp_hold": 9, "bgp_as_limit": 5, "bgp_ecmp_ebgp": 32},
    ),
    "a rack, a prefix limit, subnets": (FLOATING, {"racks": RACKS[:1], "bgp_prefix_limit": 500, "pod_subnets": ["10.2.0.0/16"]}),
    "a node": (STANDARD, {"racks": [{**RACKS[0], "nodes": [*RACKS[0]["nodes"], "node-9"]}, RACKS[1]]}),
    "another L3Out, the other kind of SVI": (FLOATING, {"l3out": "other", "svi": "standard", "vlan": "300-363"}),
    "contracts, the cluster's AS": (BASES["dual stack, floating"], {**CONTRACTS, "cluster_asn": 65010}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_undone_to_the_byte(site: Site, change: str) -> None:
    base, changes = CHANGES[change]
    first, second = plan_of(base), plan_of(base, **changes)
    for plan, other in ((first, second), (second, first)):
        site.push(plan)
        before = site.state()
        path = site.push(other)
        assert site.state() != before
        predicted = site.back(other, path, check=True)
        done = site.back(other, path)
        assert site.state() == before
        assert predicted[0]["modified"] == done[0]["modified"]
        assert not any(result["changed"] for result in site.back(other, path))


def test_the_first_run_and_a_teardown_are_undone(site: Site) -> None:
    plan = plan_of(FLOATING, **CONTRACTS)
    empty = site.state()
    first = site.push(plan)
    whole = site.state()
    site.back(plan, first)
    assert site.state() == empty
    site.push(plan)
    removal = site.push(plan, "absent")
    assert site.state() == empty
    site.back(plan, removal)
    assert site.state() == whole


@pytest.mark.parametrize("example", ["bare_fabric/edge1", "transit/east", "microsegmentation/shop"])
def test_examples_are_undone(site: Site, example: str) -> None:
    """Show it with access policies, tenant and VRF, and with objects inside the L3Outs and EPGs of others."""
    plan = json.loads((ROOT / f"tests/golden/{example}/plan.json").read_text(encoding="utf-8"))
    empty = site.state()
    first = site.push(plan)
    whole = site.state()
    removal = site.push(plan, "absent")
    assert site.state() == empty
    site.back(plan, removal)
    assert site.state() == whole
    site.back(plan, first)
    assert site.state() == empty


def test_an_adoption_is_undone(site: Site) -> None:
    site.run.make(TENANT, by_hand())
    before = site.state()
    path = site.push(plan_of(FLOATING), adopt=True)
    assert site.state() != before
    site.back(plan_of(FLOATING), path)
    assert site.state() == before


def test_an_undo_leaves_the_other_clusters_of_shared_policies_alone(site: Site) -> None:
    one, two = plan_of(FLOATING), plan_of(FLOATING, cluster_name="prod2", vlan=400, **OTHER_SUBNETS)
    site.push(two)
    alone = site.state()
    path = site.push(one)
    site.back(one, path)
    assert site.state() == alone
    site.push(one)
    both = site.state()
    path = site.push(one, "absent")
    site.back(one, path)
    assert site.state() == both


def test_a_journal_costs_one_request_and_an_unchanged_run_none(site: Site) -> None:
    plan = plan_of(FLOATING)
    site.push(plan)
    gets = [entry for entry in site.run.server.log if entry["method"] == "GET"]
    site.run.server.log.clear()
    path = site.push(plan)
    assert not path.exists()
    without = [entry for entry in site.run.server.log if entry["method"] == "GET"]
    assert len(gets) == len(without) + 1


def test_a_journal_is_private_and_says_what_the_run_does(site: Site) -> None:
    site.push(plan_of(FLOATING))
    path = site.push(plan_of(FLOATING, mtu=8900))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text(encoding="utf-8")
    assert "a-Password-that-appears-nowhere" not in text
    content = journal.read(str(path))
    assert (content["cluster"], content["run"], list(content["before"])) == ("prod1", "2", ["apic"])
    (change,) = content["changes"]
    assert set(map(json.dumps, change["modified"].values())) == {'{"mtu": "8900"}'}
    svi = next(iter(change["modified"]))
    assert content["before"]["apic"][svi]["attributes"]["mtu"] == "9000"


def test_a_journal_that_cannot_be_written_stops_the_run_before_it_changes_anything(site: Site) -> None:
    before = site.state()
    (site.folder / "1.json").write_text("{}", encoding="utf-8")
    plan = plan_of(FLOATING)
    kept = {"path": str(site.folder / "1.json"), "about": {}, "queries": own_queries(plan), "attributes": {}}
    result = site.run(apic_roots(plan, "policies"), cluster="prod1", journal=kept)
    assert result["failed"]
    assert "digest" in result["unwritable"]
    assert site.state() == before
