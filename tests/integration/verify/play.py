"""Runs of the playbooks against a cluster on the bench."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml
from forked import ansible_playbook
from integration.verify.live import PASSWORD, Live

from lab.twin.bench import APIC_PASSWORD


class Play:
    """The playbooks with an inventory of one cluster; a call runs one and returns its end."""

    def __init__(self, folder: Path, root: Path, live: Live, variables: dict[str, Any]) -> None:
        self.folder = folder
        self._root = root
        connection = {
            "aci_calico_apic_host": "127.0.0.1",
            "aci_calico_apic_port": live.bench.apic.port,
            "aci_calico_apic_password": APIC_PASSWORD,
            "aci_calico_apic_use_ssl": False,
            "aci_calico_kubeconfig": str(live.reader.kubeconfig),
            "aci_calico_bgp_password": PASSWORD,
            "aci_calico_artifacts_dir": str(folder / "artifacts"),
        }
        hosts = {"aci_calico_clusters": {"hosts": {"prod1": {**variables, **connection}}}}
        (folder / "hosts.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")

    def __call__(self, *options: str, playbook: str = "verify") -> subprocess.CompletedProcess[str]:
        playbook = str(self._root / "playbooks" / f"{playbook}.yml")
        # The client caches the API resources of a server in the temporary folder, by address; ports are used again.
        environment = {**os.environ, "TMPDIR": str(self.folder)}
        return ansible_playbook("-i", "hosts.yml", playbook, *options, folder=self.folder, environment=environment)

    def artifact(self, name: str) -> str:
        return (self.folder / "artifacts" / "prod1" / name).read_text(encoding="utf-8")
