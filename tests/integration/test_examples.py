"""The examples in the lab: configured, unchanged by a second run, and removed completely."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from forked import ansible_playbook

from lab.runner import Lab

ROOT = Path(__file__).resolve().parents[2]
# Inventories with compatible group variables, which are run together, and their clusters.
EXAMPLES = {
    ("floating_svi", "standard_svi"): ["prod1", "prod2"],
    ("dual_stack_floating", "dual_stack_standard", "eight_racks"): ["dual1", "dual2", "wide1"],
    ("transit",): ["east", "west"],
    ("microsegmentation",): ["shop"],
    ("bare_fabric",): ["edge1"],
}
RECAP = re.compile(r"^(\S+)-cluster +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=0 ", re.MULTILINE)


class Runs:
    """A lab, and runs of the playbooks in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lab = Lab(folder / "lab")

    def play(self, playbook: str, examples: tuple[str, ...], *options: str) -> dict[str, str]:
        """Run a playbook for some examples; return the number of changed tasks by cluster."""
        inventories = [f"inventories/{name}" for name in (*examples, "lab")]
        done = ansible_playbook(
            *(f"playbooks/{playbook}.yml", "-e", f"aci_calico_artifacts_dir={self.folder}/artifacts"),
            *(option for inventory in inventories for option in ("-i", inventory)),
            *options,
            folder=ROOT,
            environment={**os.environ, **self.lab.environment()},
        )
        assert done.returncode == 0, done.stdout
        changes = re.findall(r"^(?:Objects +Created|Nothing changed)", done.stdout, re.MULTILINE)
        assert len(changes) == len(RECAP.findall(done.stdout)), "each cluster's changes are printed"
        return dict(RECAP.findall(done.stdout))

    def configuration(self) -> dict[str, dict[str, str]]:
        """Return APIC's objects by DN, with configurable properties only."""
        return {mo["dn"]: mo for mo in self._asked("mo/uni.json?query-target=subtree&rsp-prop-include=config-only")}

    def faults(self) -> list[dict[str, str]]:
        """Return APIC's faults."""
        return list(self._asked("class/faultInst.json"))

    def _asked(self, path: str) -> Iterator[dict[str, str]]:
        url = self.lab.status()["APIC"]
        with requests.Session() as session:
            session.trust_env = False
            user: dict[str, Any] = {"aaaUser": {"attributes": {"name": "admin", "pwd": "lab-admin"}}}
            session.post(f"{url}/api/aaaLogin.json", json=user, verify=False).raise_for_status()
            answer = session.get(f"{url}/api/{path}", verify=False)
        for item in answer.json()["imdata"]:
            (body,) = item.values()
            yield body["attributes"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Yield a running lab with API servers for the examples' clusters only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACI_CALICO_LAB_APIC_PORT", "0")
        patch.setenv("ACI_CALICO_LAB_KUBE_PORT", "0")
        patch.setenv("ACI_CALICO_LAB_CLUSTERS", " ".join(itertools.chain(*EXAMPLES.values())))
        made = Runs(tmp_path_factory.mktemp("examples"))
        with made.lab.running():
            yield made


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize(("examples", "clusters"), EXAMPLES.items(), ids=map(" and ".join, EXAMPLES))
def test_examples_are_configured_unchanged_and_removed(runs: Runs, examples: tuple[str, ...], clusters: list[str]) -> None:
    unchanged = dict.fromkeys(clusters, "0")
    before = runs.configuration()
    consent = ("-e", "aci_calico_consent=traffic-interruption") if examples == ("bare_fabric",) else ()  # its nodes run already
    assert "0" not in runs.play("site", examples, *consent).values()
    assert len(runs.configuration()) > len(before) + 50
    assert runs.faults() == []
    assert runs.play("site", examples) == unchanged
    named = ("--limit", "all", "-e", f"aci_calico_consent={','.join(f'teardown:{cluster}' for cluster in clusters)}")
    runs.play("teardown", examples, *named)
    assert runs.configuration() == before
    assert runs.play("teardown", examples, *named) == unchanged


def test_no_example_is_left_out(root: Path) -> None:
    molecule = {path.parent.name for path in (root / "extensions" / "molecule").glob("*/molecule.yml")}
    assert {path.name for path in (root / "inventories").iterdir()} == {*itertools.chain(*EXAMPLES), *molecule, "lab"}
