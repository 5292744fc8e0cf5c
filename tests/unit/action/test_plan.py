"""The ``plan`` action in real plays: what it collects, what it writes, what it says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from forked import ansible_playbook
from unit.plugin_utils.sample_plans import FLOATING, STANDARD, plan_of, racks, variables

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.problems import Problem

MARKER = "S3cr3tMarker"
PASSWORD = {"bgp_password": MARKER}
SHOWN = ("-e", "aci_calico_artifacts_diff=true")
ALLOCATION = "inventory/.allocations/prod1.yml"


class Fabric:
    """A folder with an inventory of clusters, and plays over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._groups: dict[str, Any] = {"aci_calico_clusters": {"hosts": {}}}
        (folder / "inventory").mkdir()

    def cluster(self, name: str, own: dict[str, Any], nodes: dict[str, Any] | None = None) -> None:
        """Add a cluster: its host, its group, its variables and its node hosts."""
        self._groups["aci_calico_clusters"]["hosts"][f"{name}-cluster"] = None
        self._groups[name] = {"hosts": {f"{name}-cluster": None, **(nodes or {})}}
        self.write("inventory/hosts.yml", yaml.safe_dump(self._groups))
        self.write(f"inventory/group_vars/{name}/main.yml", yaml.safe_dump(own))

    def write(self, path: str, text: str) -> None:
        """Write a file below the folder."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def read(self, path: str) -> str:
        """The text of a file below the folder."""
        return (self.folder / path).read_text(encoding="utf-8")

    def files(self) -> set[str]:
        """The files that were written."""
        made = (path for path in self.folder.rglob("*") if path.is_file() and "group_vars" not in path.parts)
        return {str(path.relative_to(self.folder)) for path in made} - {"inventory/hosts.yml", "play.yml"}

    def play(
        self, *arguments: str, inventory: str = "inventory", action: str = "plan", **options: Any
    ) -> tuple[dict[str, Any], str]:
        """Run an action on every cluster.

        :returns: its results by host, and all that was printed.
        """
        task = {"name": "Plan", f"netops.aci_calico.{action}": options}
        play = {
            "name": "Plan",
            "hosts": "all" if "," in inventory else "aci_calico_clusters",
            "gather_facts": False,
            "tasks": [task],
        }
        self.write("play.yml", yaml.safe_dump([play]))
        printed = ansible_playbook(
            *("-i", inventory, "play.yml", *arguments), folder=self.folder, DEFAULT_STDOUT_CALLBACK="ansible.posix.json"
        ).stdout
        report = json.loads(printed[printed.index('{\n    "custom_stats"') :])
        return report["plays"][0]["tasks"][0]["hosts"], printed


@pytest.fixture
def fabric(tmp_path):
    return Fabric(tmp_path)


def problems(result: dict[str, Any]) -> dict[str, str]:
    """``{rule: path}`` of a result."""
    return {problem.id: problem.path for problem in (Problem(**fields) for fields in result["problems"])}


def test_plans_writes_and_then_changes_nothing(fabric):
    fabric.cluster("prod1", variables(FLOATING, **PASSWORD))
    results, _printed = fabric.play(artifacts=True)
    result = results["prod1-cluster"]
    assert result["changed"]
    assert result["plan"] == plan_of()
    names = ("plan.json", "plan.md", "apic.json", "kubernetes.yml")
    *files, nodes = result["artifacts"]
    assert files == [f"artifacts/prod1/{name}" for name in names]
    assert {path for path in fabric.files() if not path.startswith(f"{nodes}/")} == {*files, "artifacts/prod1/.files", ALLOCATION}
    assert f"{nodes}/node-6/netplan.yaml" in fabric.files()
    written = {path: fabric.read(path) for path in fabric.files()}

    results, printed = fabric.play("-vvvv", "--diff", artifacts=True)
    assert not results["prod1-cluster"]["changed"]
    assert {path: fabric.read(path) for path in fabric.files()} == written
    assert MARKER not in printed + "".join(written.values())
    assert json.loads(written["artifacts/prod1/plan.json"]) == plan_of()
    assert list(json.loads(written["artifacts/prod1/apic.json"])) == ["polUni"]
    kinds = {manifest["kind"] for manifest in yaml.safe_load_all(written["artifacts/prod1/kubernetes.yml"])}
    assert kinds >= {"Node", "Secret", "IPPool", "BGPPeer", "BGPConfiguration"}


def test_the_nodes_folder_holds_no_file_of_an_earlier_plan(fabric):
    folder = "artifacts/prod1/nodes"
    fabric.cluster("prod1", variables(FLOATING, racks=racks(["a", "b"]), **PASSWORD))
    fabric.play(artifacts=True)
    assert {f"{folder}/b/netplan.yaml", f"{folder}/a/bond0.300.nmconnection"} <= fabric.files()
    fabric.cluster("prod1", variables(FLOATING, racks=racks(["a"]), node_configs="netplan", **PASSWORD))
    results, _printed = fabric.play("--check", "--diff", *SHOWN, artifacts=True)
    gone = {change["before_header"] for change in results["prod1-cluster"]["diff"] if not change["after"]}
    assert f"{folder}/b/netplan.yaml" in gone & fabric.files()
    fabric.play(artifacts=True)
    assert {path for path in fabric.files() if path.startswith(folder)} == {f"{folder}/a/netplan.yaml"}
    results, _printed = fabric.play(artifacts=True)
    assert not results["prod1-cluster"]["changed"]


def test_files_of_users_stay_and_links_are_refused(fabric):
    fabric.cluster("prod1", variables(FLOATING, racks=racks(["a", "b"]), **PASSWORD))
    fabric.play(artifacts=True)
    fabric.write("artifacts/prod1/nodes/b/notes.txt", "mine")
    fabric.write("elsewhere/netplan.yaml", "mine")
    fabric.cluster("prod1", variables(FLOATING, racks=racks(["a"]), **PASSWORD))
    fabric.play(artifacts=True)
    assert {path for path in fabric.files() if path.startswith("artifacts/prod1/nodes/b/")} == {
        "artifacts/prod1/nodes/b/notes.txt"
    }

    shutil.rmtree(fabric.folder / "artifacts/prod1/nodes/a")
    (fabric.folder / "artifacts/prod1/nodes/a").symlink_to(fabric.folder / "elsewhere")
    fabric.cluster("prod1", variables(FLOATING, racks=racks(["a", "new"]), **PASSWORD))
    before = {path: fabric.read(path) for path in fabric.files()}
    results, _printed = fabric.play(artifacts=True)
    assert problems(results["prod1-cluster"]) == {"artifact-link": "artifacts/prod1/nodes/a"}
    assert {path: fabric.read(path) for path in fabric.files()} == before, "neither artifacts nor the allocation"


def test_artifacts_and_allocation_are_written_together_or_not_at_all(fabric):
    fabric.cluster("prod1", variables(FLOATING, allocation_file="file/one.yml", **PASSWORD))
    fabric.write("file", "mine")
    results, printed = fabric.play(artifacts=True)
    assert problems(results["prod1-cluster"]) == {"allocation-file": "file/one.yml"}
    assert "Not a directory" in printed
    (fabric.folder / "file").unlink()
    fabric.write("artifacts/prod1/plan.md/mine", "mine")
    results, printed = fabric.play(artifacts=True)
    assert problems(results["prod1-cluster"]) == {"file-unwritable": "artifacts/prod1/plan.md"}
    assert fabric.files() == {"artifacts/prod1/plan.md/mine"}
    assert "Traceback" not in printed


def test_many_problems_are_summed_up(fabric):
    nodes = [f"node_{number}" for number in range(120)]
    fabric.cluster("prod1", variables(FLOATING, racks=racks(nodes), **PASSWORD))
    results, _printed = fabric.play()
    result = results["prod1-cluster"]
    assert len(result["problems"]) == 50
    assert result["msg"] == "Cluster prod1 cannot be planned: 120 errors. The first 50 are listed."
    assert not fabric.files()
    results, _printed = fabric.play(artifacts=True)
    assert results["prod1-cluster"]["msg"].endswith("All of them are in artifacts/prod1/problems.txt")
    assert fabric.read("artifacts/prod1/problems.txt").count("[error: invalid-dns-name]") == 120
    fabric.cluster("prod1", variables(FLOATING, **PASSWORD))
    fabric.play(artifacts=True)
    assert "artifacts/prod1/problems.txt" not in fabric.files()


def test_check_mode_tells_and_writes_nothing(fabric):
    fabric.cluster("prod1", variables(FLOATING, **PASSWORD))
    results, printed = fabric.play("--check", "--diff", artifacts=True)
    assert results["prod1-cluster"]["changed"]
    assert [change["after_header"].endswith(ALLOCATION) for change in results["prod1-cluster"]["diff"]] == [True]
    results, printed = fabric.play("--check", "--diff", *SHOWN, artifacts=True)
    assert {change["after_header"] for change in results["prod1-cluster"]["diff"]} >= {"artifacts/prod1/plan.json"}
    assert not fabric.files()
    assert MARKER not in printed


def test_keeps_addresses_by_the_allocation_file(fabric):
    fabric.cluster("prod1", variables(FLOATING, racks=racks(["a", "b"]), **PASSWORD))
    fabric.play()
    assert fabric.files() == {ALLOCATION}
    fabric.cluster("prod1", variables(FLOATING, racks=racks(["new", "b"]), **PASSWORD))
    results, _printed = fabric.play()
    nodes = results["prod1-cluster"]["plan"]["nodes"]
    assert [(node["name"], node["slot"]) for node in nodes] == [("new", 0), ("b", 1)]


def test_a_consent_is_given_with_the_run_and_refused_elsewhere(fabric):
    fabric.cluster("prod1", variables(FLOATING, consent=["session-reset"], **PASSWORD))
    results, _printed = fabric.play()
    assert problems(results["prod1-cluster"]) == {"consent-not-of-run": "aci_calico_consent"}
    fabric.cluster("prod1", variables(FLOATING, **PASSWORD))
    results, _printed = fabric.play("-e", "aci_calico_consent=session-reset,teardown:prod1")
    assert results["prod1-cluster"]["problems"] == []
    results, _printed = fabric.play("-e", "aci_calico_consent=sesion-reset")
    assert problems(results["prod1-cluster"]) == {"invalid-consent": "aci_calico_consent[0]"}


def test_says_everything_that_is_wrong_and_writes_nothing(fabric):
    fabric.cluster("prod1", variables(FLOATING, mtu=1, cluster_asn=65002, vlna=3, tenant="{{ nowhere }}", bgp_password=""))
    results, printed = fabric.play(artifacts=True)
    result = results["prod1-cluster"]
    assert result["failed"]
    assert problems(result) == {
        "out-of-range": "aci_calico_mtu",
        "asn-equal": "aci_calico_cluster_asn",
        "unknown-variable": "aci_calico_vlna",
        "unresolved-variable": "aci_calico_tenant",
        "password-empty": "aci_calico_bgp_password",
    }
    assert result["msg"] == "Cluster prod1 cannot be planned: 5 errors"
    assert all(printed.count(f'"{problem["id"]}"') == 1 for problem in result["problems"])
    assert all(printed.count(f"{problem['path']} [error: {problem['id']}]") == 1 for problem in result["problems"])
    assert not fabric.files()
    assert "Traceback" not in printed


def test_warnings_are_shown(fabric):
    fabric.cluster("prod1", variables(FLOATING, bgp_prefix_limit=5, **PASSWORD))
    results, _printed = fabric.play()
    assert any("aci_calico_bgp_prefix_limit" in str(text) for text in results["prod1-cluster"]["warnings"])


# --- secrets ---------------------------------------------------------------------------------------------------------


def vaulted(fabric: Fabric) -> dict[str, Any]:
    """The example with a password that only the Vault opens."""
    fabric.write("vault-password", "open sesame")
    secret = VaultLib().encrypt(MARKER, VaultSecret(b"open sesame")).decode()
    fabric.cluster("prod1", variables(FLOATING, bgp_password="{{ vault_bgp_password }}"))
    fabric.write("inventory/group_vars/prod1/vault.yml", f"vault_bgp_password: !vault |\n{indent(secret, '  ')}")


def test_pushing_needs_the_vault_and_planning_does_not(fabric):
    vaulted(fabric)
    results, _printed = fabric.play()
    assert not results["prod1-cluster"]["problems"]
    results, _printed = fabric.play(require_secrets=True)
    assert problems(results["prod1-cluster"]) == {"password-unreadable": "aci_calico_bgp_password"}
    results, printed = fabric.play("--vault-password-file", "vault-password", "-vvvv", require_secrets=True)
    assert not results["prod1-cluster"]["problems"]
    assert MARKER not in printed


def test_what_only_a_connection_needs_is_not_needed(fabric):
    own = variables(FLOATING, apic_private_key="{{ vault_key }}", kubeconfig="{{ nowhere }}", bgp_password="{{ nowhere }}")
    fabric.cluster("prod1", own)
    results, _printed = fabric.play()
    assert not results["prod1-cluster"]["problems"]


def test_a_password_must_be_declared(fabric):
    fabric.cluster("prod1", variables(FLOATING))
    results, _printed = fabric.play()
    assert problems(results["prod1-cluster"]) == {"password-missing": "aci_calico_bgp_password"}


# --- hosts -----------------------------------------------------------------------------------------------------------


def test_hosts_of_the_clusters_group_are_its_nodes(fabric):
    nodes = {"node-a": {"aci_calico_rack": 1}, "node-b": {"aci_calico_rack": "{{ 1 + 1 }}", "aci_calico_node_slot": 5}}
    fabric.cluster("prod1", variables(STANDARD, racks=racks([], []), **PASSWORD), nodes)
    fabric.cluster("prod2", variables(STANDARD, racks=racks([], []), vrf="other", vlan="400-410", l3out="x", **PASSWORD | {
        "cluster_name": "prod2"}), {"node-c": {"aci_calico_rack": 1}})  # fmt: skip
    results, _printed = fabric.play()
    planned = {
        host: [(node["name"], node["rack"], node["slot"]) for node in result["plan"]["nodes"]] for host, result in results.items()
    }
    assert planned == {"prod1-cluster": [("node-a", "1", 0), ("node-b", "2", 5)], "prod2-cluster": [("node-c", "1", 0)]}


def test_what_is_wrong_with_a_host_names_the_host(fabric):
    nodes = {"node-a": {"aci_calico_rack": 1}, "node-b": {"aci_calico_rack": "{{ nowhere }}"}, "node-c": {}}
    fabric.cluster("prod1", variables(STANDARD, racks=racks([], []), **PASSWORD), nodes)
    results, _printed = fabric.play()
    found = {
        (problem["id"], problem["path"]) for problem in results["prod1-cluster"]["problems"] if problem["severity"] == "error"
    }
    assert found == {
        ("unresolved-variable", "hosts.node-b.aci_calico_rack"),
        ("node-without-rack", "hosts.node-c.aci_calico_rack"),
    }


def test_clusters_are_checked_against_each_other(fabric):
    fabric.cluster("prod1", variables(FLOATING, **PASSWORD))
    other = variables(FLOATING, cluster_name="prod2", vlan=301, mtu="{{ nowhere }}", **PASSWORD)
    fabric.cluster("prod2", other)
    results, _printed = fabric.play()
    assert set(problems(results["prod1-cluster"])) == {"subnet-overlap-clusters"}
    assert set(problems(results["prod2-cluster"])) == {"subnet-overlap-clusters", "unresolved-variable"}


# --- the allocation file ---------------------------------------------------------------------------------------------


def test_a_broken_allocation_file_is_not_overwritten(fabric):
    fabric.cluster("prod1", variables(FLOATING, **PASSWORD))
    fabric.write(ALLOCATION, "<<<<<<< HEAD\n")
    results, _printed = fabric.play()
    assert set(problems(results["prod1-cluster"])) == {"allocation-file"}
    assert fabric.read(ALLOCATION) == "<<<<<<< HEAD\n"


def test_the_file_of_another_cluster_is_refused_and_one_file_for_two(fabric):
    fabric.cluster("prod1", variables(FLOATING, **PASSWORD))
    fabric.play()
    whole = fabric.read(ALLOCATION)
    fabric.cluster("prod1", variables(FLOATING, cluster_name="prod2", allocation_file=ALLOCATION, **PASSWORD))
    results, _printed = fabric.play()
    assert problems(results["prod1-cluster"]) == {"allocation-file-foreign": ALLOCATION}
    assert fabric.read(ALLOCATION) == whole

    (fabric.folder / "link.yml").symlink_to(ALLOCATION)
    fabric.cluster("prod1", variables(FLOATING, **PASSWORD))
    fabric.cluster(
        "prod2", variables(STANDARD, vrf="other", l3out="x", cluster_name="prod2", allocation_file="link.yml", **PASSWORD)
    )
    results, _printed = fabric.play()
    for host in ("prod1-cluster", "prod2-cluster"):
        assert problems(results[host])["allocation-file-shared"] == "aci_calico_allocation_file"
        [problem] = [one for one in results[host]["problems"] if one["id"] == "allocation-file-shared"]
        assert "is the allocation file of cluster prod1 and of cluster prod2" in problem["problem"]
    assert fabric.read(ALLOCATION) == whole


def test_the_allocation_is_written_through_a_link_and_keeps_its_mode(fabric):
    fabric.cluster("prod1", variables(FLOATING, racks=racks(["a"]), **PASSWORD))
    fabric.write("kept/prod1.yml", "")
    link, real = fabric.folder / ALLOCATION, fabric.folder / "kept/prod1.yml"
    link.parent.mkdir()
    link.symlink_to(real)
    real.unlink()
    fabric.play()
    real.chmod(0o600)
    fabric.cluster("prod1", variables(FLOATING, racks=racks(["a", "b"]), **PASSWORD))
    fabric.play()
    assert link.is_symlink()
    assert "  b: " in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_merge_by_hand_is_sealed_by_naming_the_cluster_with_the_run(fabric):
    fabric.cluster("prod1", variables(FLOATING, racks=racks(["a", "b"]), **PASSWORD))
    fabric.play()
    fabric.write(ALLOCATION, fabric.read(ALLOCATION).replace("192.168.2.2}", "192.168.2.9}"))
    results, _printed = fabric.play()
    assert problems(results["prod1-cluster"]) == {"allocation-file-changed": str(fabric.folder / ALLOCATION)}
    results, _printed = fabric.play("-e", "aci_calico_seal_allocation=prod1")
    assert results["prod1-cluster"]["plan"]["nodes"][1]["networks"]["ipv4"]["address"] == "192.168.2.9/24"
    results, _printed = fabric.play()
    assert not results["prod1-cluster"]["changed"]
    fabric.cluster("prod1", variables(FLOATING, seal_allocation="prod1", racks=racks(["a", "b"]), **PASSWORD))
    results, _printed = fabric.play()
    assert problems(results["prod1-cluster"]) == {"consent-not-of-run": "aci_calico_seal_allocation"}


def test_a_push_without_the_allocation_file_is_warned_of_and_the_plan_is_the_same(fabric):
    fabric.cluster("prod1", variables(FLOATING, **PASSWORD))
    first, second = (fabric.play(require_secrets=True)[0]["prod1-cluster"] for _run in range(2))
    assert any("every slot is assigned anew" in str(text) for text in first["warnings"])
    assert "warnings" not in second
    assert first["plan"] == second["plan"]


def test_the_allocation_file_can_be_elsewhere(fabric):
    fabric.cluster("prod1", variables(FLOATING, allocation_file="slots/one.yml", **PASSWORD))
    results, _printed = fabric.play()
    assert results["prod1-cluster"]["allocation_file"] == "slots/one.yml"
    assert fabric.files() == {"slots/one.yml"}


def test_an_inventory_without_a_folder_is_warned_of(fabric):
    fabric.write("vars.json", json.dumps(variables(FLOATING, **PASSWORD)))
    results, _printed = fabric.play("-e", "@vars.json", inventory="somewhere,")
    assert set(problems(results["somewhere"])) == {"allocation-not-recorded"}
    assert results["somewhere"]["allocation_file"] is None
