"""Requests that the API server refuses, breaks off or does not understand."""

from __future__ import annotations

import json
import ssl

import pytest
from unit.module_utils.kubernetes.api_server import ApiServer, Fault
from urllib3.exceptions import MaxRetryError, SSLError

from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes import api as api_module
from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes.api import KubeApi, KubeError, failure_of
from ansible_collections.netops.aci_calico.plugins.module_utils.masking import Mask

NODE = {"metadata": {"name": "a"}}
PATH = "/api/v1/nodes/a"
REFUSALS = (403, 404, 405, 409, 503)


@pytest.fixture(autouse=True)
def slept(monkeypatch):
    pauses = []
    monkeypatch.setattr(api_module.time, "sleep", pauses.append)
    return pauses


@pytest.mark.parametrize(
    ("call", "arguments", "method", "expected"),
    [
        ("get", (PATH,), "get", {404}),
        ("create", ("/api/v1/nodes", NODE), "post", {404}),
        ("review", ("/api/v1/nodes", NODE), "post", {404, 405}),
        ("delete", (PATH,), "delete", {404, 409}),
    ],
)
def test_only_unexpected_refusals_are_failures(call, arguments, method, expected):
    for status in REFUSALS:
        server = ApiServer({}, *[Fault(method, status)] * 9)
        if method == "delete":
            server.objects[PATH] = NODE
        api = KubeApi(server)
        assert not getattr(api, call)(*arguments)
        failure = {"path": arguments[0], "status": status, "message": f"refused with {status}"}
        assert api.failures == ([] if status in expected else [failure]), status


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, None])
def test_a_read_is_repeated(status, slept):
    server = ApiServer({PATH: NODE}, Fault("get", status), Fault("get", status))
    assert KubeApi(server).get(PATH) == NODE
    assert len(slept) == 2


def test_an_outage_is_waited_for_once(slept):
    api = KubeApi(ApiServer({}, *[Fault("get", 503)] * 99))
    assert (api.get("/a"), api.get("/b"), api.get("/c")) == (None, None, None)
    assert len(slept) == len(api_module.PAUSES) - 1 + 2


@pytest.mark.parametrize(("asked", "pause"), [("7", 7), ("9999", 10), ("²", 0.5), ("soon", 0.5)])
def test_the_api_server_says_how_long_to_wait(asked, pause, slept):
    KubeApi(ApiServer({PATH: NODE}, Fault("get", 429, Retry_After=asked))).get(PATH)
    assert slept == [pause]


def test_expired_credentials_end_everything():
    with pytest.raises(KubeError) as caught:
        KubeApi(ApiServer({}, Fault("get", 401))).get(PATH)
    assert caught.value.cause == "login"


@pytest.mark.parametrize("body", ["plain text", "[1]", '{"message": 1}', "<html>"])
def test_an_error_that_is_no_status_is_shown_as_it_is(body):
    api = KubeApi(ApiServer({}, Fault("get", 403, body=body)))
    assert api.get(PATH) is None
    assert api.failures[0]["message"] == json.dumps(body)


@pytest.mark.parametrize("body", ["<html>Sign in</html>", '{"kind": ', "[]", "null"])
def test_an_answer_that_is_not_the_api_servers(body):
    with pytest.raises(KubeError, match="returned no JSON object") as caught:
        KubeApi(ApiServer({}, *[Fault("get", 200, body=body)] * 9)).get(PATH)
    assert caught.value.cause == "answer"


@pytest.mark.parametrize("items", [["a"], [{}], [{"metadata": None}], {"a": 1}, "abc"])
def test_a_list_without_objects(items):
    with pytest.raises(KubeError, match="items are no objects"):
        KubeApi(ApiServer({"/api/v1/nodes": {"items": items}})).items("/api/v1/nodes")


def test_an_empty_list_may_be_null():
    assert KubeApi(ApiServer({"/api/v1/nodes": {"items": None}})).items("/api/v1/nodes") == []


def test_what_nobody_answers():
    expired = ssl.SSLCertVerificationError(
        1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired"
    )
    failure = failure_of(MaxRetryError(None, "/version", SSLError(expired)), Mask([]))
    assert (failure.cause, str(failure)) == ("certificate", "certificate verify failed: certificate has expired")
    failure = failure_of(MaxRetryError(None, "/version", OSError("correct-horse is unknown")), Mask(["correct-horse"]))
    assert (failure.cause, str(failure)) == ("unreachable", "(hidden) is unknown")
    assert failure_of(ValueError("Expecting value"), Mask([])).cause == "answer"


def test_an_expected_refusal_is_not_masked(monkeypatch):
    """To collect the spellings of a private key takes a while."""
    masked = []
    monkeypatch.setattr(api_module, "_message", lambda body, _hide: masked.append(body) or "said")
    api = KubeApi(ApiServer({}, Fault("get", 404), Fault("get", 403)))
    assert (api.get("/a"), masked) == (None, [])
    assert (api.get("/a"), len(masked)) == (None, 1)
    assert [failure["message"] for failure in api.failures] == ["said"]
