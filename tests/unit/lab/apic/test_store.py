"""The state that survives a restart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.apic import store
from lab.twin.paper import mo


@pytest.fixture(name="l3out")
def _l3out(floating):
    """Return an L3Out whose peer has a password."""
    peer = mo("bgpPeerP", addr="192.168.2.0/24", password="marker-secret")
    return mo("l3extOut", mo("l3extLNodeP", mo("l3extLIfP", floating(peer), name="f"), name="n"), name="o")


def test_transactions_survive(make_client, l3out, tmp_path: Path) -> None:
    client = make_client(tmp_path)
    client.post("uni", mo("fvTenant", mo("fvCtx", name="gone"), l3out, name="t"))
    client.delete("uni/tn-t/ctx-gone")
    client.post("uni/tn-t", mo("fvCtx", name="kept", descr="x"))
    client.post("uni/tn-t", mo("l3extOut", mo("l3extRsEctx", tnFvCtxName="missing"), name="p"))
    again = make_client(tmp_path)
    assert again.apic.snapshot() == client.apic.snapshot()
    assert again.apic.secrets() == client.apic.secrets() != {}
    assert again.get("/api/mo/uni/tn-t.json?rsp-subtree=full") == client.get("/api/mo/uni/tn-t.json?rsp-subtree=full")
    again.post("uni/tn-t", mo("fvCtx", name="missing"))
    assert again.attributes("uni/tn-t/out-p/rsectx")["state"] == "formed"


def test_a_subtree_that_was_replaced_in_one_transaction(make_client, tmp_path: Path) -> None:
    client = make_client(tmp_path)
    client.post("uni", mo("fvTenant", mo("vzBrCP", mo("vzSubj", name="old"), name="c"), name="t"))
    client.post(
        "uni",
        mo("fvTenant", mo("vzBrCP", name="c", status="deleted"), mo("vzBrCP", mo("vzSubj", name="new"), name="c"), name="t"),
    )
    assert make_client(tmp_path).apic.snapshot() == client.apic.snapshot()


def test_refused_and_torn_transactions_leave_no_trace(make_client, tmp_path: Path) -> None:
    client = make_client(tmp_path)
    client.refusal("POST", "/api/mo/uni.json", {"fvTenant": {"attributes": {"name": "no", "descr": "[x]"}}})
    journal = tmp_path / "journal.jsonl"
    assert not journal.exists()
    client.post("uni", mo("fvTenant", name="whole"))
    before = client.apic.snapshot()
    client.post("uni", mo("fvTenant", name="torn"))
    journal.write_bytes(journal.read_bytes()[:-20])
    assert make_client(tmp_path).apic.snapshot() == before


@pytest.mark.parametrize("compact_after", [1, 500])
def test_no_file_holds_a_password(make_client, l3out, tmp_path: Path, monkeypatch, compact_after) -> None:
    monkeypatch.setattr(store, "COMPACT_AFTER", compact_after)
    make_client(tmp_path).post("uni", mo("fvTenant", l3out, name="t"))
    for path in tmp_path.iterdir():
        assert b"marker" not in path.read_bytes(), path
        assert path.stat().st_mode & 0o077 == 0, path


def test_live_state_ends_with_the_process_and_all_else_with_a_reset(make_client, tmp_path: Path) -> None:
    client = make_client(tmp_path)
    dn = "topology/pod-1/node-201/sys/bgp/inst/dom-common:calico/peer-[192.168.2.1]/ent-[192.168.2.1]"
    entry = {"bgpPeerEntry": {"attributes": {"dn": dn, "operSt": "established"}}}
    assert client.apic.replace_operational("twin", [entry]) == 1
    client.post("uni", {"fvTenant": {"attributes": {"name": "t"}}})
    assert make_client(tmp_path).get("/api/class/bgpPeerEntry.json") == []
    client.apic.reset()
    assert client.apic.tree.get("uni/tn-t") is None
    assert json.loads((tmp_path / "tree.json").read_text())["set"]
    assert make_client(tmp_path).apic.tree.get("uni/tn-t") is None
