"""The example for AWX: every item fits to its module of awx.awx, and every name in it leads somewhere.

Items are compared with the recorded options of the modules (awx_modules.json, from awx.awx 24.6.1), because not every package
``ansible`` has the collection: 12.3 does, 14.5 does not. Nothing is sent to an AWX.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import fragment_loader, module_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.variables import ROLE_OPTIONS, VARIABLES

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs/examples/awx"
# The lists, by the names that the roles of infra.aap_configuration read, and the modules of awx.awx that take their items.
MODULES = {
    "controller_credential_types": "credential_type",
    "controller_credentials": "credential",
    "controller_notifications": "notification_template",
    "controller_execution_environments": "execution_environment",
    "controller_projects": "project",
    "controller_inventories": "inventory",
    "controller_inventory_sources": "inventory_source",
    "controller_templates": "job_template",
    "controller_workflows": "workflow_job_template",
    "controller_schedules": "schedule",
}
SPECS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("awx_modules.json").read_text(encoding="utf-8"))
# The key of a workflow that the roles of infra.aap_configuration take for themselves.
NODES = "simplified_workflow_nodes"
BUILT_IN = {"Vault"}
# What the templates have in common.
COMMON = {"offline", "online"}
# Playbooks that write or need an inventory of somebody's own.
WITHOUT_TEMPLATE = {"init"}


@pytest.fixture(scope="module")
def lists() -> dict[str, Any]:
    content = dict(DataLoader().load_from_file(str(EXAMPLE / "controller.yml")))
    return {name: value for name, value in content.items() if name not in COMMON}


def documented(module: str) -> dict[str, Any]:
    """Return the argument spec of a module of the installed awx.awx by its documentation."""
    path = module_loader.find_plugin(f"awx.awx.{module}")
    documentation = get_docstring(path, fragment_loader, collection_name="awx.awx", plugin_type="module")[0]
    kept = ("type", "elements", "choices", "required", "aliases")
    options = documentation["options"].items()
    return {name: {key: option[key] for key in kept if option.get(key)} for name, option in options}


def nodes(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return list(workflow[NODES])


def items(lists: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each module with the arguments that configure.yml gives to it."""
    for name, module in MODULES.items():
        for item in lists[name]:
            yield module, {key: value for key, value in item.items() if key != NODES}
    for workflow in lists["controller_workflows"]:
        for node in nodes(workflow):
            yield "workflow_job_template_node", {"workflow_job_template": workflow["name"], **node}


def test_items_fit_to_the_modules(lists: dict[str, Any]) -> None:
    assert set(lists) == set(MODULES)
    for module, arguments in items(lists):
        errors = ArgumentSpecValidator(SPECS[module]).validate(arguments).error_messages
        assert errors == [], f"{module} {arguments.get('name', arguments.get('identifier'))}"


def test_a_wrong_item_is_found() -> None:
    (error,) = ArgumentSpecValidator(SPECS["schedule"]).validate({"name": "nightly", "rule": "DAILY"}).error_messages
    assert "rule" in error


def test_the_record_is_what_the_collection_documents() -> None:
    """Compare it where requirements.txt installs a package ``ansible`` with the collection."""
    if sys.version_info < (3, 12):
        assert {module: documented(module) for module in SPECS} == SPECS


def test_the_playbook_writes_every_list() -> None:
    text = (EXAMPLE / "configure.yml").read_text(encoding="utf-8")
    written = dict.fromkeys(re.findall(r"\{\{ (controller_\w+)", text))
    assert list(written) == list(MODULES), "what an item names is written before it"
    called = dict.fromkeys(re.findall(r"awx\.awx\.(\w+):", text))
    assert set(called) == set(SPECS)


def test_names_lead_somewhere(lists: dict[str, Any]) -> None:
    names = {key: {item["name"] for item in lists[key]} for key in MODULES}
    assert {key: len(found) for key, found in names.items()} == {key: len(lists[key]) for key in MODULES}, "each name once"
    templates = names["controller_templates"]
    assert {item["credential_type"] for item in lists["controller_credentials"]} <= names[
        "controller_credential_types"
    ] | BUILT_IN
    for item in lists["controller_templates"]:
        assert set(item["credentials"]) <= names["controller_credentials"]
        assert item["project"] in names["controller_projects"]
        assert item["inventory"] in names["controller_inventories"]
        assert item["execution_environment"] in names["controller_execution_environments"]
        assert set(item.get("notification_templates_error", ())) <= names["controller_notifications"]
    assert {item["unified_job_template"] for item in lists["controller_schedules"]} <= templates
    for workflow in lists["controller_workflows"]:
        known = {node["identifier"] for node in nodes(workflow)}
        linked = {name for node in nodes(workflow) for key in node if key.endswith("_nodes") for name in node[key]}
        assert linked == known - {nodes(workflow)[0]["identifier"]}
        assert {node["unified_job_template"] for node in nodes(workflow) if "approval_node" not in node} <= templates


def test_each_playbook_has_a_template(lists: dict[str, Any]) -> None:
    playbooks = {file.stem for file in (ROOT / "playbooks").glob("*.yml")}
    assert {item["extra_vars"]["playbook"] for item in lists["controller_templates"]} == playbooks - WITHOUT_TEMPLATE
    (play,) = yaml.safe_load((EXAMPLE / "run.yml").read_text(encoding="utf-8"))
    assert play["ansible.builtin.import_playbook"].startswith("netops.aci_calico.{{ playbook |")


def test_variables_are_registered(lists: dict[str, Any]) -> None:
    options = {option.name for options in ROLE_OPTIONS.values() for option in options}
    for item in lists["controller_templates"]:
        asked = {question["variable"] for question in item.get("survey_spec", {}).get("spec", ())}
        used = set(re.findall(r"\{\{ (\w+) \|", str(item["extra_vars"])))
        assert asked - used <= {*VARIABLES, *options}
        assert set(item["extra_vars"]) - {"playbook"} <= set(VARIABLES)
    for kind in lists["controller_credential_types"]:
        fields = {field["id"] for field in kind["inputs"]["fields"]}
        assert set(kind["injectors"]["extra_vars"]) <= set(VARIABLES)
        assert set(re.findall(r"\{\{ ([\w.]+) \}\}", str(kind["injectors"]))) == fields | {"tower.filename"}
