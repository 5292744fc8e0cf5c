# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a new inventory that can be planned as it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from ..plugin_utils.actions import ClusterAction, Refused
from ..plugin_utils.documents.inventory import SCHEMA, inventory_files
from ..plugin_utils.files import Change, read_file, said
from ..plugin_utils.intent.reading import PASSWORD, SECRETS_DECLARED
from ..plugin_utils.planning.compile import compile_cluster
from ..plugin_utils.schema.text import wrapped

NAME = "aci_calico_cluster_name"
_LIST = {"type": "list", "elements": "str"}


class ActionModule(ClusterAction):
    """See plugins/modules/init.py."""

    ARGUMENTS = {
        "folder": {"type": "path", "required": True},
        "cluster": {"type": "str", "required": True},
        "svi": {"type": "str", "choices": ["floating", "standard", "auto"], "default": "floating"},
        "apic": {"type": "str", "default": "apic1.example.net"},
        "fabric_asn": {"type": "int", "default": 65002},
        "cluster_asn": {"type": "int", "default": 65003},
        "tenant": {"type": "str", "default": "common"},
        "vrf": {"type": "str", "default": "calico"},
        "l3_domain": {"type": "str", "default": "k8s-l3"},
        "physical_domain": {"type": "str", "default": "k8s"},
        "vlan": {"type": "str", "default": "300"},
        "leaves": {"type": "list", "elements": "int", "default": [201, 202, 203, 204]},
        "nodes": {"type": "int", "default": 6},
        "node_subnets": {**_LIST, "default": ["192.168.2.0/24"]},
        "pod_subnets": {**_LIST, "default": ["10.1.0.0/16"]},
        "service_subnets": {**_LIST, "default": ["192.168.8.0/22"]},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Check the answers, and write the files if none of them is there with another content."""
        for name in ("leaves", "node_subnets", "pod_subnets", "service_subnets"):
            options[name] = [value.strip() if isinstance(value, str) else value for value in options[name]]
        files = inventory_files(options)
        variables = yaml.safe_load(files[f"group_vars/{options['cluster']}/main.yml"])
        del variables[PASSWORD]  # a reference to the Vault
        compiled = compile_cluster(variables, f"{options['cluster']}-cluster", secrets=SECRETS_DECLARED, unreadable=[PASSWORD])
        problems = compiled.problems
        if any(problem.path == NAME for problem in problems):  # the nodes are named after the cluster
            problems = [problem for problem in problems if not problem.path.startswith("aci_calico_racks")]
        self.report(options["cluster"], problems, "planned")
        schema = Path(__file__).resolve().parents[2] / "schemas" / Path(SCHEMA).name
        files[SCHEMA] = schema.read_text(encoding="utf-8")
        changes = [_change(os.path.join(options["folder"], name), text) for name, text in files.items()]
        taken = [change.path for change in changes if change.before not in (None, change.after)]
        if taken:
            raise Refused(f"{', '.join(taken)}: exists with another content. Name another folder, or edit the inventory.")
        new = [change for change in changes if change.before is None]
        self.apply(options["cluster"], new)
        self.add_changes(new, shown=False)
        self.show(_next_steps(options["folder"], list(files)[:-1]))
        return {"files": [change.path for change in changes]}


def _change(path: str, text: str) -> Change:
    try:
        return Change(path, read_file(path), text.encode())
    except OSError as reason:
        raise Refused(f"{path} cannot be read: {said(reason)}") from reason


def _next_steps(folder: str, files: list[str]) -> str:
    """Return what was written and what comes next."""
    vault = os.path.join(folder, "group_vars/aci_calico_clusters/vault.yml")
    lines = [*wrapped(f"Inventory in {folder}: {', '.join(files)}", rest="  "), "", "Next:"]
    lines.append(f"  edit {os.path.join(folder, files[-1])}")
    lines.append(f"  edit {os.path.join(folder, files[1])}")
    lines += [f"  ansible-playbook -i {folder} netops.aci_calico.plan", "Before a run that configures:"]
    lines += [
        f"  ansible-vault encrypt_string --stdin-name {name} >> {vault}"
        for name in ("vault_bgp_password", "vault_apic_private_key")
    ]
    return "\n".join(lines)
