"""External EPGs as they are read from the intent."""

from __future__ import annotations

from unit.plugin_utils.sample_plans import LEAKED, plan_of, segment


def test_microsegments_sort_traffic_and_leave_routes_to_the_cluster():
    plan = plan_of(microsegments=[segment(provide=["pay"])], **LEAKED)
    own, payments = plan["external_epgs"]
    assert {tuple(subnet["scope"]) for subnet in own["subnets"]} == {("import-security", "shared-rtctrl", "shared-security")}
    assert payments["subnets"] == [{"prefix": "192.168.3.16/28", "scope": ["import-security", "shared-security"]}]
    assert payments["provides"] == ["pay"]
