"""Test the type of a variable."""

from __future__ import annotations

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.option import Option, dicts, number


def test_an_element_keeps_the_rules_of_its_list():
    keys = (number("id", "A number.", 1, 9, required=True), Option("name", "A name."))
    element = dicts("all", "All.", options=keys, shorthand="id", default=[], required=True).element
    assert (element.type, element.options, element.shorthand) == ("dict", keys, "id")
    assert (element.default, element.required) == (None, False)
    assert element.option("id").range == (1, 9)
    assert Option("one", "One.", "list", default=[1]).element == Option("one", "One.")
