# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan a cluster from its variables, report all problems with them, and write the plan's files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from ..plugin_utils.actions import ClusterAction
from ..plugin_utils.apic.tree import apic_tree
from ..plugin_utils.calico.manifests import kubernetes_objects
from ..plugin_utils.documents.nodes import node_files
from ..plugin_utils.documents.plan import plan_document
from ..plugin_utils.schema.check import check_optional
from ..plugin_utils.schema.variables import VARIABLES

# The folder of the nodes' network configurations. It holds no other files.
NODES = "nodes"
DIFF = VARIABLES["aci_calico_artifacts_diff"]


class ActionModule(ClusterAction):
    """See plugins/modules/plan.py."""

    ARGUMENTS = {"artifacts": {"type": "bool", "default": False}, "require_secrets": {"type": "bool", "default": False}}

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Plan the cluster that the play's host stands for."""
        made = self.make_plan(options["require_secrets"])
        artifacts = self._write_artifacts(made.plan, made.variables) if options["artifacts"] else []
        return {
            "plan": made.plan,
            "problems": [problem.as_dict() for problem in made.problems],
            "allocation_file": made.allocation_file,
            "artifacts": artifacts,
        }

    def _write_artifacts(self, plan: dict[str, Any], variables: Mapping[str, Any]) -> list[str]:
        named = variables.get("aci_calico_artifacts_dir") or VARIABLES["aci_calico_artifacts_dir"].default
        folder = os.path.join(os.path.expanduser(str(named)), plan["cluster"])
        artifacts = _artifacts(plan, folder)
        nodes = {os.path.join(folder, path): text for path, text in node_files(plan).items()}
        shown = bool(check_optional(DIFF, variables.get(DIFF.name), DIFF.name, []))
        for path, text in (artifacts | nodes).items():
            self.write(path, text, shown)
        self._remove_others(os.path.join(folder, NODES), nodes, shown)
        return [*artifacts, *([os.path.join(folder, NODES)] if nodes else [])]

    def _remove_others(self, folder: str, wanted: Iterable[str], shown: bool) -> None:
        """Remove the files that an earlier plan wrote and this one does not."""
        for place, _folders, names in os.walk(folder, topdown=False):
            for path in sorted({os.path.join(place, name) for name in names}.difference(wanted)):
                change = {"before": f"{path}\n", "after": "", "before_header": path, "after_header": path}
                self.add_effects({"changed": True, "diff": change if shown else []})
                if not self._task.check_mode:
                    os.unlink(path)
            if not self._task.check_mode and not os.listdir(place):
                os.rmdir(place)


def _artifacts(plan: dict[str, Any], folder: str) -> dict[str, str]:
    """Return the files for reviewers, ``{path: text}``. None of them holds a secret."""
    manifests = yaml.safe_dump_all(kubernetes_objects(plan), sort_keys=False, explicit_start=True, width=200)
    return {
        os.path.join(folder, "plan.json"): _json(plan),
        os.path.join(folder, "plan.md"): plan_document(plan),
        os.path.join(folder, "apic.json"): _json(apic_tree(plan)),
        os.path.join(folder, "kubernetes.yml"): manifests,
    }


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
