"""The filters: their documented examples are true, and mistakes are Ansible's errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from unit.plugin_utils.sample_plans import plan_of, variables

from ansible_collections.netops.aci_calico.plugins.filter.plan import FilterModule
from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents import plan as documents
from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema import addressing

FILTERS = FilterModule().filters()
FOLDER = Path(__file__).resolve().parents[3] / "plugins/filter"


def trusted(value: Any) -> Any:
    """Every text in it trusted as a template, as that of a playbook is."""
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def documented(name: str) -> dict[str, Any]:
    """A filter's sidecar."""
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))


def examples():
    """``(filter, task, expected)`` of each example that shows a message and says what it is."""
    for name in FILTERS:
        text = documented(name)["EXAMPLES"]
        for block in text.split("\n\n"):
            if "# => " in block:
                yield name, yaml.safe_load(block)[0], block.split("# => ")[1].strip()


@pytest.mark.parametrize(("name", "task", "expected"), list(examples()))
def test_the_documentation_tells_the_truth(name, task, expected):
    known = {"aci_calico_planned": {"plan": plan_of()}, **task.get("vars", {})}
    templar = Templar(loader=DataLoader(), variables=trusted(known))
    shown = templar.template(trust_as_template(task["ansible.builtin.debug"]["msg"]))
    assert (" and ".join(shown) if isinstance(shown, list) else shown) == expected


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_is_documented(name):
    doc = documented(name)["DOCUMENTATION"]
    assert doc["name"] == name
    assert set(doc.get("positional", "").replace(",", " ").split()) == set(doc["options"]) - {"_input"}


def test_cluster_plan_shows_every_problem():
    with pytest.raises(AnsibleFilterError, match="1 is outside 576 to 9216") as caught:
        FILTERS["cluster_plan"](variables(mtu=1, cluster_asn=65002))
    assert "asn-equal" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("secondary_ip", ("192.168.2.1/29",), "The subnet is 192.168.2.0/29"),
        ("secondary_ip", ("192.168.2.0/31",), "no room"),
        ("secondary_ip", ([1],), "is not a subnet"),
        ("cluster_plan", ("variables",), "must be a dictionary"),
        ("standard_svi_plan", ("192.168.2.0/29", ["a", "b"]), "needs 2 subnets of /29"),
        ("standard_svi_plan", ("192.168.2.0/24", ["a", "a"]), "node-twice"),
        ("floating_svi_plan", ("192.168.2.0/24", ["a"], [7]), "outside 101 to 4000"),
        ("floating_svi_plan", (["192.168.2.0/24", "10.0.0.0/24"], ["a"], [201]), "floating-subnet-twice"),
        ("rack_peer_map", ({},), "lacks 'racks'"),
        ("apic_roots", (plan_of(), "everything"), "unknown part"),
    ],
)
def test_mistakes_are_ansibles_errors(name, arguments, said):
    with pytest.raises(AnsibleFilterError, match=said):
        FILTERS[name](*arguments)


@pytest.mark.parametrize("name", ["plan_document", "plan_summary"])
def test_documents_are_those_of_the_plan(name):
    assert FILTERS[name](plan_of()) == getattr(documents, name)(plan_of())


def test_a_missing_netaddr_is_said_when_it_is_needed(monkeypatch):
    monkeypatch.setattr(addressing, "NETADDR_MISSING", ImportError("No module named 'netaddr'"))
    with pytest.raises(AnsibleFilterError, match="pip install netaddr"):
        FILTERS["secondary_ip"]("192.168.2.0/24")
