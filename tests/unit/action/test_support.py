"""The action ``support``: what is in the archive, and that no secret is."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from unit.action.running import listen, run
from unit.plugin_utils.drift.planted import PEER, SVI, Deployed

from ansible_collections.netops.aci_calico.plugins.action import support as action

SECRETS = {
    "aci_calico_bgp_password": "Marker-bgp-8d1f0c",
    "aci_calico_apic_password": 'Marker"apic"77',
    "aci_calico_kube_api_key": "marker-token-5e5e",
}


class Bench:
    """The action with modules that answer from a cluster in whose objects and files passwords are planted."""

    def __init__(self, folder: Path) -> None:
        self.deployed = Deployed()
        self.folder = folder / "prod1"
        self.silent: set[str] = set()
        spelled = [*SECRETS.values(), *(base64.b64encode(text.encode()).decode() for text in SECRETS.values())]
        self.deployed.objects[SVI]["attributes"]["descr"] = " ".join(spelled)
        self.deployed.held(PEER)["metadata"]["annotations"] = {text: text for text in SECRETS.values()}
        self.deployed.managers[PEER] = [{"manager": SECRETS["aci_calico_bgp_password"], "time": "x", "fieldsV1": {}}]
        (self.folder / "nodes" / "n1").mkdir(parents=True)
        self.write("verify.json", json.dumps(SECRETS))
        self.write("nodes/n1/netplan.yaml", str(SECRETS))
        self.write(".files", "nodes/n1/netplan.yaml\n")
        self.write("mine.txt", "a file of the user")
        (self.folder / "drift.json").symlink_to("/etc/hostname")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name in self.silent:
            return {"failed": True, "msg": f"no answer to {SECRETS['aci_calico_apic_password']}"}
        if name == "aci_info":
            firmware = {"topology/pod-1/node-1": {"class": "firmwareCtrlrRunning", "attributes": {"version": "6.0(9c)"}}}
            return {"objects": firmware if "firmware" in arguments["queries"][0] else self.deployed.objects}
        if name == "calico_info":
            server = {"gitVersion": "v1.30.0"}
            installation = {"version": "3.32.1", "installer": "operator", "data_plane": "iptables"}
            more = {"managers": self.deployed.managers, "server": server, "installation": installation}
            return {"calico": {**self.deployed.calico, **more}}
        return {"artifacts": ["x"]}

    def run(self, **options: Any) -> dict[str, Any]:
        folder = str(self.folder.parent)
        return run(action, self.module, dict(SECRETS), plan=self.deployed.plan, artifacts_dir=folder, **options)

    def archive(self) -> dict[str, str]:
        content = (self.folder / "support.tar.gz").read_bytes()
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            opened = {entry.name: tar.extractfile(entry) for entry in tar.getmembers()}
            return {name.removeprefix("support-prod1/"): file.read().decode() for name, file in opened.items() if file}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    listen(monkeypatch)
    return Bench(tmp_path)


def test_the_archive_has_plan_states_versions_and_artifacts(bench: Bench) -> None:
    result = bench.run()
    assert (result["changed"], result["failed_parts"]) == (False, {})
    files = bench.archive()
    assert sorted(files) == result["files"]
    assert set(files) == {
        "plan.json", "versions.json", "failures.json", "state/apic.json", "state/kubernetes.json",
        "artifacts/verify.json", "artifacts/nodes/n1/netplan.yaml",
    }  # fmt: skip
    assert json.loads(files["plan.json"]) == json.loads(json.dumps(bench.deployed.plan))
    found = json.loads(files["versions.json"])
    assert found["apic"] == {"topology/pod-1/node-1": "6.0(9c)"}
    assert found["kubernetes"] == "v1.30.0"
    assert found["calico"]["version"] == "3.32.1"
    assert found["netops.aci_calico"][0].isdigit()
    assert {"ansible", "python", "cisco.aci", "kubernetes.core"} <= set(found)


def test_no_secret_of_the_inventory_is_in_it_in_any_spelling(bench: Bench) -> None:
    bench.silent = {"verify"}
    bench.run()
    files = bench.archive()
    everything = "".join([*files, *files.values()])
    assert "(hidden)" in everything
    for secret in SECRETS.values():
        for spelling in (secret, json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode().rstrip("=")):
            assert spelling not in everything
    assert "uni/tn-common" in files["state/apic.json"]


def test_what_cannot_be_read_is_named_and_the_rest_is_there(bench: Bench) -> None:
    bench.silent = {"aci_info", "drift"}
    result = bench.run()
    assert set(result["failed_parts"]) == {"drift", "apic", "versions of APIC"}
    files = bench.archive()
    assert "state/kubernetes.json" in files
    assert set(json.loads(files["failures.json"])) == {"drift", "apic", "versions of APIC"}


def test_an_artifact_that_cannot_be_read_is_named_in_the_archive(bench: Bench) -> None:
    (bench.folder / "verify.json").unlink()
    (bench.folder / "verify.json").mkdir()
    failed = bench.run()["failed_parts"]
    assert set(failed) == {"artifacts/verify.json"}
    assert json.loads(bench.archive()["failures.json"]) == failed


def test_a_preview_writes_nothing(bench: Bench) -> None:
    bench.run(check=True)
    assert not (bench.folder / "support.tar.gz").exists()
