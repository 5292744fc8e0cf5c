"""Test how ports of leaves are read."""

from __future__ import annotations

import pytest

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.addressing import AddressError
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.ports import Ports, parse_ports


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("1/10", Ports(None, 1, 10, 10)),
        ("eth1/10", Ports(None, 1, 10, 10)),
        ("1/10-12", Ports(None, 1, 10, 12)),
        ("201:1/10", Ports(201, 1, 10, 10)),
        (" 201:Eth1/9 ", Ports(201, 1, 9, 9)),
    ],
)
def test_ports(text: str, ports: Ports) -> None:
    assert parse_ports(text) == ports


@pytest.mark.parametrize("text", ["10", "1/", "1/2/3", "1/0", "1/4-2", "po1", "201/1/10", ""])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_ports(text)


def test_ports_are_written_and_counted() -> None:
    ports = parse_ports("201:eth1/10-12")
    assert (str(ports), list(ports.each())) == ("1/10-12", [(1, 10), (1, 11), (1, 12)])
