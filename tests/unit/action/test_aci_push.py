"""The ``aci_push`` action: what it hands to ``aci_tree``, and what it returns."""

from __future__ import annotations

from typing import Any

import pytest
from unit.action.running import MISSING, run
from unit.plugin_utils.healthy_cluster import Cluster

from ansible_collections.netops.aci_calico.plugins.action import aci_push as action

DONE = {"changed": True, "created": ["uni/x"], "modified": [], "deleted": [], "requests": {"total": 3}, "warnings": ["w"]}
PLAN = Cluster().plan
CONSENT = {"aci_calico_consent": "teardown:prod1"}


def push(answer: dict[str, Any], variables: dict[str, Any] | None = None, **arguments: Any) -> tuple[dict, dict]:
    """Return the result and the arguments of ``aci_tree``."""
    sent: dict[str, Any] = {}

    def module(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        sent.update(arguments, module=name)
        return answer

    return run(action, module, variables, **{"plan": PLAN, "part": "l3out", **arguments}), sent


def test_the_variables_say_what_is_pushed_and_how():
    variables = {"aci_calico_bgp_password": "secret", "aci_calico_apic_host": "apic", "aci_calico_adopt": "yes"}
    result, sent = push(DONE, variables)
    assert (sent["module"], sent["host"], sent["cluster"], sent["state"]) == ("aci_tree", "apic", "prod1", "present")
    assert (sent["adopt"], sent["update_password"]) == (True, "on_create")
    assert sent["secrets"] == {"bgp_password": "secret"}
    assert [root["dn"] for root in sent["roots"]] == ["uni/tn-common/out-calico-prod1", "uni"]
    assert (result["changed"], result["created"], result["warnings"]) == (True, ["uni/x"], ["w"])


def test_a_teardown_needs_no_password():
    _result, sent = push(DONE, {"aci_calico_bgp_password": MISSING} | CONSENT, state="absent")
    assert (sent["state"], sent["secrets"]) == ("absent", {"bgp_password": ""})


@pytest.mark.parametrize("named", [{}, {"aci_calico_consent": "teardown:prod2"}])
def test_a_cluster_is_removed_only_if_the_run_names_it(named):
    result, sent = push(DONE, named, state="absent")
    assert (result["failed"], sent) == (True, {})
    assert [problem["id"] for problem in result["problems"]] == ["consent-missing"]
    assert "-e aci_calico_consent=teardown:prod1" in result["problems"][0]["remedy"]


def test_a_preview_of_a_removal_only_warns():
    result, sent = push(DONE, state="absent", check=True)
    assert sent["state"] == "absent"
    assert any("consent-missing" in text for text in result["warnings"])


def test_the_report_grows_with_each_push_of_a_play():
    result, _sent = push(DONE, {"aci_calico_pushed": {"report": {"policies": {"created": []}}}})
    done = {"created": ["uni/x"], "modified": [], "deleted": [], "requests": 3}
    assert result["report"] == {"policies": {"created": []}, "l3out": done}


def test_a_plan_for_the_other_kind_of_svi_is_refused():
    result, sent = push(DONE, svi="standard")
    assert (result["failed"], sent) == (True, {})
    assert "Set aci_calico_svi: standard, or use the role aci_l3out_floating_svi." in result["msg"]


def test_a_refusal_names_the_privileges():
    tenant = f"uni/tn-{PLAN['fabric']['tenant']}"
    error = {"status": 403, "root": f"{tenant}/out-x", "text": "User x has no write access to class bgpAsP, dn y"}
    result, _sent = push({"failed": True, "msg": "APIC error 403", "error": error})
    assert result["msg"] == (
        f"APIC error 403. It needs the privileges to write {tenant}: fabric-protocol (bgpAsP). See docs/rights.md."
    )


def test_a_failure_is_that_of_aci_tree():
    result, _sent = push({"failed": True, "msg": "APIC refused it", "changed": True, "conflicts": ["it"]})
    assert (result["failed"], result["msg"], result["changed"]) == (True, "APIC refused it", True)
    assert not {"report", "conflicts"} & set(result)


LEASED = {"aci_calico_leased": {"lease": {"content": {"run": "3f2a"}, "held": {"apic": ""}}}}


def test_aci_tree_checks_the_lease_of_the_play():
    _result, sent = push(DONE, LEASED)
    assert sent["lease"] == {"dn": "uni/tn-common", "run": "3f2a", "doing": "push the part l3out to APIC"}
    assert "lease" not in push(DONE)[1]
    kubernetes_only = {"aci_calico_leased": {"lease": {"content": {"run": "3f2a"}, "held": {"kubernetes": "x"}}}}
    assert "lease" not in push(DONE, kubernetes_only)[1]


def test_a_lost_lease_is_a_problem():
    result, _sent = push({"failed": True, "msg": "lost", "changed": True, "lost": {"run": "77", "holder": "bob@ctl"}}, LEASED)
    assert [problem["id"] for problem in result["problems"]] == ["lease-lost"]
    assert "now bob@ctl (run 77)" in result["problems"][0]["problem"]
    assert result["changed"]


SINCE = {"run": "3f2a", "since": "2026-11-28T18:31:12Z"}
KEEPING = {"aci_calico_leased": {"lease": {"content": SINCE, "held": {"apic": ""}}}}


def test_aci_tree_gets_the_journal_of_the_run(tmp_path):
    file = tmp_path / "prod1.yml"
    file.write_text("now", encoding="utf-8")
    planned = {"plan": PLAN, "allocation_file": str(file)}
    variables = {**KEEPING, "aci_calico_artifacts_dir": str(tmp_path), "aci_calico_planned": planned}
    journal = push(DONE, variables)[1]["journal"]
    assert journal["path"] == str(tmp_path / "prod1/journal/20261128T183112Z-3f2a.json")
    assert journal["about"]["allocation"] == {"path": str(file), "text": "now"}
    assert journal["attributes"]["l3extVirtualLIfP"][:3] == ["addr", "autostate", "encap"]
    planned["recorded"] = {"before": None}
    elsewhere = {**variables, "aci_calico_journal": str(tmp_path / "kept")}
    journal = push(DONE, elsewhere)[1]["journal"]
    assert journal["path"].startswith(str(tmp_path / "kept/prod1/journal"))
    assert journal["about"]["allocation"]["text"] is None
    assert "journal" not in push(DONE, {**variables, "aci_calico_journal_keep": 0})[1]
    assert "journal" not in push(DONE, variables, part="undo", roots=[{"dn": "uni"}])[1]


def test_a_journal_that_cannot_be_written_is_a_problem(tmp_path):
    variables = {**KEEPING, "aci_calico_artifacts_dir": str(tmp_path)}
    result, _sent = push({"failed": True, "msg": "m", "unwritable": "No space left on device"}, variables)
    assert [problem["id"] for problem in result["problems"]] == ["journal-unwritable"]
    assert "No space left" in result["problems"][0]["problem"]
    (tmp_path / "prod1").mkdir()
    (tmp_path / "prod1" / "journal").symlink_to(tmp_path)
    result, sent = push(DONE, variables)
    assert ([problem["id"] for problem in result["problems"]], sent) == (["artifact-link"], {})


def test_a_side_that_the_rehearsal_found_as_planned_is_not_read_again():
    result, sent = push(DONE, {"aci_calico_leased": {"as_planned": {"apic": {}}}})
    assert (sent, result["changed"], result["created"], result["requests"]["total"]) == ({}, False, [], 0)
    assert result["report"]["l3out"] == {"created": [], "modified": [], "deleted": [], "requests": 0}
    for other in ({"as_planned": {"kubernetes": {}}}, {"as_planned": {}}, {"skipped": True}):
        assert push(DONE, {"aci_calico_leased": other})[1]["roots"]
