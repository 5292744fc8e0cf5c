"""Requests that the API server refuses."""

from __future__ import annotations

import pytest
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import api_exception

from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes.api import KubeApi, message_of


class Refusing:
    """An API server that refuses everything with one status."""

    def __init__(self, status):
        self.status = status

    def request(self, method, path, serialize, body=None):
        error = ApiException(status=self.status, reason="no")
        error.body = b"busy"
        raise api_exception(error)


@pytest.mark.parametrize(
    ("call", "arguments", "expected"),
    [
        ("get", (), {404}),
        ("create", ({},), {404, 409}),
        ("review", ({},), {404, 405}),
        ("replace", ({},), {404, 409}),
        ("delete", (), {404}),
        ("delete", ("7",), {404, 409}),
    ],
)
def test_only_unexpected_refusals_are_failures(call, arguments, expected):
    for status in (403, 404, 405, 409, 503):
        api = KubeApi(Refusing(status))
        assert not getattr(api, call)("/path", *arguments)
        failure = {"path": "/path", "status": status, "message": "busy"}
        assert api.failures == ([] if status in expected else [failure])


@pytest.mark.parametrize("body", [b"plain text", b"", None, b"[1]"])
def test_an_answer_that_is_no_status_is_shown_as_it_is(body):
    assert isinstance(message_of(body), str)
