"""Test how addresses and subnets are read, and how slots and addresses correspond."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from netaddr import IPAddress, IPNetwork

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema import addressing

SPACES = [
    addressing.FloatingSpace(IPNetwork("192.168.2.0/24")),
    addressing.FloatingSpace(IPNetwork("fd00::/64")),
    addressing.StandardSpace((IPNetwork("192.168.2.0/25"), IPNetwork("10.0.0.0/26")), 29),
    addressing.StandardSpace((IPNetwork("fd00::/56"),), 64),
    addressing.StandardSpace((IPNetwork("fd00::/120"),), 125),
]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("192.168.2.0", "Write it as 192.168.2.0/24"),
        ("192.168.2.7/24", "The subnet is 192.168.2.0/24."),
        ("0.0.0.0/0", "Name the subnets"),
        ("127.0.0.0/16", "Use unicast addresses."),
        ("fe80::/64", "Use unicast addresses."),
    ],
)
def test_subnets_are_refused_with_a_remedy(text, remedy):
    with pytest.raises(addressing.AddressError) as refused:
        addressing.parse_subnet(text)
    assert refused.value.remedy.startswith(remedy)


def test_a_route_can_be_a_default_route():
    routes = ["0.0.0.0/0", "::/0", "10.0.0.0/8"]
    assert [str(addressing.parse_route(text)) for text in routes] == routes


def test_an_address_has_no_prefix_length():
    assert str(addressing.parse_address("fd00::1")) == "fd00::1"
    with pytest.raises(addressing.AddressError):
        addressing.parse_address("192.168.2.1/24")


@pytest.mark.parametrize("space", SPACES)
@given(data=st.data())
def test_slots_and_addresses_correspond(space, data):
    slot = data.draw(st.integers(0, space.capacity - 1))
    assert space.slot_of(space.address_at(slot)) == slot
    assert space.address_at(slot) in space.subnet_at(slot)


@pytest.mark.parametrize("space", SPACES)
def test_addresses_outside_the_slots(space):
    last = space.subnet_at(space.capacity - 1)
    assert space.slot_of(IPAddress(last.first, last.version)) is None, "the subnet's first address is never used"
    assert space.slot_of(IPAddress(last.last, last.version)) is None, "and its last is not"
    assert space.slot_of(IPAddress("172.31.0.1")) is None
    if isinstance(space, addressing.StandardSpace):
        with pytest.raises(IndexError):
            space.subnet_at(space.capacity)


def test_the_addresses_of_leaves_are_not_in_a_slot():
    space = addressing.StandardSpace((IPNetwork("192.168.2.0/29"),), 29)
    slots = {text: space.slot_of(IPAddress(f"192.168.2.{text}")) for text in range(8)}
    assert [text for text, slot in slots.items() if slot == 0] == [1, 2, 3]


def test_a_supernet_that_is_too_small_holds_nothing():
    space = addressing.StandardSpace((IPNetwork("192.168.2.0/30"), IPNetwork("10.0.0.0/29")), 29)
    assert space.capacity == 1
    assert space.slot_of(IPAddress("192.168.2.1")) is None
    assert space.slot_of(IPAddress("10.0.0.1")) == 0
