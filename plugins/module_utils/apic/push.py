# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the roots, compare them, and send the differences: at most one GET and one POST for each root."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..names import HIDDEN
from . import mo
from .diff import Change, Difference, compare_root, limit, once, payload
from .roots import Root, queries
from .session import ApicError, OutcomeUnknown, Session
from .tree import SECRET, Existing

# The number of attempts to send the changes of a root.
_MOST_ROUNDS = 5
# APIC's codes for "the object does not exist" and "it exists already": the tree changed since it was read.
_ABSENT, _PRESENT = "102", "103"
_CHANGED = frozenset(("created", "modified", "created,modified"))


class PushError(Exception):
    """The push cannot start or continue; ``details`` become part of the module's result."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class Step:
    """The state of one root: the objects that were read, the differences, and the changes that were made."""

    def __init__(self, root: Root, existing: dict[str, Existing], difference: Difference) -> None:
        self.root = root
        self.existing = existing
        self.difference = difference
        self.done: list[Change] = []

    def body(self) -> dict[str, Any] | None:
        return payload(self.root.wanted, self.existing, self.difference.changes, self.root.dn)

    def record(self, changes: Iterable[Change]) -> None:
        """Record changes as made; an object that took two attempts counts once."""
        known = {(change.action, change.dn) for change in self.done}
        self.done.extend(change for change in changes if (change.action, change.dn) not in known)


class Push:
    """A task that brings ``roots`` (see `roots.parse_roots`) to their wanted state over a `session.Session`.

    :param options: dictionary with cluster, state, prune, adopt, update_password, secrets and perhaps only of the module.
    :param guard: called before each POST; it raises a PushError if the run must stop.
    """

    def __init__(
        self, session: Session, roots: list[Root], options: dict[str, Any], guard: Callable[[], None] = lambda: None
    ) -> None:
        self.session = session
        self.guard = guard
        self.options = options
        self.absent = options["state"] == "absent"
        # Removal reverses the order of creation: interfaces before policies.
        self.roots = list(reversed(roots)) if self.absent else roots
        self.steps: list[Step] = []

    def plan(self, check: bool) -> None:
        """Read and compare every root before any root is changed.

        :param check: whether nothing will be posted, so that a container must be read to know whether it exists.
        :raises PushError: with all conflicts, or all missing containers, or a missing secret.
        """
        self.steps = self._read_all()
        self._refuse_conflicts(self.steps)
        self._refuse_missing(check)
        self._refuse_unknown_secrets()

    def apply(self) -> None:
        """Send the differences, root by root.

        :raises PushError: when APIC refuses a root, or remains unreachable.
        """
        for step in self.steps:
            self._apply(step)

    def _read_all(self) -> list[Step]:
        replies: dict[str, list[dict[str, Any]]] = {}
        for path, roots in queries(self.roots, self.options["prune"] or self.absent, self.absent):
            reply = self._get(path, roots[0])
            for root in roots:
                replies[root.dn] = [item for item in reply if root.holds(_dn_of(item))] if len(roots) > 1 else reply
        return [self._compare(root, replies[root.dn]) for root in self.roots]

    def _read(self, root: Root) -> Step:
        absent = self.absent or root.absent
        return self._compare(root, self._get(root.query(self.options["prune"] or absent, removing=absent), root))

    def _compare(self, root: Root, reply: list[dict[str, Any]]) -> Step:
        existing, difference = compare_root(root, reply, self.options, self.absent or root.absent)
        only = self.options.get("only")
        if only:
            limit(difference, root, existing, frozenset(only))
        return Step(root, existing, difference)

    def _get(self, path: str, root: Root) -> list[dict[str, Any]]:
        try:
            return self.session.get(path)
        except ApicError as error:
            raise _failure(error, root) from error

    # --- reasons not to start ----------------------------------------------------------------------------------------

    @staticmethod
    def _refuse_conflicts(steps: list[Step]) -> None:
        texts = list(dict.fromkeys(conflict.text for step in steps for conflict in step.difference.conflicts))
        if texts:
            raise PushError(f"{len(texts)} conflict(s): {'; '.join(texts)}", conflicts=texts)

    def _refuse_missing(self, check: bool) -> None:
        missing = [dn for step in self.steps for dn in step.difference.missing]
        seen = {key for step in self.steps for key in step.existing}
        for step in self.steps:
            assumed = step.root.assumed
            open_dns = [dn for dn in step.difference.unproven if not _implied(dn, seen) and dn not in assumed]
            if open_dns and (check or not step.difference.changes):
                for dn in _deepest(open_dns):
                    if self._get(f"/api/mo/{dn}.json", step.root):
                        seen.add(dn)
                    else:
                        missing.append(dn)
            seen.update(change.dn for change in step.difference.changes if change.action == "create")
        if missing:
            raise _missing_containers(missing)

    def _refuse_unknown_secrets(self) -> None:
        given = self.options["secrets"]
        needed: dict[str, str] = {}
        for change in self._changes():
            for prop in change.secrets:
                for name in SECRET.findall(change.after[prop]):
                    needed.setdefault(name, change.dn)
        for name, dn in needed.items():
            if not given.get(name):
                raise PushError(f"secrets: {name!r} is {'empty' if name in given else 'missing'}, and {dn} needs it")

    def _changes(self) -> Iterator[Change]:
        return (change for step in self.steps for change in step.difference.changes)

    # --- one root ----------------------------------------------------------------------------------------------------

    def _apply(self, step: Step) -> None:
        """Send one root's changes until APIC has them; read the root again after each failure."""
        unsure = posted = False
        for attempt in range(1, _MOST_ROUNDS + 1):
            changes = step.difference.changes
            if not changes:
                return
            self.guard()
            try:
                reply = self._post(step)
            except OutcomeUnknown as unknown:
                if attempt == _MOST_ROUNDS:
                    raise _failure(unknown.error, step.root) from unknown
                unsure = True
            except ApicError as error:
                if attempt == _MOST_ROUNDS or error.code not in (_ABSENT, _PRESENT) or step.difference.unproven:
                    raise self._refused(error, step) from error
            else:
                # This reply does not cover an earlier POST that got no answer.
                step.record(change for change in changes if unsure or not change.blind or _is_among(change, reply))
                if not step.difference.released:
                    return
                posted = True
            self._look_again(step, attempt, posted, unsure)

    def _look_again(self, step: Step, attempt: int, posted: bool, unsure: bool) -> None:
        """Read and compare the root again, to include the changes of the last POST and those of others.

        APIC carries out a POST as a whole or not at all: if one of its changes is found, all were made.
        """
        if not posted:
            self.session.pause(attempt)
        fresh = self._read(step.root)
        self._refuse_conflicts([fresh])
        left = {(change.action, change.dn) for change in fresh.difference.changes}
        changes = step.difference.changes
        if unsure and not posted and any((change.action, change.dn) not in left for change in changes):
            posted = True
            step.record(changes)
        if posted:
            fresh.difference.changes = [change for change in fresh.difference.changes if not change.blind]
        step.existing, step.difference = fresh.existing, fresh.difference

    def _post(self, step: Step) -> list[tuple[str, str, str | None]]:
        """Send a root's changes.

        :returns: the objects that APIC reports as changed (see `_changed_below`), if a change is blind.
        """
        blind = any(change.blind for change in step.difference.changes)
        path = f"/api/mo/{step.root.dn}.json" + ("?rsp-subtree=modified" if blind else "")
        secrets = self.options["secrets"]
        # The marker is inside a JSON string, so its value needs JSON's escapes.
        data = SECRET.sub(lambda match: json.dumps(secrets[match.group(1)])[1:-1], json.dumps(step.body()))
        reply = self.session.post(path, data)
        return list(_changed_below(reply, "")) if blind else []

    @staticmethod
    def _refused(error: ApicError, step: Step) -> PushError:
        if error.code == _ABSENT and step.difference.unproven:
            failure = _missing_containers(_deepest(step.difference.unproven))
            failure.details.update(_failure(error, step.root).details)
            return failure
        return _failure(error, step.root)

    # --- the result --------------------------------------------------------------------------------------------------

    def result(self, planned: bool) -> dict[str, Any]:
        """Return the module's result, of the ``planned`` changes or of those that were made."""
        changes = once(change for step in self.steps for change in (step.difference.changes if planned else step.done))
        kept = {dn: reason for step in self.steps for dn, reason in step.difference.kept.items()}
        return {
            "changed": bool(changes),
            "created": [change.dn for change in changes if change.action == "create"],
            "modified": [
                {"dn": change.dn, "properties": sorted(change.after)} for change in changes if change.action == "modify"
            ],
            "deleted": [dn for change in changes if change.action == "delete" for dn in (change.target, *change.removed)],
            "kept": [{"dn": dn, "reason": reason} for dn, reason in sorted(kept.items())],
            "requests": self.session.counted(),
            "diff": [_shown(change) for change in changes],
        }

    def intended(self) -> dict[str, Any]:
        """Return the changes that the push is about to make, as a journal keeps them: without secrets."""
        changes = [change for step in self.steps for change in step.difference.changes]
        modified = {
            change.dn: {name: value for name, value in change.after.items() if name not in change.secrets}
            for change in changes
            if change.action == "modify"
        }
        return {
            "created": sorted({change.dn for change in changes if change.action == "create"}),
            "modified": modified,
            "deleted": sorted({dn for change in changes if change.action == "delete" for dn in (change.dn, *change.removed)}),
        }

    def bodies(self) -> list[dict[str, Any]]:
        """Return the bodies of the POSTs, with markers instead of secrets: ``[{class: …}, …]``."""
        return [body for body in (step.body() for step in self.steps) if body]


def _dn_of(item: dict[str, Any]) -> str:
    return next(iter(item.values()))["attributes"]["dn"]


def _shown(change: Change) -> dict[str, str]:
    """Return one object's part of the diff, in the form that Ansible prints."""
    header = f"{change.target} ({change.cls})"
    return {
        "before_header": header,
        "after_header": header,
        "before": _lines(change.before, ()),
        "after": _lines(change.after, change.secrets),
    }


def _lines(attributes: Mapping[str, str | None], secrets: tuple[str, ...]) -> str:
    shown = {name: HIDDEN if name in secrets else value for name, value in attributes.items()}
    return "".join(f"{name}: {value}\n" for name, value in sorted(shown.items()))


def _implied(dn: str, seen: Iterable[str]) -> bool:
    """Return whether an object must exist, because it or an object below it was read."""
    return any(key == dn or key.startswith(f"{dn}/") for key in seen)


def _deepest(dns: list[str]) -> list[str]:
    return [dn for dn in dict.fromkeys(dns) if not any(other.startswith(f"{dn}/") for other in dns)]


def _missing_containers(dns: list[str]) -> PushError:
    names = ", ".join(dict.fromkeys(dns))
    return PushError(f"{names}: does not exist, but must exist already (create it first, or correct its name)", missing=list(dns))


def _failure(error: ApicError, root: Root) -> PushError:
    details = {**error.details(), "dn": error.dn or root.dn, "root": root.dn}
    message = str(error) if root.dn in str(error) else f"{error} (at root {root.dn})"
    return PushError(message, error=details)


def _changed_below(imdata: Iterable[dict[str, Any]], above: str) -> Iterator[tuple[str, str, str | None]]:
    """Yield the changed objects in the reply to a POST with ``rsp-subtree=modified``: ``(DN above, class, relative name)``.

    The reply may omit objects between two changed ones.
    """
    for item in imdata:
        for cls, body in item.items():
            attributes = body.get("attributes", {})
            dn = attributes.get("dn")
            rn = mo.last_rn(dn) if dn else attributes.get("rn") or mo.rn_from(cls, attributes)
            container = mo.parent_dn(dn) if dn else above
            if attributes.get("status") in _CHANGED:
                yield container, cls, rn
            yield from _changed_below(body.get("children") or (), dn or f"{container}/{rn}")


def _is_among(change: Change, changed: Iterable[tuple[str, str, str | None]]) -> bool:
    return any(
        change.cls == cls and change.dn.startswith(f"{above}/") and change.dn.endswith(f"/{rn}") for above, cls, rn in changed
    )
