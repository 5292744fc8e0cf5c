"""Test the registry."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema import variables
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.check import check_optional
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.formats import FORMATS
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.option import Option


def options(level: tuple[Option, ...] = variables.REGISTRY):
    """Yield all variables and the keys below them."""
    for option in level:
        yield option
        yield from options(option.options)


@pytest.mark.parametrize("option", list(options()), ids=lambda option: option.name)
def test_every_entry_is_sound(option):
    assert option.description.endswith((".", ")"))
    assert option.format is None or option.format in FORMATS
    assert option.type in ("str", "int", "bool", "list", "dict", "vlans")
    assert set(option.aliases.values()) <= set(option.choices)
    assert not set(option.aliases) & set(option.choices)
    problems = []
    check_optional(option, option.default, "path", problems)
    assert not problems or option.required


def test_names_are_unique_and_carry_the_prefix():
    names = [option.name for option in variables.REGISTRY]
    assert len(set(names)) == len(names)
    assert all(name.startswith(variables.PREFIX) for name in names)


def test_secrets():
    names = ("bgp_password", "apic_password", "apic_private_key", "kube_api_key")
    assert {f"aci_calico_{name}" for name in names} == variables.SECRETS


def test_the_defaults_are_those_of_the_paper():
    numbers = {"mtu": 9000, "bgp_keepalive": 1, "bgp_hold": 3, "bgp_as_limit": 1}
    others = {"bgp_graceful_restart": True, "bgp_as_path_relax": True, "external_epg": "default"}
    paths = {"bgp_ecmp_ebgp": 64, "bgp_ecmp_ibgp": 64}
    for name, value in {**numbers, **others, **paths}.items():
        assert variables.VARIABLES[f"aci_calico_{name}"].default == value
