"""The registry is sound in itself."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.check import (
    check,
    check_optional,
    plain,
    unmarked,
)
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.formats import FORMATS
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.option import Option
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.variables import (
    CLUSTER_VARIABLES,
    PREFIX,
    REGISTRY,
    SECRETS,
)


def options(level: tuple[Option, ...] = REGISTRY):
    """All variables and the keys below them."""
    for option in level:
        yield option
        yield from options(option.options)


@pytest.mark.parametrize("option", list(options()), ids=lambda option: option.name)
def test_every_entry_is_sound(option):
    assert option.description.endswith((".", ")"))
    assert option.format is None or option.format in FORMATS
    assert option.type in ("str", "int", "bool", "list", "dict", "vlans")
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
        assert CLUSTER_VARIABLES[name].default == value


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (300, [300]),
        ("300", [300]),
        ("300-302", [300, 301, 302]),
        ([300, "310-311"], [300, 310, 311]),
        ("7, 9-10", [7, 9, 10]),
    ],
)
def test_vlans(given, expected):
    problems = []
    assert check(CLUSTER_VARIABLES["aci_calico_vlan"], given, "vlan", problems) == expected
    assert not problems


@pytest.mark.parametrize(
    ("given", "expected"), [("yes", True), ("False", False), (1, True), (False, False), ("0", False)]
)
def test_booleans_are_read_as_ansible_reads_them(given, expected):
    assert check(CLUSTER_VARIABLES["aci_calico_bgp_filter"], given, "filter", []) is expected


def test_plain_takes_subclasses_apart():
    class Text(str):
        pass

    class Number(int):
        pass

    result = plain({Text("a"): (Text("b"), Number(3), {1}, True, None, 1.5)})
    assert result == {"a": ["b", 3, [1], True, None, 1.5]}
    assert [type(item) for item in (*result, *result["a"][:2])] == [str, str, int]


def test_markup_is_taken_out_of_messages():
    assert unmarked("Use C(300) or C([300, 310-320]).") == "Use 300 or [300, 310-320]."
