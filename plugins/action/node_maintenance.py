# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say whether nodes or leaves may go, take them out of service for maintenance, and return them to service."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Collection, Iterator
from functools import partial
from typing import Any

from ..module_utils.kubernetes.api import PAUSES
from ..plugin_utils.actions import BOTH_SIDES, PlannedAction, Refused
from ..plugin_utils.apic.tree import about_fabric
from ..plugin_utils.calico.maintenance import leaf_maintenance, leaves_out, node_maintenance, nodes_out, with_live_nodes
from ..plugin_utils.calico.push import failure_problems
from ..plugin_utils.calico.targets import LEAVES, NODES, Step, Targets, read_targets
from ..plugin_utils.documents.encoding import json_text
from ..plugin_utils.files import read_file
from ..plugin_utils.local import preload
from ..plugin_utils.schema.consent import TRAFFIC_INTERRUPTION
from ..plugin_utils.schema.problems import Problem, some
from ..plugin_utils.schema.text import wrapped
from ..plugin_utils.schema.variables import APIC_ACCESS, INVENTORY, KUBERNETES_ACCESS
from ..plugin_utils.verify.departure import Departure, as_table, missing, planned, snapshot
from ..plugin_utils.verify.report import DRAINED

preload("aci_state", "calico_state", "calico_objects")

DRAIN = "kubernetes.core.k8s_drain"
# In messages of this module, which returns no status.
_PASSING = re.compile(r"\b(409|429|500|502|503|504)\b|Max retries exceeded|Connection (aborted|reset)")
# The seconds for which the lease holds while a node is drained without a limit, and while the user's own tasks run.
FOREVER = 3600
# The seconds after which a run that ended between two steps is forgotten, and its work begins anew.
REMEMBERED = 24 * 3600
ASK, BEGIN, END, STEPS = "ask", "begin", "end", "steps"
RECORD = "maintenance.json"
_NAMES = {"type": "list", "elements": "str", "default": []}


class ActionModule(PlannedAction):
    """See plugins/modules/node_maintenance.py."""

    ARGUMENTS = {
        **BOTH_SIDES,
        "nodes": _NAMES,
        "racks": _NAMES,
        "leaves": _NAMES,
        "state": {"type": "str", "choices": [ASK, BEGIN, END, STEPS], "default": BEGIN},
        "work": {"type": "str", "default": ""},
        "failed": {"type": "bool", "default": False},
        "at_once": {"type": "int", "default": 1},
        "timeout": {"type": "int", "default": 60},
        "return_timeout": {"type": "int", "default": 900},
        "drain": {"type": "bool", "default": True},
        "delete_options": {"type": "dict", "default": {"wait_timeout": 300}},
    }
    SETTINGS = {"interval": "aci_calico_verify_interval"}
    WRITES_ARTIFACTS = True

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Read both sides, then ask, begin, end, or prepare the steps of the work."""
        self._planned = self._plan_of = plan
        self._options = options
        # The command line gives lists as one text, and AWX an empty one.
        lists = ([name.strip() for name in options[kind] if name.strip()] for kind in ("nodes", "racks", "leaves"))
        targets = read_targets(plan, *lists)
        if options["state"] == ASK and not targets.units and not targets.problems:
            targets = read_targets(plan, [], [], ["all"])
        self.report(plan["cluster"], [*targets.problems, *self._unnamed(targets)], "processed")
        self._kubernetes = self.access(options["kubernetes"], KUBERNETES_ACCESS)
        self._record = self._read_record()
        act = {ASK: self._ask, STEPS: self._steps, BEGIN: self._begin, END: self._end}[options["state"]]
        return act(targets)

    def _unnamed(self, targets: Targets) -> Iterator[Problem]:
        if not targets.units and not targets.problems:
            yield Problem("maintenance-nodes", NODES, "Nothing is named")

    # --- may they go? ------------------------------------------------------------------------------------------------

    def _ask(self, targets: Targets) -> dict[str, Any]:
        """Answer for everything together, or for each leaf by itself."""
        aci, live = self._read_both()
        whole = targets.whole
        departure = self._departure(aci, live)
        rows = [departure.row(leaf) for leaf in whole.leaves]
        if rows:
            self._record = self._read_record()  # without a lease, another run may have changed it since
            self._write_record(leaves=rows)
            self.show("\n".join(as_table(rows)))
        problems = [] if targets.every else self._against(whole, aci, live)
        found = self._report(problems, "maintained now")
        if not targets.every:
            self._say(f"{self._title(whole)} may go now")
        return {"problems": found, "leaves": rows}

    def _steps(self, targets: Targets) -> dict[str, Any]:
        """Return the steps that an interrupted run has not finished, each checked as if it were the next one.

        If a step is still out, the others are checked when it is back.
        """
        work = os.path.abspath(os.path.expanduser(self._options["work"]))
        aci, live = self._read_both()
        steps = {step.as_dict()["name"]: step for step in targets.steps(self._options["at_once"])}
        done = self._done([*steps])
        left = [step for name, step in steps.items() if name not in done]
        checked = left[:1] if self._open() else left
        problems = dict.fromkeys(problem for step in checked for problem in self._against(step, aci, live))
        missing_file = Problem("maintenance-work-missing", "node_maintenance_work", f"There is no {work}")
        found = self._report([*problems, *([] if os.path.isfile(work) else [missing_file])], "maintained")
        self._write_record(conduct={"steps": [*steps], "done": done, "updated": int(time.time())})
        if done:
            self._say(f"an interrupted run has finished {some(done)}; this run goes on with the others")
        listed = [step.as_dict() for step in left]
        self._say(f"{len(left)} {'step' if len(left) == 1 else 'steps'}: {'; '.join(step['name'] for step in listed)}")
        return {"problems": found, "steps": listed, "work": work}

    def _done(self, names: list[str]) -> list[str]:
        """Return the steps that are over, if a run with the same steps was interrupted: not long ago, or within a step."""
        conduct = self._record["conduct"] or {}
        recent = bool(self._open()) or time.time() - conduct.get("updated", 0) < REMEMBERED
        return list(conduct["done"]) if recent and conduct.get("steps") == names else []

    def _against(self, step: Step, aci: dict[str, Any], live: dict[str, Any]) -> list[Problem]:
        """Return what speaks against a step now."""
        if step.nodes:
            problems: list[Problem] = node_maintenance(self._plan_of, live["nodes"], live, [*step.nodes])["problems"]
            return problems
        accepted = TRAFFIC_INTERRUPTION in self.consents().names
        others = sorted(set(leaves_out(live["nodes"])) - set(step.leaves))
        named = [Problem("maintenance-others", LEAVES, f"Leaves are out for maintenance: {some(others)}")] if others else []
        return [*self._departure(aci, live).problems(step.leaves, accepted), *named, *self._shared(step)]

    def _departure(self, aci: dict[str, Any], live: dict[str, Any]) -> Departure:
        idle = {*nodes_out(live["nodes"]), *live["excluded"]} & {*_cordoned(live)}
        return Departure(self._plan_of, aci, leaves_out(live["nodes"]), idle)

    def _shared(self, step: Step) -> Iterator[Problem]:
        """Yield problems with other clusters that have sessions with the leaves."""
        index = self.registered(INVENTORY).get("index") or {}
        host = str(self.task_vars.get("inventory_hostname"))
        run, alive = (set(self.task_vars.get(name) or ()) for name in ("ansible_play_hosts_all", "ansible_play_hosts"))
        fabrics = index.get("fabric") or {}
        for leaf in step.leaves:
            users = (index.get("sessions") or {}).get(str(leaf)) or {}
            others = {one for one in users if one != host and fabrics.get(one) == fabrics.get(host)}
            if others - run:
                what = f"It also has sessions with nodes of {some(sorted(others - run))}, which this run does not ask"
                yield Problem("maintenance-leaf-shared", f"leaf {leaf}", what)
            if others & (run - alive):
                what = f"It also has sessions with nodes of {some(sorted(others & (run - alive)))}, which failed or refused in this run"
                yield Problem("maintenance-leaf-refused", f"leaf {leaf}", what)

    # --- out of service ----------------------------------------------------------------------------------------------

    def _begin(self, targets: Targets) -> dict[str, Any]:
        """Take everything out of service together: leaves are marked; nodes are cordoned and drained."""
        step = targets.whole
        aci, live = self._read_both()
        problems = self._report(self._against(step, aci, live), "changed")
        still = set(self._open())
        before = self._record["before"] if still else None
        self._write_record(open=sorted(still | set(step.names)), before=before or snapshot(self._plan_of, aci), missing=[])
        if step.leaves:
            self._change(step, leaf_maintenance(self._plan_of, live["nodes"], step.leaves, True))
            self._keep(step, FOREVER)
            self._say(f"{self._title(step)} {self._verb(step)} out for maintenance: no node loses its last session")
            return {"problems": problems}
        waits = not self._task.check_mode
        self._keep(step, self._options["timeout"] if waits else 0)
        self._change(step, node_maintenance(self._plan_of, live["nodes"], live, [*step.nodes]))
        if waits:
            self._wait_for_leaves(step)
        for name in step.nodes if self._options["drain"] else ():
            self._keep(step, int(self._options["delete_options"].get("wait_timeout") or FOREVER))
            arguments = {"name": name, "delete_options": {**self._options["delete_options"], "ignore_daemonsets": True}}
            self._drain({**self._kubernetes, **arguments})
        if self._options["work"]:
            self._keep(step, FOREVER)
        state = f"out of service and {'drained' if self._options['drain'] else 'cordoned'}"
        self._say(f"{self._title(step)} {self._verb(step)} {state}")
        return {"problems": problems}

    def _drain(self, arguments: dict[str, Any]) -> None:
        """Move the pods of a node. The module reads which pods are left, so it can be run again after a failure that passes."""
        for pause in PAUSES[1:]:
            result = self.try_module(DRAIN, arguments)
            self.add_effects({"changed": result.get("changed"), "warnings": result.get("warnings")})
            if not result.get("failed"):
                return
            if not _PASSING.search(str(result.get("msg"))):
                break
            time.sleep(pause)
        self.refuse(DRAIN, result)

    def _wait_for_leaves(self, step: Step) -> None:
        """Wait until no leaf sends services' traffic to the nodes."""
        arguments = {"plan": self._plan_of, "only": DRAINED, "nodes": [*step.nodes], "timeout": self._options["timeout"]}
        result = self.try_module("verify", {**arguments, "apic": self._options["apic"]})
        if result.get("failed"):
            raise Refused(str(result.get("msg")))

    # --- back in service ---------------------------------------------------------------------------------------------

    def _end(self, targets: Targets) -> dict[str, Any]:
        """Wait for sessions, return everything to service, and wait until nothing is missing that was there before."""
        step, live = targets.whole, self._read_kubernetes()
        change = node_maintenance(self._plan_of, live["nodes"], live, [*step.nodes], False) if step.nodes else {"problems": []}
        marked = set(leaves_out(live["nodes"]))
        unmarked = [leaf for leaf in step.leaves if leaf not in marked and f"leaf {leaf}" not in self._record["open"]]
        for leaf in unmarked:
            change["problems"].append(Problem("maintenance-not-begun", f"leaf {leaf}", f"Leaf {leaf} was not taken out"))
        problems = self._report(change["problems"], "changed")
        back = Step(
            tuple(name for name in step.nodes if name in nodes_out(live["nodes"])),
            tuple(leaf for leaf in step.leaves if leaf not in unmarked),
        )
        others = [name for name in self._open() if name not in step.names]
        absent = {node["name"] for node in self._plan_of["nodes"] if live["ready"].get(node["name"], False) is False} - {
            *back.nodes
        }
        before = self._record["before"] or planned(self._plan_of, back.nodes, back.leaves, absent)
        if back.nodes:
            self._wait_for_return(back, partial(missing, before, absent=others, only=back.nodes))
            self._keep(back)
            self._change(back, node_maintenance(self._plan_of, live["nodes"], live, [*back.nodes], False))
        if back.names:
            self._wait_for_return(back, partial(missing, before, absent=others))
            self._keep(back)
            self._change(back, leaf_maintenance(self._plan_of, live["nodes"], back.leaves, False))
        self._close(step, others)
        self._say(f"{self._title(step)} {self._verb(step)} in service")
        return {"problems": problems}

    def _close(self, step: Step, others: list[str]) -> None:
        """Record that a step is over, and the work with its last step."""
        conduct = self._record["conduct"]
        name = step.as_dict()["name"]
        if conduct and name in conduct["steps"] and not self._options["failed"]:
            done = [*(one for one in conduct["done"] if one != name), name]
            conduct = {**conduct, "done": done, "updated": int(time.time())}
            conduct = None if set(conduct["done"]) == set(conduct["steps"]) else conduct
        before = self._record["before"] if others else None
        self._write_record(open=others, before=before, missing=[], conduct=conduct)

    def _wait_for_return(self, step: Step, look: Any) -> None:
        """Wait until nothing is missing.

        :raises Refused: something still is when time is up.
        """
        if self._task.check_mode:
            return
        timeout, interval = self._options["return_timeout"], self._options["interval"]
        self._keep(step, timeout)
        deadline, shown = time.monotonic() + timeout, ""
        while True:
            aci, live = self._read_both()
            blocks = None if live["blocks"] is None else [block["cidr"] for block in live["blocks"]]
            found = look(plan=self._plan_of, aci=aci, blocks=blocks)
            line = "; ".join(f"{problem.path}: {problem.problem}" for problem in found[:2])
            if line and line != shown:
                self._say(f"waiting: {line}")
            shown = line
            if not found or time.monotonic() + interval > deadline:
                break
            time.sleep(interval)
        if found:
            self._write_record(missing=[problem.as_dict() for problem in found])
            self.report(self.cluster, found, "returned to service")

    # --- both sides --------------------------------------------------------------------------------------------------

    def _read_both(self) -> tuple[dict[str, Any], dict[str, Any]]:
        arguments = {**self.access(self._options["apic"], APIC_ACCESS), **about_fabric(self._plan_of)}
        aci, live = self.at_once(lambda: self.run_module("aci_state", arguments), self._read_kubernetes)
        return aci["state"], live

    def _read_kubernetes(self) -> dict[str, Any]:
        live: dict[str, Any] = self.run_module("calico_state", {**self._kubernetes, "node_status": "ignore"})["state"]
        failures = [failure for failure in live["failures"] if failure["path"] == "/api/v1/nodes"]
        if failures:
            self.report(self.cluster, failure_problems({"failures": failures}), "changed")
        self._plan_of = with_live_nodes(self._planned, live["nodes"])
        return live

    def _change(self, step: Step, change: dict[str, Any]) -> None:
        """Patch the nodes."""
        for name, difference in change["differences"].items():
            self.add_effects({"diff": {**difference, "before_header": name, "after_header": name}})
        if change["patched"]:
            patches = [{"state": "patched", "manifest": patch} for patch in change["patched"]]
            result = self.try_module("calico_objects", {**self._kubernetes, "changes": patches})
            self.add_effects({"changed": result.get("changed")})
            if result.get("failed"):
                self.refuse("calico_objects", result)

    def _keep(self, step: Step, seconds: int = 0) -> None:
        task = f"{self._options['state']} the maintenance of {step.as_dict()['name']}"
        connections = {side: self._options[side] for side in ("apic", "kubernetes")}
        self.keep_lease(self._plan_of, task, seconds, **connections)

    # --- the record --------------------------------------------------------------------------------------------------

    def _read_record(self) -> dict[str, Any]:
        """Return what earlier runs have left: what is out of service, what there was before, and the steps of the work."""
        empty: dict[str, Any] = {
            "cluster": self.cluster,
            "open": [],
            "before": None,
            "missing": [],
            "conduct": None,
            "leaves": [],
        }
        try:
            content = json.loads(read_file(self.artifacts(self.cluster).path(RECORD)) or b"{}")
        except (OSError, ValueError):
            content = {}
        return {name: content.get(name, value) for name, value in empty.items()} if isinstance(content, dict) else empty

    def _write_record(self, **changes: Any) -> None:
        """Write the record to the artifacts. It does not count as a change."""
        self._record |= changes
        self.record(self.cluster, self.artifacts(self.cluster), {RECORD: json_text(self._record)})

    def _open(self) -> Collection[str]:
        return [str(name) for name in self._record["open"]]

    # --- text --------------------------------------------------------------------------------------------------------

    def _report(self, problems: list[Problem], done: str) -> list[dict[str, str]]:
        return self.report(self.cluster, problems, done)

    def _say(self, text: str) -> None:
        self.show("\n".join(wrapped(f"{self.cluster}: {text}", rest="  ")))

    def _title(self, step: Step) -> str:
        names = [*step.nodes, *map(str, step.leaves)]
        kind = "node" if step.nodes else "leaf"
        several = "nodes" if step.nodes else "leaves"
        return f"{kind if len(names) == 1 else several} {', '.join(names)}"

    def _verb(self, step: Step) -> str:
        return "would be" if self._task.check_mode else "is" if len(step.names) == 1 else "are"


def _cordoned(live: dict[str, Any]) -> list[str]:
    return [node["metadata"]["name"] for node in live["nodes"] if (node.get("spec") or {}).get("unschedulable")]
