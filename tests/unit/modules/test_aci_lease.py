"""The lease on APIC against the lab's emulator, and the push that notices its loss."""

from __future__ import annotations

from typing import Any

import pytest
from unit.modules.running import ROOTS, TENANT, arguments, asked, tenant

from ansible_collections.netops.aci_calico.plugins.modules import aci_lease


@pytest.fixture
def change(run, server):
    def call(state: str, holder: str, check: bool = False, **more: Any) -> dict[str, Any]:
        given = {name: value for name, value in arguments(server, []).items() if name not in ("roots", "secrets")}
        given |= {"dn": TENANT, "state": state, "lease": {"run": holder, "holder": f"{holder}@host"}, **more}
        return run.invoke(aci_lease, check, **given)

    return call


def test_the_life_of_a_lease(change, server):
    before = server.snapshot(volatile=False)
    other = change("acquired", "other", cluster="prod10")
    assert change("acquired", "a")["held"]
    busy = change("acquired", "b")
    assert (busy["held"], busy["holder"]["run"], busy["changed"]) == (False, "a", False)
    assert change("acquired", "b", take=["a"])["held"]
    assert change("renewed", "b")["held"]
    lost = change("renewed", "a")
    assert (lost["held"], lost["holder"]["holder"]) == (False, "b@host")
    change("released", "a")
    assert change("renewed", "b")["held"]
    change("released", "b")
    assert other["held"]
    assert change("renewed", "other", cluster="prod10")["held"]
    change("released", "other", cluster="prod10")
    assert server.snapshot(volatile=False) == before


def test_a_free_lease_takes_one_request_and_its_release_two(change, server):
    asked(server)
    change("acquired", "a")
    assert [method for method, _path in asked(server)] == ["POST", "POST"]
    change("released", "a")
    assert [method for method, _path in asked(server)] == ["POST", "GET", "POST"]


def test_check_mode_takes_none(change, server):
    asked(server)
    assert change("acquired", "a", check=True)["held"]
    assert asked(server) == []


def test_a_missing_tenant_is_an_error(change):
    result = change("acquired", "a", dn="uni/tn-none")
    assert result["failed"]
    assert "uni/tn-none" in result["msg"]


def test_a_push_stops_before_its_next_post(change, run, server):
    lease = {"dn": TENANT, "run": "a", "doing": "push"}
    change("acquired", "a")
    assert run(ROOTS[:1], lease=lease)["changed"]
    change("acquired", "b", take=["a"])
    asked(server)
    result = run(ROOTS, lease=lease)
    assert (result["failed"], result["changed"], result["lost"]["run"]) == (True, False, "b")
    assert ("POST", f"mo/{TENANT}") not in asked(server)
    assert not run(ROOTS[:1], lease=lease).get("failed"), "there is nothing to change"
    change("released", "b")


def test_a_lease_is_neither_conflict_nor_part_of_a_removal(change, run, server):
    run([tenant()])
    change("acquired", "a", dn="uni/tn-new")
    assert not run([tenant()])["changed"]
    result = run([tenant()], state="absent")
    assert result["deleted"]
    assert "lease" not in str(result)
