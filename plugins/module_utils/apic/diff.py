# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare wanted managed objects with the existing ones, and build the POST that makes the changes.

The owner of an object decides what may happen to it:

* ours: the annotation is that of this cluster. The object is changed and pruned freely.
* shared: the annotation names no cluster, and each cluster that uses the object puts a tag on it. The object is changed only
  while no other cluster uses it, and it is deleted with its last tag.
* foreign: any other object. It is never deleted, and a difference from the wanted object is a conflict.
* adopted: ours or shared, with a tag that holds the values which somebody else had given it. It is changed like ours, and given
  back with these values instead of deleted.
* Tags, objects that exist as long as their parent, and relations of which a parent can have only one, belong to the owner
  of their parent unless they have their own annotation.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..names import BEFORE_ADOPTION, LEASE_PREFIX, SHARED, owner_of
from . import mo
from .roots import Root
from .tree import Existing, Wanted, index_existing

OURS, COMMON, FOREIGN = "ours", "shared", "foreign"


class Change:
    """One object's change: ``action`` is create, modify or delete; ``before`` and ``after`` hold what changes.

    ``secrets`` names the properties in ``after`` that APIC never returns, so that they cannot be compared.
    """

    __slots__ = ("action", "after", "before", "cls", "dn", "removed", "secrets", "target")

    def __init__(
        self,
        action: str,
        cls: str,
        dn: str,
        before: Mapping[str, str | None],
        after: Mapping[str, str],
        secrets: Iterable[str] = (),
        removed: Iterable[str] = (),
        target: str | None = None,
    ) -> None:
        self.action = action
        self.cls = cls
        self.dn = dn
        self.before = before
        self.after = after
        self.secrets = tuple(secrets)
        self.removed = tuple(removed)
        self.target = target or dn

    @property
    def blind(self) -> bool:
        """Whether only APIC's reply to the POST shows if anything changed."""
        return self.action == "modify" and set(self.after) == set(self.secrets)


class Conflict:
    """A difference that must not be removed: ``text`` says what differs, who owns the object and what to do."""

    __slots__ = ("dn", "prop", "text")

    def __init__(self, dn: str, prop: str, text: str) -> None:
        self.dn = dn
        self.prop = prop
        self.text = text


class Rules:
    """The changes that a comparison may make.

    :param cluster: the cluster whose objects are ours.
    :param prune: whether to delete our objects that are no longer wanted.
    :param adopt: whether to take over foreign objects instead of reporting a conflict.
    :param resend_secrets: whether to send secrets to objects that exist already.
    :param paths: the paths of classes, ``("fvTenant", "rtctrlSubjP")``, that pruning is limited to; None for no limit.
    :param others: prefixes of DNs that are never pruned.
    """

    def __init__(
        self,
        cluster: str,
        prune: bool = True,
        adopt: bool = False,
        resend_secrets: bool = False,
        paths: set[tuple[str, ...]] | None = None,
        others: tuple[str, ...] = (),
    ) -> None:
        self.owner = owner_of(cluster)
        self.prune = prune
        self.adopt = adopt
        self.resend_secrets = resend_secrets
        self.paths = paths
        self.others = others


class Difference:
    """The outcome of a comparison.

    ``missing`` are the DNs of containers that do not exist, ``unproven`` those of containers that must exist but that the
    query does not cover. ``kept`` maps the DN of an object that cannot be deleted to the reason. ``released`` is true when
    a shared object was left to its other users.
    """

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.conflicts: list[Conflict] = []
        self.missing: list[str] = []
        self.unproven: list[str] = []
        self.kept: dict[str, str] = {}
        self.released = False


def compare(wanted: Wanted, existing: dict[str, Existing], rules: Rules, root_dn: str) -> Difference:
    """Return the changes from ``existing`` (see `tree.index_existing`) to ``wanted`` (see `tree.parse_wanted`)."""
    comparison = _Comparison(existing, rules, wanted, root_dn)
    comparison.visit(wanted)
    if rules.prune:
        comparison.sweep_all()
    return comparison.result


def remove(wanted: Wanted, existing: dict[str, Existing], rules: Rules, root_dn: str) -> Difference:
    """Return the changes that remove the cluster's objects from ``existing``; containers of the wanted tree stay."""
    comparison = _Comparison(existing, rules, wanted, root_dn, keep=False)
    comparison.sweep_all()
    return comparison.result


def compare_root(
    root: Root, reply: Iterable[dict[str, Any]], options: Mapping[str, Any], removing: bool
) -> tuple[dict[str, Existing], Difference]:
    """Return the objects in the reply to a root's query, and the changes that the root needs.

    :param options: cluster, prune, adopt and update_password of ``aci_tree``.
    :param removing: whether the cluster's objects are removed.
    """
    existing = index_existing(reply)
    rules = Rules(
        options["cluster"],
        prune=options["prune"],
        adopt=options["adopt"],
        resend_secrets=options["update_password"] == "always",
        paths=root.pruned(removing),
        others=root.others,
    )
    return existing, (remove if removing else compare)(root.wanted, existing, rules, root.dn)


def limit(difference: Difference, root: Root, existing: Mapping[str, Existing], only: Collection[str]) -> None:
    """Limit a comparison to the objects with these DNs, and delete what others have put there under one of them.

    An object that is named, is not wanted and has no change is somebody else's: naming it is the consent to delete it.
    """
    difference.changes = [change for change in difference.changes if change.dn in only]
    difference.conflicts = [conflict for conflict in difference.conflicts if conflict.dn in only]
    difference.kept = {dn: reason for dn, reason in difference.kept.items() if dn in only}
    settled = {item.dn for item in root.wanted.walk()} | {change.dn for change in difference.changes}
    for dn in sorted(set(only) & existing.keys() - settled):
        found = existing[dn]
        if found.annotation not in (root.owner, SHARED) and not mo.is_tag(found.cls):
            difference.changes.append(_deletion(found))


def once(changes: Iterable[Change]) -> list[Change]:
    """Return the changes; one that two roots share, because both trees contain the object, is returned once."""
    unique: dict[tuple[str, str, tuple[str, ...]], Change] = {}
    for change in changes:
        properties = tuple(change.after) if change.action == "modify" else ()
        unique.setdefault((change.action, change.dn, properties), change)
    return list(unique.values())


def ownership(existing: Existing, owner: str) -> str:
    """Return the owner of an object: OURS, COMMON or FOREIGN."""
    annotation = existing.annotation
    if existing.cls == "tagAnnotation" and _cluster_key(existing):
        return OURS if existing.attributes.get("key") == owner else FOREIGN
    if annotation == owner:
        return OURS
    if annotation == SHARED:
        return COMMON
    if follows_parent(existing):
        return ownership(existing.parent, owner) if existing.parent else FOREIGN
    return FOREIGN


def follows_parent(existing: Existing) -> bool:
    """Return whether the object has no owner of its own."""
    if existing.annotation is None or mo.is_report(existing.cls):
        return True
    if existing.annotation:
        return False
    made_by_fabric = mo.is_implicit(existing.cls) or existing.attributes.get("lcOwn", "local") != "local"
    return made_by_fabric or (mo.is_relation(existing.cls) and _only_one(existing))


def _only_one(existing: Existing) -> bool:
    """Return whether a parent has at most one such object: its relative name contains no key."""
    listed = mo.CLASSES.get(existing.cls)
    return not listed.naming if listed else "-" not in mo.last_rn(existing.dn)


def _cluster_key(tag: Existing) -> bool:
    return tag.attributes.get("key", "").startswith(f"{SHARED}:")


def _is_lease(tag: Existing) -> bool:
    """Return whether a tag is the lease of a run, which is no configuration."""
    return tag.cls == "tagAnnotation" and tag.attributes.get("key", "").startswith(LEASE_PREFIX)


def users_of(existing: Existing) -> set[str]:
    """Return the owners whose tag is on a shared object."""
    tags = (child for child in existing.children if child.cls == "tagAnnotation" and _cluster_key(child))
    return {tag.attributes["key"] for tag in tags}


def _memory_of(existing: Existing) -> Existing | None:
    """Return the tag with an adopted object's former values, or None."""
    tags = (child for child in existing.children if child.cls == "tagAnnotation")
    return next((tag for tag in tags if tag.attributes.get("key") == BEFORE_ADOPTION), None)


class _Comparison:
    def __init__(self, existing: dict[str, Existing], rules: Rules, wanted: Wanted, root_dn: str, keep: bool = True) -> None:
        self.existing = existing
        self.rules = rules
        self.root_class, self.root_dn = wanted.cls, root_dn
        self.result = Difference()
        self.stays = {item.dn for item in wanted.walk() if keep or item.container}
        self.deleted: set[str] = set()

    # --- wanted objects ----------------------------------------------------------------------------------------------

    def visit(self, wanted: Wanted) -> None:
        """Compare an object and all objects below it."""
        found = self.existing.get(wanted.dn)
        if wanted.container:
            if found is None and not self._seen_below(wanted.dn):
                (self.result.missing if self.rules.paths is None else self.result.unproven).append(wanted.dn)
        elif found is None:
            if wanted.dn == self.root_dn and mo.parent_dn(wanted.dn):
                self.result.unproven.append(mo.parent_dn(wanted.dn))
            self._replace_rivals(wanted)
            self._create(wanted)
        else:
            self._replace_rivals(wanted)
            self._align(wanted, found)
        for child in wanted.children:
            if not (found and self._is_tag_on_foreign(child, found)):
                self.visit(child)

    def _seen_below(self, dn: str) -> bool:
        return any(key.startswith(f"{dn}/") for key in self.existing)

    def _is_tag_on_foreign(self, wanted: Wanted, parent: Existing) -> bool:
        """Return whether the object is our tag on a foreign object, which is used without a tag: a tag would change it."""
        if wanted.cls != "tagAnnotation" or wanted.attributes["key"] != self.rules.owner or self.rules.adopt:
            return False
        return ownership(parent, self.rules.owner) == FOREIGN

    def _create(self, wanted: Wanted) -> None:
        change = Change("create", wanted.cls, wanted.dn, {}, wanted.attributes, wanted.secrets())
        self.result.changes.append(change)

    def _align(self, wanted: Wanted, found: Existing) -> None:
        owner, others = self._owners(found)
        secrets = wanted.secrets()
        after = {name: value for name, value in wanted.attributes.items() if self._differs(wanted, found, name, secrets)}
        fixed = [name for name in after if (wanted.cls, name) in mo.CREATE_ONLY]
        for name in fixed:
            self._conflict(wanted, found, name, "it cannot change while the object exists; delete the object first")
        if self.rules.adopt or (owner != FOREIGN and not others):
            after.update(self._annotation(wanted, found, owner, others))
            if self.rules.resend_secrets:
                after.update((name, wanted.attributes[name]) for name in secrets)
            if after and not fixed:
                self._modify(wanted, found, after, secrets)
                if owner == FOREIGN and not mo.is_tag(wanted.cls) and _memory_of(found) is None:
                    self._remember(wanted, found, after, secrets)
            return
        for name in after:
            if name not in fixed:
                self._conflict(wanted, found, name, _remedy(found, owner, others))

    def _owners(self, found: Existing) -> tuple[str, set[str]]:
        """Return the owner of an object and the other clusters that use it."""
        owner = ownership(found, self.rules.owner)
        return owner, users_of(found) - {self.rules.owner} if owner == COMMON else set()

    @staticmethod
    def _differs(wanted: Wanted, found: Existing, name: str, secrets: list[str]) -> bool:
        if name == "annotation" or name in secrets or name in mo.naming(wanted.cls):
            return False
        have = found.attributes.get(name)
        return have is None or mo.canonical(name, have) != mo.canonical(name, wanted.attributes[name])

    @staticmethod
    def _annotation(wanted: Wanted, found: Existing, owner: str, others: set[str]) -> dict[str, str]:
        """Return the annotation if it must change; a shared object with other users remains shared."""
        value = wanted.attributes.get("annotation")
        if value is None or value == found.annotation or (owner == COMMON and others):
            return {}
        return {"annotation": value}

    def _modify(self, wanted: Wanted, found: Existing, after: dict[str, str], secrets: list[str]) -> None:
        before = {name: found.attributes.get(name) for name in after if name not in secrets}
        sent = [name for name in secrets if name in after]
        self.result.changes.append(Change("modify", wanted.cls, wanted.dn, before, after, sent))

    def _remember(self, wanted: Wanted, found: Existing, after: Mapping[str, str], secrets: list[str]) -> None:
        """Note the values that an object had before its adoption. Secrets cannot be read, and are not restored."""
        before = {name: found.attributes.get(name) or "" for name in sorted(after) if name not in secrets}
        attributes = {"key": BEFORE_ADOPTION, "value": json.dumps(before)}
        dn = f"{wanted.dn}/{mo.rn_from('tagAnnotation', attributes)}"
        self.result.changes.append(Change("create", "tagAnnotation", dn, {}, attributes))

    def _conflict(self, wanted: Wanted, found: Existing, name: str, remedy: str) -> None:
        have, want = found.attributes.get(name, ""), wanted.attributes[name]
        text = f"{wanted.dn} ({wanted.cls}): {name} is {have!r}, wanted {want!r}; {_whose(found)}; {remedy}"
        self.result.conflicts.append(Conflict(wanted.dn, name, text))

    def _replace_rivals(self, wanted: Wanted) -> None:
        """Delete other objects where a parent can have only one (ECMP of an address family on a VRF)."""
        prop = mo.ONE_PER.get(wanted.cls)
        if prop is None:
            return
        container = mo.parent_dn(wanted.dn)
        for key, rival in self.existing.items():
            same = rival.cls == wanted.cls and rival.attributes.get(prop) == wanted.attributes.get(prop)
            if same and key not in self.stays and mo.parent_dn(key) == container:
                self._replace(wanted, rival, prop)

    def _replace(self, wanted: Wanted, rival: Existing, prop: str) -> None:
        owner, others = self._owners(rival)
        if not others and (owner != FOREIGN or self.rules.adopt):
            self._delete(rival)
            return
        text = (
            f"{rival.dn} ({rival.cls}) exists, wanted {wanted.dn}, and only one for each {prop} is possible; {_whose(rival)}; "
            + _remedy(rival, owner, others, replace=True)
        )
        self.result.conflicts.append(Conflict(rival.dn, prop, text))

    # --- objects that are no longer wanted ---------------------------------------------------------------------------

    def sweep_all(self) -> None:
        """Remove our objects that do not stay."""
        for found in self.existing.values():
            if found.parent is None:
                self._sweep(found, self._path(found))

    def _path(self, found: Existing) -> tuple[str | None, ...] | None:
        if self.rules.paths is None:
            return None
        return mo.class_path(self.root_class, self.root_dn, found.key) or (None,)

    def _sweep(self, found: Existing, path: tuple[str | None, ...] | None) -> None:
        if found.key not in self.stays and self._in_scope(found, path) and self._remove(found):
            return
        for child in found.children:
            self._sweep(child, path and (*path, child.cls))

    def _in_scope(self, found: Existing, path: tuple[str | None, ...] | None) -> bool:
        if f"{found.key}/".startswith(self.rules.others):
            return False
        if path is None or self.rules.paths is None or path in self.rules.paths:
            return True
        return found.cls == "tagAnnotation" and path[:-1] in self.rules.paths

    def _remove(self, found: Existing) -> bool:
        """Remove an object if its own annotation makes it ours; return whether it goes with all objects below it."""
        if found.key in self.deleted:
            return True
        if found.cls == "tagAnnotation":
            return self._remove_tag(found)
        if found.annotation == self.rules.owner and (memory := _memory_of(found)):
            return self._give_back(found, memory)
        if found.annotation == self.rules.owner:
            return self._reset(found) if mo.is_implicit(found.cls) else self._remove_whole(found)
        if found.annotation == SHARED:
            return self._leave_shared(found)
        return False

    def _remove_tag(self, tag: Existing) -> bool:
        if tag.attributes.get("key") == self.rules.owner:
            self._delete(tag)
        return False

    def _leave_shared(self, found: Existing) -> bool:
        """Remove a shared object with its last user, or without users, as two removals at the same time leave it."""
        users = users_of(found)
        if users - {self.rules.owner}:
            self.result.released = self.result.released or self.rules.owner in users
            return False
        if memory := _memory_of(found):
            return self._give_back(found, memory)
        return self._remove_whole(found)

    def _give_back(self, found: Existing, memory: Existing) -> bool:
        """Restore the values that an adopted object had before its adoption; its parts are decided on by themselves."""
        after = {name: str(value) for name, value in json.loads(memory.attributes["value"]).items()}
        before = {name: found.attributes.get(name) for name in after}
        self.result.changes.append(Change("modify", found.cls, found.key, before, after))
        self._delete(memory)
        return False

    def _remove_whole(self, found: Existing) -> bool:
        blockers = [below for below in found.descendants() if self._blocks(below)]
        if not blockers:
            self._delete(found)
            return True
        names = ", ".join(f"{below.dn} ({_whose(below)})" for below in blockers)
        self.result.kept[found.dn] = f"it contains objects of others: {names}"
        return False

    def _blocks(self, below: Existing) -> bool:
        """Return whether an object must not be deleted with its parent, because somebody else configured it."""
        if _memory_of(below):
            return True
        if follows_parent(below):
            return False
        owner, others = self._owners(below)
        return owner == FOREIGN or bool(others)

    def _delete(self, found: Existing) -> None:
        self.deleted.add(found.key)
        self.result.changes.append(_deletion(found))

    def _reset(self, found: Existing) -> bool:
        """Reset an object that exists as long as its parent: remove its target and its annotation."""
        targets = [name for name, value in found.attributes.items() if value and name.startswith("tn") and name.endswith("Name")]
        after = dict.fromkeys((*targets, "annotation"), "")
        before = {name: found.attributes[name] for name in after}
        self.result.changes.append(Change("modify", found.cls, found.key, before, after))
        return False


def _deletion(found: Existing) -> Change:
    """Return the deletion of an object, which names what is configured below it."""
    below = [item.dn for item in found.descendants() if (item.annotation or mo.is_tag(item.cls)) and not _is_lease(item)]
    return Change("delete", found.cls, found.key, _configuration(found), {}, removed=below, target=found.dn)


def _configuration(found: Existing) -> dict[str, str]:
    """Return the configured attributes of an object, without those that APIC maintains."""
    own = ("childAction", "dn", "rn", "lcOwn", "modTs", "monPolDn", "status", "uid", "extMngdBy", "userdom")
    return {name: value for name, value in found.attributes.items() if value and name not in own}


def _whose(found: Existing) -> str:
    if found.annotation == SHARED:
        return f"shared by {', '.join(sorted(users_of(found))) or 'nobody'}"
    if found.annotation:
        return f"it belongs to {found.annotation}"
    return "it has no annotation"


def _remedy(found: Existing, owner: str, others: set[str], replace: bool = False) -> str:
    if owner == COMMON and replace:
        return "agree on one policy with the clusters that use this one"
    if owner == COMMON:
        return f"agree on the value with {', '.join(sorted(others))}, or set adopt: true to change it for all of them"
    return "use another name, or set adopt: true to take it over"


# --- the POST --------------------------------------------------------------------------------------------------------


def payload(wanted: Wanted, existing: dict[str, Existing], changes: list[Change], root_dn: str) -> dict[str, Any] | None:
    """Return the body of the one POST that makes the changes, with markers instead of secrets.

    Existing objects above a change are included with ``status: modified``, so that APIC refuses the POST if they no longer
    exist, instead of creating them again. Deletions come first, by exact DN.

    :returns: ``{class: {"attributes": …, "children": […]}}`` for the root, or None when there is nothing to change.
    """
    if not changes:
        return None
    body = _Body(wanted, existing, root_dn)
    for change in sorted(changes, key=lambda change: change.action != "delete"):
        body.place(change)
    return body.mos[root_dn]


class _Body:
    """Builds the body of a POST; ``mos`` are its objects by DN."""

    def __init__(self, wanted: Wanted, existing: dict[str, Existing], root_dn: str) -> None:
        self.root_class, self.root_dn = wanted.cls, root_dn
        self.classes = {dn: item.cls for dn, item in existing.items()} | {item.dn: item.cls for item in wanted.walk()}
        self.mos: dict[str, dict[str, Any]] = {}

    def place(self, change: Change) -> None:
        if change.action == "delete":
            attributes = {"dn": change.target, "status": "deleted"}
        else:
            attributes = {**change.after, **_name(change.cls, change.dn)}
            if change.action == "modify":
                attributes["status"] = "modified"
        self._attach(change.dn, change.cls, attributes)

    def _attach(self, dn: str, cls: str, attributes: dict[str, str]) -> None:
        """Add an object below its parent; add the parent first if it is not there yet."""
        if dn in self.mos:
            self.mos[dn][cls]["attributes"].update(attributes)
            return
        self.mos[dn] = {cls: {"attributes": attributes}}
        if dn == self.root_dn:
            return
        parent = mo.parent_dn(dn)
        parent_class = self._class_of(parent)
        if parent not in self.mos:
            self._attach(parent, parent_class, {**_name(parent_class, parent), "status": "modified"})
        self.mos[parent][parent_class].setdefault("children", []).append(self.mos[dn])

    def _class_of(self, dn: str) -> str:
        return self.classes.get(dn) or (mo.class_path(self.root_class, self.root_dn, dn) or ("",))[-1]


def _name(cls: str, dn: str) -> dict[str, str]:
    """Return the attributes that name an object below its parent: naming properties of a listed class, else the rn."""
    rn = mo.last_rn(dn)
    naming = mo.CLASSES[cls].naming_of(rn) if cls in mo.CLASSES else None
    return {"rn": rn} if naming is None else naming
