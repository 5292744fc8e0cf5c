"""The filter language of queries."""

from __future__ import annotations

import pytest

from lab.apic import filters
from lab.apic.model import class_table


@pytest.mark.parametrize(
    ("filter_", "matches"),
    [
        ('eq(fvCtx.name,"v2")', True),
        ("eq(fvCtx.name,'v2')", True),
        ('ne(fvCtx.name,"v2")', False),
        ('wcard(fvCtx.dn,"tn-t/")', True),
        ('wcard(fvCtx.name,"^x")', False),
        ('and(eq(fvCtx.name,"v2"),eq(fvCtx.bdEnforcedEnable,"yes"))', True),
        ('or(eq(fvCtx.name,"x"),eq(fvCtx.bdEnforcedEnable,"yes"))', True),
        ('not(eq(fvCtx.name,"v2"))', False),
        ('gt(fvCtx.name,"v1")', True),
        ('lt(fvCtx.name,"v1")', False),
        ('bw(fvCtx.name,"v1","v3")', True),
        ('eq(fvTenant.name,"v2")', False),
    ],
)
def test_filter_language(tenant, filter_, matches) -> None:
    found = tenant.get(f"/api/mo/uni/tn-t/ctx-v2.json?query-target-filter={filter_}")
    assert bool(found) == matches


def test_filters_of_flags_and_numbers(apic) -> None:
    table = class_table()
    subnet = apic.tree.add(table["l3extSubnet"], "x", apic.tree.root, {"scope": "import-security,shared-rtctrl", "ip": "9"})
    for text, matches in (
        ('anybit(l3extSubnet.scope,"import-security,export-rtctrl")', True),
        ('allbits(l3extSubnet.scope,"import-security,export-rtctrl")', False),
        ('allbits(l3extSubnet.scope,"shared-rtctrl,import-security")', True),
        ('lt(l3extSubnet.ip,"10")', True),
        ('ge(l3extSubnet.ip,"10")', False),
    ):
        assert filters.parse(text, table)(subnet) == matches, text


@pytest.mark.parametrize(
    ("filter_", "code", "text"),
    [
        ('eq(fvCtx.nix,"x")', "121", "Prop 'nix' not found in class 'fvCtx' property table"),
        ('eq(fvFoobar.name,"x")', "122", "class fvFoobar not found"),
        ('eq(fvCtx.name,"x"', "400", 'Invalid filter: eq(fvCtx.name,"x"'),
        ('same(fvCtx.name,"x")', "400", 'Invalid filter: same(fvCtx.name,"x")'),
        ('eq(fvCtx.name,"x") junk', "400", 'Invalid filter: eq(fvCtx.name,"x") junk'),
        ('eq(bgpPeerP.password,"x")', "121", "Prop 'password' not found in class 'bgpPeerP' property table"),
    ],
)
def test_malformed_filters(client, filter_, code, text) -> None:
    assert client.refusal("GET", f"/api/class/fvCtx.json?query-target-filter={filter_}")[1:] == (code, text)
