"""The interpretation of answers that both clients share."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.module_utils.answers import asked_pause, cause_of_silence, document


@pytest.mark.parametrize(
    ("asked", "pause"), [("3", 3), ("3600", 10), ("²", 0), ("soon", 0), (None, 0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0)]
)
def test_what_a_server_asks_to_wait(asked, pause):
    assert asked_pause(asked) == pause


@pytest.mark.parametrize(("body", "content"), [(b'{"a": 1}', {"a": 1}), ("<html>", None), (None, None), ("[" * 99999, None)])
def test_a_text_that_is_no_json_has_no_content(body, content):
    assert document(body) == content


@pytest.mark.parametrize(("text", "cause"), [("Certificate has expired", "certificate"), ("timed out", "unreachable")])
def test_a_silence_has_a_cause(text, cause):
    assert cause_of_silence(text) == cause
