"""The catalogue of findings is sound. ``conftest`` checks that the tests raise each id."""

from __future__ import annotations

import re

from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify import catalogue
from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.catalogue import EXPLAINS, RULES


def test_rules_are_read_as_they_are_written():
    heads = [head for text in catalogue._RULES.values() for head in re.findall(r"^(\S+)(.*?): ", text, re.MULTILINE)]
    assert [rule_id for rule_id, _flags in heads] == list(RULES), "no id is written twice"
    assert {flags for _id, flags in heads} == {"", " warning", " heals", " warning heals"}
    for rule_id, flags in heads:
        rule = RULES[rule_id]
        assert (rule.severity == "warning", rule.heals) == ("warning" in flags, "heals" in flags)
    assert RULES["timers"].remedy.endswith("on APIC.")
    assert RULES["ecmp"].remedy.endswith("on APIC. The policy applies to the whole VRF: ask the other users of the VRF first.")


def test_every_rule_says_what_to_do():
    for rule in RULES.values():
        assert rule.title
        assert rule.cause.endswith(".")
        assert rule.remedy.endswith(".")


def test_causes_and_symptoms_are_rules():
    assert set(EXPLAINS) <= set(RULES)
    assert set().union(*EXPLAINS.values()) <= set(RULES)


def test_nothing_explains_itself_by_way_of_others():
    def below(rule, path=()):
        assert rule not in path, path
        for symptom in EXPLAINS.get(rule, ()):
            below(symptom, (*path, rule))

    for rule in EXPLAINS:
        below(rule)
