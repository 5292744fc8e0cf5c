"""Managed objects are built and marked."""

from __future__ import annotations

from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.objects import existing, mo, own, shared


def test_values_are_text_and_those_that_are_none_are_left_out() -> None:
    assert mo("fvCtx", name="v", order=0, descr=None) == {"fvCtx": {"attributes": {"name": "v", "order": "0"}}}


def test_an_owner_marks_only_what_has_no_mark_and_is_not_a_container() -> None:
    entry = mo("vzEntry", name="any")
    mine = own(existing("fvTenant", [mo("fvCtx", [entry], name="v"), shared("vzBrCP", "a", name="c")], name="t"), "me")
    assert mine["fvTenant"]["attributes"] == {"status": "modified", "name": "t"}
    assert list(mine["fvTenant"]) == ["attributes", "children"]
    vrf, contract = mine["fvTenant"]["children"]
    assert vrf["fvCtx"]["attributes"]["annotation"] == entry["vzEntry"]["attributes"]["annotation"] == "me"
    assert contract["vzBrCP"]["attributes"]["annotation"] == "orchestrator:aci-calico"
    tag = {"key": "orchestrator:aci-calico:a", "value": "user"}
    assert contract["vzBrCP"]["children"] == [{"tagAnnotation": {"attributes": tag}}], "a tag has no annotation"
