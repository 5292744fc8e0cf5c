# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gather what somebody else needs to help with a cluster into one archive, without secrets. Changes neither side."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Any

import ansible.release
from ansible.errors import AnsibleError

from ..plugin_utils.actions import BOTH_SIDES, PlannedAction, Refused, about_calico
from ..plugin_utils.comparison import apic_queries
from ..plugin_utils.documents.support import LARGEST, NAME, REPORTS, as_text, bundle, version_queries, versions
from ..plugin_utils.files import Artifacts, read_file, said
from ..plugin_utils.schema.check import plain
from ..plugin_utils.schema.text import wrapped
from ..plugin_utils.schema.variables import APIC_ACCESS, KUBERNETES_ACCESS, SECRETS

COLLECTIONS = ("netops.aci_calico", "cisco.aci", "kubernetes.core")


class ActionModule(PlannedAction):
    """See plugins/modules/support.py."""

    ARGUMENTS = {**BOTH_SIDES}
    SETTINGS = {"artifacts_dir": "aci_calico_artifacts_dir"}
    WRITES_ARTIFACTS = True

    def act_on(self, plan: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Read both sides, verify, look for drift, and write the archive. What fails is noted in it."""
        self._failed: dict[str, str] = {}
        folder = os.path.expanduser(str(options["artifacts_dir"] or "artifacts"))
        artifacts = Artifacts(folder, plan["cluster"])
        common = {"plan": plan, "artifacts_dir": folder, **{side: options[side] for side in BOTH_SIDES}}
        for name, more in (("verify", {"timeout": 0, "node_status": False}), ("drift", {"fails": False})):
            self._attempt(name, partial(self._outcome, name, {**common, **more}))
        apic = self._attempt("apic", partial(self._objects, options, apic_queries(plan)))
        running = self._attempt("versions of APIC", partial(self._objects, options, version_queries()))
        calico = self._attempt("kubernetes", partial(self._calico, plan, options))
        found = versions(self._local(), running, calico)
        written = self._artifacts(artifacts)
        files = {"plan.json": as_text(plan), "versions.json": as_text(found), "failures.json": as_text(self._failed)}
        for name, state in (("apic", apic), ("kubernetes", calico)):
            files |= {f"state/{name}.json": as_text(state)} if state is not None else {}
        files |= {f"artifacts/{name}": text for name, text in written.items()}
        content = bundle(files, self._secrets(), f"support-{plan['cluster']}")
        self.record(plan["cluster"], artifacts, {NAME: content})
        path = artifacts.path(NAME)
        missing = f" Not in it: {', '.join(self._failed)} (failures.json says why)." if self._failed else ""
        text = f"{plan['cluster']}: {path} has {len(files)} files, without the passwords and keys of the inventory.{missing}"
        self.show("\n".join(wrapped(text, rest="  ")))
        return {"archive": path, "files": sorted(files), "failed_parts": self._failed}

    def _attempt(self, part: str, read: Callable[[], Any]) -> Any:
        """Return what a part of the bundle reads; None if that fails, which is noted."""
        try:
            return read()
        except (AnsibleError, Refused, OSError) as reason:
            self._failed[part] = str(reason)
            return None

    def _outcome(self, name: str, arguments: dict[str, Any]) -> None:
        """Run an action that writes its report among the artifacts, whatever it finds."""
        result = self.try_module(name, arguments)
        if result.get("failed") and not (result.get("artifacts") or result.get("causes")):
            raise Refused(str(result.get("msg")))

    def _objects(self, options: dict[str, Any], queries: list[str]) -> Any:
        access = self.access(options["apic"], APIC_ACCESS)
        return self._read("aci_info", {**access, "queries": queries})["objects"]

    def _calico(self, plan: dict[str, Any], options: dict[str, Any]) -> Any:
        access = self.access(options["kubernetes"], KUBERNETES_ACCESS)
        about = about_calico(plan, self.password())
        return self._read("calico_info", {**access, **about, "checks": True, "details": True})["calico"]

    def _read(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the result of a module.

        :raises AnsibleError: it failed. The other parts of the bundle are gathered nevertheless.
        """
        result = self.try_module(name, arguments)
        if result.get("failed"):
            raise AnsibleError(f"{name}: {result.get('msg', 'failed')}")
        return result

    @staticmethod
    def _local() -> dict[str, str]:
        return {"ansible": ansible.release.__version__, "python": platform.python_version(), **_collections()}

    def _artifacts(self, artifacts: Artifacts) -> dict[str, str]:
        """Return the plan's files and the reports of the last runs, without links and files of users."""
        found = {}
        for name in sorted({*artifacts.listed(), *REPORTS}):
            path = artifacts.path(name)
            try:
                content = None if os.path.islink(path) else read_file(path, LARGEST)
            except OSError as reason:
                self._failed[f"artifacts/{name}"] = said(reason)
                continue
            if content is not None and len(content) <= LARGEST:
                found[name] = content.decode(errors="replace")
        return found

    def _secrets(self) -> list[str]:
        """Return the values of the inventory's secrets, as far as they can be read."""
        values = []
        for name in sorted(SECRETS & self.task_vars.keys()):
            try:
                value = plain(self._value(name))
            except AnsibleError:
                continue
            values += [str(value)] if value else []
        return values


def _collections() -> dict[str, str]:
    """Return the versions of the collections that a run uses, as far as their folders tell."""
    return {name: _version(import_module(f"ansible_collections.{name}").__path__[0]) for name in COLLECTIONS}


def _version(folder: str) -> str:
    """Return the version in the manifest of an installed collection, or in the galaxy.yml of a checkout."""
    for name in ("MANIFEST.json", "galaxy.yml"):
        with suppress(OSError):
            text = (read_file(os.path.join(folder, name), LARGEST) or b"").decode(errors="replace")
            stated = re.search(r'^ *"?version"?: *"?([^",\s]+)', text, re.MULTILINE)
            if stated:
                return stated.group(1)
    return "unknown"
