"""Examples in one lab at the same time: configured, found unchanged by a second run, and removed without a trace."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from lab.runner import Lab

ROOT = Path(__file__).resolve().parents[2]
# inventory: cluster. What test_lab.py has is left out; all of these fit into the lab's fabric together.
EXAMPLES = {"dual_stack_floating": "dual1", "dual_stack_standard": "dual2", "eight_racks": "wide1"}
RECAP = re.compile(r"^(\S+)-cluster +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=0 ", re.MULTILINE)
UNCHANGED = dict.fromkeys(EXAMPLES.values(), "0")


class Runs:
    """A lab of its own, and runs of the playbooks in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lab = Lab(folder / "lab")

    def play(self, playbook: str) -> str:
        """Run a playbook for all examples; return what it printed."""
        inventories = [f"inventories/{name}" for name in (*EXAMPLES, "lab")]
        command = [str(Path(sys.executable).with_name("ansible-playbook")), f"playbooks/{playbook}.yml"]
        command += [option for inventory in inventories for option in ("-i", inventory)]
        command += ["-e", f"aci_calico_artifacts_dir={self.folder}/artifacts"]
        environment = {**os.environ, **self.lab.environment(), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        environment["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / "collections")
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def configuration(self) -> dict[str, dict[str, str]]:
        """What APIC holds, by DN, without what changes by itself."""
        return {mo["dn"]: mo for mo in self._asked("mo/uni.json?query-target=subtree&rsp-prop-include=config-only")}

    def faults(self) -> list[dict[str, str]]:
        """APIC's faults."""
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
    """The lab, running, with API servers for the examples' clusters only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACI_CALICO_LAB_APIC_PORT", "0")
        patch.setenv("ACI_CALICO_LAB_KUBE_PORT", "0")
        patch.setenv("ACI_CALICO_LAB_CLUSTERS", " ".join(EXAMPLES.values()))
        made = Runs(tmp_path_factory.mktemp("examples"))
        with made.lab.running():
            yield made


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_configured_unchanged_and_gone(runs: Runs) -> None:
    before = runs.configuration()
    assert "0" not in dict(RECAP.findall(runs.play("site"))).values()
    assert len(runs.configuration()) > len(before) + 300
    assert runs.faults() == []
    assert dict(RECAP.findall(runs.play("site"))) == UNCHANGED
    runs.play("teardown")
    assert runs.configuration() == before
    assert dict(RECAP.findall(runs.play("teardown"))) == UNCHANGED
