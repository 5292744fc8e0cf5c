"""Test the registry."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.check import check_optional
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.formats import FORMATS
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.option import Option
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.variables import (
    PREFIX,
    REGISTRY,
    SECRETS,
    VARIABLES,
)


def options(level: tuple[Option, ...] = REGISTRY):
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
    names = [option.name for option in REGISTRY]
    assert len(set(names)) == len(names)
    assert all(name.startswith(PREFIX) for name in names)


def test_secrets():
    assert {
        "aci_calico_bgp_password",
        "aci_calico_apic_password",
        "aci_calico_apic_private_key",
        "aci_calico_kube_api_key",
    } == SECRETS


def test_the_defaults_are_those_of_the_paper():
    for name, value in {
        "aci_calico_mtu": 9000,
        "aci_calico_bgp_keepalive": 1,
        "aci_calico_bgp_hold": 3,
        "aci_calico_bgp_as_limit": 1,
        "aci_calico_bgp_ecmp_ebgp": 64,
        "aci_calico_bgp_ecmp_ibgp": 64,
        "aci_calico_bgp_graceful_restart": True,
        "aci_calico_bgp_as_path_relax": True,
        "aci_calico_external_epg": "default",
    }.items():
        assert VARIABLES[name].default == value
