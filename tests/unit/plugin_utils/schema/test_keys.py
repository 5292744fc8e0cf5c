"""Test the keys of variables that are dictionaries."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema import keys

TABLES = {name: value for name, value in vars(keys).items() if name.isupper() and isinstance(value, tuple)}


def nested(options: Any) -> Any:
    """Yield options and all options below them."""
    for option in options:
        yield option
        yield from nested(option.options)


@pytest.mark.parametrize("name", TABLES)
def test_names_are_unique_and_bare_values_suffice(name):
    names = [option.name for option in TABLES[name]]
    assert len(set(names)) == len(names)
    for option in nested(TABLES[name]):
        if option.shorthand:
            assert [key.name for key in option.options if key.required] == [option.shorthand]
