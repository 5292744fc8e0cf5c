# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan a cluster from its variables, report all problems with them, and write the plan's files."""

from __future__ import annotations

from typing import Any

from ..plugin_utils.actions import ClusterAction, Planned
from ..plugin_utils.apic.tree import apic_tree
from ..plugin_utils.calico.manifests import kubernetes_objects
from ..plugin_utils.documents.encoding import json_text, yaml_texts
from ..plugin_utils.documents.nodes import node_files
from ..plugin_utils.documents.plan import plan_document
from ..plugin_utils.files import NODES
from ..plugin_utils.schema.check import check_optional
from ..plugin_utils.schema.variables import VARIABLES

DIFF = VARIABLES["aci_calico_artifacts_diff"]


class ActionModule(ClusterAction):
    """See plugins/modules/plan.py."""

    ARGUMENTS = {"artifacts": {"type": "bool", "default": False}, "require_secrets": {"type": "bool", "default": False}}

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Plan the cluster that the play's host stands for."""
        self.WRITES_ARTIFACTS = options["artifacts"]
        made = self.make_plan(options["require_secrets"])
        artifacts = self.write_plan(made) if options["artifacts"] else []
        if not options["artifacts"]:
            self.save(made.plan["cluster"], made.recording)
        return {
            "plan": made.plan,
            "problems": [problem.as_dict() for problem in made.problems],
            "allocation_file": made.allocation_file,
            "artifacts": artifacts,
            **_recorded(made),
        }

    def write_plan(self, made: Planned) -> list[str]:
        """Write the artifacts and, last, the allocation file; all of them or none."""
        files = _files(made.plan)
        nodes = node_files(made.plan)
        artifacts = self.artifacts(made.plan["cluster"])
        changes = artifacts.replace(files | nodes)
        self.report(made.plan["cluster"], artifacts.problems, "recorded")
        self.apply(made.plan["cluster"], [*changes, *made.recording])
        self.add_changes(changes, bool(check_optional(DIFF, made.variables.get(DIFF.name), DIFF.name, [])))
        self.add_changes(made.recording)
        if not self._task.check_mode:
            artifacts.remove_empty_folders(changes)
        return [*map(artifacts.path, files), *([artifacts.path(NODES)] if nodes else [])]


def _recorded(made: Planned) -> dict[str, Any]:
    """Return the text of the allocation file before this plan, if the plan changes it."""
    texts = [None if change.before is None else change.before.decode(errors="replace") for change in made.recording]
    return {"recorded": {"before": texts[0]}} if texts else {}


def _files(plan: dict[str, Any]) -> dict[str, str]:
    """Return the files for reviewers, ``{name: text}``. None of them holds a secret."""
    return {
        "plan.json": json_text(plan),
        "plan.md": plan_document(plan),
        "apic.json": json_text(apic_tree(plan)),
        "kubernetes.yml": yaml_texts(kubernetes_objects(plan)),
    }
