"""The report is complete and well formed, and the drawing shows all nodes and sessions."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from unit.plugin_utils.healthy_cluster import Cluster
from unit.plugin_utils.sample_plans import BASES, CORPORATE, EPG, FLOATING, STANDARD, contract, dual_stack, plan_of, racks

from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.drawing import DOWN, PLANNED, UP, Drawing, draw
from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.report import cluster_report, inventory_report
from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.svg import drawio, svg

SVG = "{http://www.w3.org/2000/svg}"
PLANS = {
    **BASES,
    "dual stack": dual_stack(STANDARD),
    "connected": {
        **FLOATING,
        "aci_calico_contracts": [contract("web")],
        "aci_calico_transit": [{**CORPORATE, "consume": ["web"]}],
        "aci_calico_epg_contracts": [{**EPG, "consume": ["web"]}],
    },
    "many racks": {
        **FLOATING,
        "aci_calico_svi": "standard",
        "aci_calico_vlan": "300-399",
        "aci_calico_racks": racks(*([f"a{n}"] for n in range(6))),
    },
}


class Balance(HTMLParser):
    """Checks that all elements are closed in order, and that nothing refers to another file or host."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        assert "src" not in values
        self.links.append(values.get("href") or "")
        self.ids.append(values.get("id") or "")
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "href" not in dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("base", PLANS.values(), ids=PLANS)
def test_the_report_is_whole(base: dict[str, Any]) -> None:
    plan = plan_of(base)
    text = cluster_report(plan)
    page = Balance(text)
    anchors = {link[1:] for link in page.links if link}
    assert anchors
    assert anchors <= set(page.ids)
    assert "://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert all(node["name"] in text and str(node["vlan"]) in text for node in plan["nodes"])
    assert "netops.aci_calico.verify" in text, "there was no verification"


@pytest.mark.parametrize("base", PLANS.values(), ids=PLANS)
def test_shapes_do_not_overlap(base: dict[str, Any]) -> None:
    plan = plan_of(base)
    drawing = draw(plan)
    assert len(drawing.dots) == sum(len(node["peers"]) for node in plan["nodes"])
    leaves = [box for box in drawing.boxes if not box.inside]
    for group in (leaves, [box for box in drawing.boxes if box.inside]):
        for number, one in enumerate(group):
            assert one.x >= 0
            assert one.x + one.width <= drawing.width
            assert one.y + one.height <= drawing.height
            for other in group[number + 1 :]:
                apart = one.x + one.width <= other.x or other.x + other.width <= one.x
                assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y, (one, other)
    outline = ElementTree.fromstring(svg(drawing))
    assert len(outline.findall(f".//{SVG}rect")) == len(drawing.boxes)
    texts = {"".join(text.itertext()) for text in outline.iter(f"{SVG}text")}
    assert all(str(leaf["id"]) in texts for leaf in plan["leaves"])


def names(drawing: Drawing) -> list[str]:
    return [shape.id for shape in (*drawing.boxes, *drawing.dots, *drawing.lines)]


def test_draw_io_gets_each_shape_once() -> None:
    drawing = draw(plan_of(PLANS["connected"]))
    root = ElementTree.fromstring(drawio(drawing)).find(".//root")
    assert root is not None
    ids = [cell.get("id") for cell in root]
    assert sorted(ids[2:]) == sorted(names(drawing))
    ends = {cell.get(end) for cell in root for end in ("source", "target")} - {None}
    assert ends <= set(ids)


def test_sessions_and_findings_are_those_of_the_last_verification() -> None:
    cluster = Cluster()
    cluster.drop_session(201, "node-1")
    report = cluster.verify()
    states = [dot.state for dot in draw(cluster.plan, report["sessions"]).dots]
    assert (states.count(UP), states.count(DOWN), states.count(PLANNED)) == (11, 1, 0)
    text = cluster_report(cluster.plan, report)
    Balance(text)
    assert "11 of 12 sessions established, 1 finding" in text
    assert f"<code>{report['findings'][0]['id']}</code>" in text
    index = inventory_report([cluster.plan, plan_of(cluster_name="other")], {"prod1": report})
    assert Balance(index).links.count("prod1/report.html") == 1
    assert "11 of 12 sessions" in index


def test_texts_are_escaped() -> None:
    cluster = Cluster()
    cluster.drop_session(201, "node-1")
    report = cluster.verify()
    report["findings"][0]["what"] = "<script>alert(1)</script>"
    assert "<script>alert" not in cluster_report(cluster.plan, report)


def test_bars_show_what_is_left() -> None:
    plan = plan_of()
    limit = plan["limits"][0]
    text = cluster_report(plan)
    share = round(100 * limit["value"] / limit["limit"])
    assert f"{share}%" in text
    assert re.search(r'class="bar( high)?"', text)
