"""No echo of a secret, whole or cut, passes the mask, and other texts pass it unchanged."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.module_utils.echoes import CUT, ECHOES, left

from ansible_collections.netops.aci_calico.plugins.module_utils.masking import Mask, plain_url
from ansible_collections.netops.aci_calico.plugins.module_utils.names import HIDDEN

# What the rules permit for a BGP password; those of users may be any text.
BGP_PASSWORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"'), min_size=CUT, max_size=80)
PASSWORDS = BGP_PASSWORDS | st.text(st.characters(exclude_categories=("Cs",)), min_size=CUT, max_size=20)
AWKWARD = ["back\\slash\\word", "quote'\"quote", "pässwörd-€-😀", "<a&b>/c%d+e=f", "A1b2C3d4E5f6G7h8", "tab\tand\nline-break"]
BEFORE, AFTER = "« refused: ", " » (…)"


def shown(secret: str, part: str) -> str:
    return Mask([secret])(BEFORE + part + AFTER)


@pytest.mark.parametrize("secret", AWKWARD)
def test_no_cut_of_an_echo_is_shown(secret: str) -> None:
    mask = Mask([secret])
    for name, encode in ECHOES.items():
        echo = encode(secret)
        for start in range(len(echo) - CUT + 1):
            part = echo[start : start + CUT]
            assert mask(BEFORE + part + AFTER) == BEFORE + HIDDEN + AFTER, (name, part)
        assert mask(BEFORE + echo + AFTER) == BEFORE + HIDDEN + AFTER, name


@given(secret=PASSWORDS, name=st.sampled_from(sorted(ECHOES)), data=st.data())
@settings(max_examples=25, deadline=None)
def test_any_cut_of_any_echo_of_any_password_is_hidden(secret: str, name: str, data: st.DataObject) -> None:
    echo = ECHOES[name](secret)
    start = data.draw(st.integers(0, max(0, len(echo) - CUT)))
    part = echo[start : data.draw(st.integers(start + CUT, max(start + CUT, len(echo))))]
    assert left(shown(secret, part), part) == []


@pytest.mark.parametrize("secret", ["abc", "ä", "a\\b'c", "1234567"])
@pytest.mark.parametrize("name", ["plain", "JSON", "URL", "XML text", "entities", "Base64 after '' plain"])
def test_a_short_secret_is_hidden_as_a_whole(name: str, secret: str) -> None:
    assert left(shown(secret, ECHOES[name](secret)), ECHOES[name](secret)) == []


@pytest.mark.parametrize("secret", [*AWKWARD, string.ascii_letters + string.digits])
def test_other_texts_stay_as_they_are(secret: str) -> None:
    texts = (
        "APIC error 102: configured object ((Dn0)) not found Dn0=uni/tn-common/out-calico-prod1, ",
        "https://apic1.example.com:8443/api/mo/uni/tn-common/out-calico-prod1/lnodep-rack-1.json",
        '{"kind":"Status","status":"Failure","message":"bgppeers.crd.projectcalico.org \\"leaf-201\\" is forbidden","code":403}',
        '<html><head><title>502 Bad Gateway</title></head>&nbsp;%20"\\u00e4"</html>',
    )
    mask = Mask([secret])
    assert [mask(text) for text in texts] == list(texts)


def test_plain_data_is_masked_everywhere() -> None:
    mask = Mask([None, "", "correct-horse"])
    value = {"a": ["correct-horse", 1, None, {"correct-horse": True}]}
    assert mask.everywhere(value) == {"a": [HIDDEN, 1, None, {HIDDEN: True}]}


@pytest.mark.parametrize(
    ("content", "excerpt"),
    [
        (b"<html>\x1b[2J\r\n\xff", '"<html>\\u001b[2J\\r\\n\ufffd"'),
        ("x" * 200, f'"{"x" * 120}…"'),
        ("x" * 115 + "correct-horse", f'"{"x" * 115}(hidd…"'),
        (None, '""'),
    ],
)
def test_the_beginning_of_an_answer(content: bytes | str | None, excerpt: str) -> None:
    assert Mask(["correct-horse"]).excerpt(content) == excerpt


def test_a_url_without_credentials() -> None:
    assert plain_url("https://joe:pw@apic1:8443/api/x.json?a=b") == "https://apic1:8443/api/x.json"
