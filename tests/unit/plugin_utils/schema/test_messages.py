"""The catalogue of problems is sound. ``conftest`` checks that the tests raise each id."""

from __future__ import annotations

import re

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema import messages


def test_ids_are_unique():
    assert sum(map(len, messages.CATALOGUE.values())) == len(messages.MESSAGES)


@pytest.mark.parametrize("id_", messages.MESSAGES)
def test_every_message_is_sound(id_):
    message = messages.MESSAGES[id_]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id_)
    assert message.severity in (messages.ERROR, messages.WARNING)
    for text in (message.meaning, message.remedy):
        assert text[0] == text[0].upper() or text.startswith(("aci_calico_", "calico-node"))
        assert text.endswith(".")
        assert "|" not in text, "a table holds it"
