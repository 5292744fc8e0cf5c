"""Subscriptions without a network: what is sent to whom, refreshes, and what misbehaviour loses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.twin.paper import mo


class Socket:
    """The socket of a client's session."""

    def __init__(self, client: Any) -> None:
        self._apic, self.session = client.apic, client.apic.gate.session_of(client.cookies)
        self._outbox = self._apic.subscriptions.open(self.session)

    def events(self) -> list[tuple[list[str], str, dict[str, str]]]:
        """Return what was sent since the last look: ids, class, attributes."""
        found = []
        while not self._outbox.empty():
            event = json.loads(self._outbox.get_nowait())
            ((cls, body),) = event["imdata"][0].items()
            found.append((event["subscriptionId"], cls, body["attributes"]))
        return found


@pytest.fixture(name="socket")
def _socket(client: Any) -> Socket:
    return Socket(client)


def subscribe(client: Any, target: str) -> str:
    response = client.send("GET", f"/api/{target}&subscription=yes")
    assert response.status == 200
    return json.loads(response.body)["subscriptionId"]


def test_changes_below_a_subscribed_object_are_sent(client, socket, l3out):
    number = subscribe(client, f"mo/{l3out}.json?query-target=subtree")
    client.post(l3out, mo("l3extInstP", name="e", descr="new"))
    client.post(f"{l3out}/instP-e", mo("l3extInstP", descr="changed"))
    client.post("uni/tn-prod", mo("fvCtx", name="elsewhere"))
    client.delete(f"{l3out}/instP-e")
    created, modified, deleted = [one for one in socket.events() if one[1] == "l3extInstP"]
    assert (created[0], created[2]["status"], created[2]["name"]) == ([number], "created", "e")
    assert {name: modified[2][name] for name in ("dn", "status", "descr")} == {
        "dn": f"{l3out}/instP-e",
        "status": "modified",
        "descr": "changed",
    }
    assert "name" not in modified[2]
    assert deleted[2] == {"childAction": "", "dn": f"{l3out}/instP-e", "rn": "", "status": "deleted"}


def test_a_query_of_a_class_and_its_filter_limit_what_is_sent(client, socket):
    own = subscribe(client, 'class/fvCtx.json?query-target-filter=eq(fvCtx.descr,"mine")')
    all_ = subscribe(client, "class/fvCtx.json?query-target=self")
    client.post("uni/tn-prod", mo("fvCtx", name="a", descr="mine"))
    client.post("uni/tn-prod", mo("fvCtx", name="b"))
    assert [(ids, told["name"]) for ids, cls, told in socket.events() if cls == "fvCtx"] == [([own, all_], "a"), ([all_], "b")]


def test_a_session_without_a_subscription_gets_nothing(client, socket, make_client):
    subscribe(client, "class/fvTenant.json?query-target=self")
    other = Socket(make_client())
    client.post("uni", mo("fvTenant", name="t"))
    assert len(socket.events()) == 1
    assert other.events() == []


def test_a_subscription_lives_as_long_as_it_is_refreshed(client, socket, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("lab.apic.subscriptions.time.monotonic", lambda: now)
    number = subscribe(client, "class/fvTenant.json?query-target=self")
    longer = subscribe(client, "class/fvTenant.json?refresh-timeout=300")
    now += 50
    assert client.get(f"/api/subscriptionRefresh.json?id={number}") == []
    now += 50
    client.post("uni", mo("fvTenant", name="a"))
    now += 50
    client.post("uni", mo("fvTenant", name="b"))
    assert [ids for ids, _cls, _told in socket.events()] == [[number, longer], [longer]]
    assert client.refusal("GET", f"/api/subscriptionRefresh.json?id={number}")[0] == 400


def test_a_new_token_belongs_to_the_same_session(client, socket):
    subscribe(client, "class/fvTenant.json?query-target=self")
    answer = client.get("/api/aaaRefresh.json")
    client.cookies = f"APIC-cookie={answer[0]['aaaLogin']['attributes']['token']}"
    assert client.apic.gate.session_of(client.cookies) == socket.session
    client.post("uni", mo("fvTenant", name="t"))
    assert len(socket.events()) == 1


def test_forgotten_subscriptions_and_muted_changes_are_lost(client, socket):
    number = subscribe(client, "class/fvTenant.json?query-target=self")
    client.apic.subscriptions.muted = True
    client.post("uni", mo("fvTenant", name="a"))
    client.apic.subscriptions.muted = False
    client.apic.subscriptions.forget()
    client.post("uni", mo("fvTenant", name="b"))
    assert socket.events() == []
    assert client.refusal("GET", f"/api/subscriptionRefresh.json?id={number}")[0] == 400
