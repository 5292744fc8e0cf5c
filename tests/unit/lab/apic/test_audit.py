"""The audit log: who changed what, and when."""

from __future__ import annotations

import pytest

from lab.apic import audit
from lab.twin.paper import mo

OUT = "uni/tn-common/out-calico"


def _records(client, condition: str = "") -> list[tuple[str, str, str, str]]:
    """Return user, kind of change, object and changes of the records, the newest first."""
    path = f"/api/class/aaaModLR.json?order-by=aaaModLR.created|desc{condition}"
    records = [item["aaaModLR"]["attributes"] for item in client.get(path)]
    return [(one["user"], one["ind"], one["affected"], one["changeSet"]) for one in records]


def test_each_change_of_a_user_has_a_record(client) -> None:
    assert _records(client) == []
    client.post("uni/tn-common", mo("l3extOut", mo("l3extInstP", name="web"), name="calico"))
    assert sorted(_records(client)) == [
        ("admin", "creation", OUT, "name:calico"),
        ("admin", "creation", f"{OUT}/instP-web", "name:web"),
    ]
    client.post(OUT, mo("l3extOut", descr="x", nameAlias="y"))
    only = f'&query-target-filter=and(eq(aaaModLR.affected,"{OUT}"),eq(aaaModLR.ind,"modification"))'
    assert _records(client, only) == [("admin", "modification", OUT, "descr (Old: , New: x), nameAlias (Old: , New: y)")]
    client.delete(OUT)
    gone = _records(client, '&query-target-filter=eq(aaaModLR.ind,"deletion")')
    assert {dn for __, __, dn, __ in gone} == {OUT, f"{OUT}/instP-web"}


def test_what_changes_nothing_or_is_refused_has_no_record(client) -> None:
    client.post("uni", mo("fvTenant", name="t"))
    count = len(_records(client))
    client.post("uni", mo("fvTenant", name="t"))
    client.refusal("POST", "/api/mo/uni.json", mo("fvTenant", mo("fvCtx", name="v"), mo("fvCtx", name="bad name!"), name="t"))
    assert len(_records(client)) == count


def test_a_record_has_the_time_of_its_change_and_no_secrets(client) -> None:
    client.post("uni/userext", mo("aaaUser", name="eve", pwd="marker-secret-1"))
    client.post("uni/userext/user-eve", mo("aaaUser", pwd="marker-secret-2", descr="x"))
    (record,) = client.get('/api/class/aaaModLR.json?query-target-filter=eq(aaaModLR.ind,"modification")')
    shown = record["aaaModLR"]["attributes"]
    assert shown["created"] == client.attributes("uni/userext/user-eve")["modTs"]
    assert shown["dn"] == f"subj-[uni/userext/user-eve]/mod-{shown['id']}"
    assert client.get(f"/api/mo/{shown['dn']}.json") == [record]
    assert "marker-secret" not in str(client.get("/api/class/aaaModLR.json"))


def test_old_records_make_room(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST", 3)
    for number in range(5):
        client.post("uni", mo("fvTenant", name=f"t{number}"))
    assert {dn for __, __, dn, __ in _records(client)} == {"uni/tn-t2", "uni/tn-t3", "uni/tn-t4"}
