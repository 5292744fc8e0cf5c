"""The examples with contracts, transit and microsegments: in order on the twin, and what is found when one of these breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.verify.live import Live, live

from lab.twin.machines import missing_prerequisites

EXAMPLES = {"transit": "east", "microsegmentation": "shop"}


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> Iterator[Live]:
    """An example's cluster, in order."""
    if missing := missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))
    plan = root / "tests" / "golden" / request.param / EXAMPLES[request.param] / "plan.json"
    with live(tmp_path, json.loads(plan.read_text(encoding="utf-8"))) as made:
        made.until_green()
        yield made


@pytest.mark.parametrize("example", ["transit"], indirect=True)
def test_the_way_out_and_its_contracts_are_verified(example: Live) -> None:
    names = example.plan["names"]
    entry = {"rtctrlCtxP": {"attributes": {"name": names["transit"], "status": "deleted"}}}
    example.bench.post(
        "uni/tn-prod/out-core/prof-default-export", {"rtctrlProfile": {"attributes": {}, "children": [entry]}}
    )
    assert "out-core" in example.until_named("transit-route")["what"]
    example.configure()
    example.until_green()
    contract = {"vzBrCP": {"attributes": {"name": "k8s-services", "status": "deleted"}}}
    example.bench.post("uni/tn-prod", {"fvTenant": {"attributes": {"name": "prod"}, "children": [contract]}})
    example.until_named("contract-differs", "contract-unresolved")


@pytest.mark.parametrize("example", ["microsegmentation"], indirect=True)
def test_the_subnets_of_microsegments_are_verified(example: Live) -> None:
    dn = f"uni/tn-prod/out-{example.plan['l3outs'][0]['name']}/instP-payments"
    subnet = {"l3extSubnet": {"attributes": {"ip": "192.168.33.64/28"}}}
    example.bench.post(dn, {"l3extInstP": {"attributes": {}, "children": [subnet]}})
    assert "192.168.33.64/28 is not planned" in example.until_named("external-subnet")["what"]
