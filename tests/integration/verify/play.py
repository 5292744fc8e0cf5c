"""The playbooks against a cluster on the bench, run as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from integration.verify.live import PASSWORD, Live

from lab.twin.bench import APIC_PASSWORD


class Play:
    """The playbooks with an inventory of one cluster, called as a function that returns how the run ended."""

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
        program = Path(sys.executable).parent / "ansible-playbook"
        playbook = self._root / "playbooks" / f"{playbook}.yml"
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(self._root / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(self._root / "collections"),
            # The client keeps what it discovers of a server in the temporary folder, by address; ports are used again.
            "TMPDIR": str(self.folder),
        }
        return subprocess.run(
            [str(program), "-i", str(self.folder / "hosts.yml"), str(playbook), *options],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def artifact(self, name: str) -> str:
        return (self.folder / "artifacts" / "prod1" / name).read_text(encoding="utf-8")
