# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it takes to get from the managed objects that APIC has to those that are wanted, and no further.

Who owns an object decides what may happen to it:

* ours: its annotation is this cluster's. It is changed and pruned freely.
* shared: its annotation names no cluster; each cluster that uses it has hung a tag on it. It is changed only while no
  other cluster uses it, and the last tag to go takes it along.
* foreign: everything else. It is never deleted; when it differs from what is wanted, that is a conflict.
* Tags, objects that exist with their parent, and relations that a parent can have only one of, follow their parent
  unless an annotation of their own says otherwise.
"""

from __future__ import annotations

from ..names import SHARED, owner_of
from . import mo

OURS, COMMON, FOREIGN = "ours", "shared", "foreign"


class Change:
    """One object's change: ``action`` is create, modify or delete; ``before`` and ``after`` hold what changes.

    ``secrets`` names the properties in ``after`` that APIC never shows, so that nobody can tell whether they differ.
    """

    __slots__ = ("action", "after", "before", "cls", "dn", "removed", "secrets", "target")

    def __init__(self, action, cls, dn, before, after, secrets=(), removed=(), target=None):
        self.action = action
        self.cls = cls
        self.dn = dn
        self.before = before
        self.after = after
        self.secrets = tuple(secrets)
        self.removed = tuple(removed)
        self.target = target or dn

    @property
    def blind(self):
        """Whether only APIC's answer to the POST tells if anything changed."""
        return self.action == "modify" and set(self.after) == set(self.secrets)


class Conflict:
    """A wanted object that is not ours to make so: ``text`` says what, whose and what to do."""

    __slots__ = ("dn", "prop", "text")

    def __init__(self, dn, prop, text):
        self.dn = dn
        self.prop = prop
        self.text = text


class Rules:
    """How far a comparison may go.

    :param cluster: the cluster whose objects are ours.
    :param prune: whether what is ours and no longer wanted goes.
    :param adopt: whether foreign objects are taken over instead of being a conflict.
    :param resend_secrets: whether secrets go to objects that exist already.
    :param paths: the paths of classes, ``("fvTenant", "rtctrlSubjP")``, that pruning is limited to; None for no limit.
    :param others: what the DNs begin with of objects that are not pruned in any case.
    """

    def __init__(self, cluster, prune=True, adopt=False, resend_secrets=False, paths=None, others=()):
        self.owner = owner_of(cluster)
        self.prune = prune
        self.adopt = adopt
        self.resend_secrets = resend_secrets
        self.paths = paths
        self.others = others


class Difference:
    """The outcome of a comparison.

    ``missing`` are the DNs of containers that the reply should have shown, ``unproven`` those that must exist too but
    that it left open; ``kept`` maps the DN of what should go but cannot to the reason; ``released`` tells whether a
    shared object was left to its other users.
    """

    def __init__(self):
        self.changes = []
        self.conflicts = []
        self.missing = []
        self.unproven = []
        self.kept = {}
        self.released = False


def compare(wanted, existing, rules, root_dn):
    """The changes from ``existing`` (see `tree.index_existing`) to ``wanted`` (see `tree.parse_wanted`)."""
    comparison = _Comparison(existing, rules, wanted, root_dn)
    comparison.visit(wanted)
    if rules.prune:
        comparison.sweep_all()
    return comparison.result


def remove(wanted, existing, rules, root_dn):
    """The changes that remove what the cluster owns in ``existing``; the containers of the wanted tree stay."""
    comparison = _Comparison(existing, rules, wanted, root_dn, keep=False)
    comparison.sweep_all()
    return comparison.result


def ownership(existing, owner):
    """Whose an object is: OURS, COMMON or FOREIGN."""
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


def follows_parent(existing):
    """Whether the object has no owner of its own."""
    if existing.annotation is None or mo.is_report(existing.cls):
        return True
    if existing.annotation:
        return False
    made_by_fabric = mo.is_implicit(existing.cls) or existing.attributes.get("lcOwn", "local") != "local"
    return made_by_fabric or (mo.is_relation(existing.cls) and _only_one(existing))


def _only_one(existing):
    """Whether a parent has at most one such object: its relative name carries no key."""
    listed = mo.CLASSES.get(existing.cls)
    return not listed.naming if listed else "-" not in mo.last_rn(existing.dn)


def _cluster_key(tag):
    return tag.attributes.get("key", "").startswith(f"{SHARED}:")


def users_of(existing):
    """The owners that hung their tag on a shared object."""
    tags = (child for child in existing.children if child.cls == "tagAnnotation" and _cluster_key(child))
    return {tag.attributes["key"] for tag in tags}


class _Comparison:
    def __init__(self, existing, rules, wanted, root_dn, keep=True):
        self.existing = existing
        self.rules = rules
        self.root_class, self.root_dn = wanted.cls, root_dn
        self.result = Difference()
        self.stays = {item.dn for item in wanted.walk() if keep or item.container}
        self.deleted = set()

    # --- what is wanted ----------------------------------------------------------------------------------------------

    def visit(self, wanted):
        """Compare an object and all below it."""
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

    def _seen_below(self, dn):
        return any(key.startswith(f"{dn}/") for key in self.existing)

    def _is_tag_on_foreign(self, wanted, parent):
        """A shared object that somebody else made just so is used as it is: our tag would change it."""
        if wanted.cls != "tagAnnotation" or wanted.attributes["key"] != self.rules.owner or self.rules.adopt:
            return False
        return ownership(parent, self.rules.owner) == FOREIGN

    def _create(self, wanted):
        change = Change("create", wanted.cls, wanted.dn, {}, wanted.attributes, wanted.secrets())
        self.result.changes.append(change)

    def _align(self, wanted, found):
        owner = ownership(found, self.rules.owner)
        secrets = wanted.secrets()
        after = {
            name: value for name, value in wanted.attributes.items() if self._differs(wanted, found, name, secrets)
        }
        others = users_of(found) - {self.rules.owner} if owner == COMMON else set()
        fixed = [name for name in after if (wanted.cls, name) in mo.CREATE_ONLY]
        for name in fixed:
            self._conflict(wanted, found, name, "it cannot change while the object exists: delete the object first")
        if self.rules.adopt or (owner != FOREIGN and not others):
            after.update(self._annotation(wanted, found, owner, others))
            if self.rules.resend_secrets:
                after.update((name, wanted.attributes[name]) for name in secrets)
            if after and not fixed:
                self._modify(wanted, found, after, secrets)
            return
        for name in after:
            if name not in fixed:
                self._conflict(wanted, found, name, _remedy(found, owner, others))

    def _differs(self, wanted, found, name, secrets):
        if name == "annotation" or name in secrets or name in _naming(wanted.cls):
            return False
        have = found.attributes.get(name)
        return have is None or mo.canonical(name, have) != mo.canonical(name, wanted.attributes[name])

    def _annotation(self, wanted, found, owner, others):
        """The annotation, where it has to change: a shared object with other users remains shared."""
        value = wanted.attributes.get("annotation")
        if value is None or value == found.annotation or (owner == COMMON and others):
            return {}
        return {"annotation": value}

    def _modify(self, wanted, found, after, secrets):
        before = {name: found.attributes.get(name) for name in after if name not in secrets}
        sent = [name for name in secrets if name in after]
        self.result.changes.append(Change("modify", wanted.cls, wanted.dn, before, after, sent))

    def _conflict(self, wanted, found, name, remedy):
        have, want = found.attributes.get(name, ""), wanted.attributes[name]
        text = f"{wanted.dn} ({wanted.cls}): {name} is {have!r}, wanted {want!r}; {_whose(found)}; {remedy}"
        self.result.conflicts.append(Conflict(wanted.dn, name, text))

    def _replace_rivals(self, wanted):
        """Where a parent can have only one (ECMP of an address family on a VRF), the one in our place has to go."""
        prop = mo.ONE_PER.get(wanted.cls)
        if prop is None:
            return
        container = mo.parent_dn(wanted.dn)
        for key, rival in self.existing.items():
            same = rival.cls == wanted.cls and rival.attributes.get(prop) == wanted.attributes.get(prop)
            if same and key not in self.stays and mo.parent_dn(key) == container:
                self._replace(wanted, rival, prop)

    def _replace(self, wanted, rival, prop):
        owner = ownership(rival, self.rules.owner)
        others = users_of(rival) - {self.rules.owner} if owner == COMMON else set()
        if not others and (owner != FOREIGN or self.rules.adopt):
            self._delete(rival)
            return
        text = (
            f"{rival.dn} ({rival.cls}) is there, wanted {wanted.dn}, and there can be one for each {prop}; {_whose(rival)}; "
            + _remedy(rival, owner, others, replace=True)
        )
        self.result.conflicts.append(Conflict(rival.dn, prop, text))

    # --- what is no longer wanted ------------------------------------------------------------------------------------

    def sweep_all(self):
        """Remove what is ours and does not stay."""
        for found in self.existing.values():
            if found.parent is None:
                self._sweep(found, self._path(found))

    def _path(self, found):
        if self.rules.paths is None:
            return None
        return mo.class_path(self.root_class, self.root_dn, found.key) or (None,)

    def _sweep(self, found, path):
        if found.key not in self.stays and self._in_scope(found, path) and self._remove(found):
            return
        for child in found.children:
            self._sweep(child, path and (*path, child.cls))

    def _in_scope(self, found, path):
        if f"{found.key}/".startswith(self.rules.others):
            return False
        if path is None or path in self.rules.paths:
            return True
        return found.cls == "tagAnnotation" and path[:-1] in self.rules.paths

    def _remove(self, found):
        """Remove an object if it is ours by its own mark; True when it goes, with all below it."""
        if found.key in self.deleted:
            return True
        if found.cls == "tagAnnotation":
            return self._remove_tag(found)
        if found.annotation == self.rules.owner:
            return self._reset(found) if mo.is_implicit(found.cls) else self._remove_whole(found)
        if found.annotation == SHARED:
            return self._leave_shared(found)
        return False

    def _remove_tag(self, tag):
        if tag.attributes.get("key") == self.rules.owner:
            self._delete(tag)
        return False

    def _leave_shared(self, found):
        """The last user takes a shared object along; one without users is what a parallel removal left behind."""
        users = users_of(found)
        if users - {self.rules.owner}:
            self.result.released = self.result.released or self.rules.owner in users
            return False
        return self._remove_whole(found)

    def _remove_whole(self, found):
        blockers = [below for below in found.descendants() if self._blocks(below)]
        if not blockers:
            self._delete(found)
            return True
        names = ", ".join(f"{below.dn} ({_whose(below)})" for below in blockers)
        self.result.kept[found.dn] = f"it holds what is not ours: {names}"
        return False

    def _blocks(self, below):
        """Whether an object must not go along with its parent: somebody else configured it."""
        if follows_parent(below):
            return False
        owner = ownership(below, self.rules.owner)
        return owner == FOREIGN or (owner == COMMON and bool(users_of(below) - {self.rules.owner}))

    def _delete(self, found):
        self.deleted.add(found.key)
        below = [item.dn for item in found.descendants() if item.annotation or mo.is_tag(item.cls)]
        before = _configuration(found)
        self.result.changes.append(Change("delete", found.cls, found.key, before, {}, removed=below, target=found.dn))

    def _reset(self, found):
        """What exists with its parent goes back to how it was made: no target, no annotation."""
        targets = [
            name
            for name, value in found.attributes.items()
            if value and name.startswith("tn") and name.endswith("Name")
        ]
        after = dict.fromkeys((*targets, "annotation"), "")
        before = {name: found.attributes[name] for name in after}
        self.result.changes.append(Change("modify", found.cls, found.key, before, after))
        return False


def _naming(cls):
    return mo.CLASSES[cls].naming if cls in mo.CLASSES else ()


def _configuration(found):
    """What somebody set on an object: its attributes without those that APIC keeps for itself."""
    own = ("childAction", "dn", "rn", "lcOwn", "modTs", "monPolDn", "status", "uid", "extMngdBy", "userdom")
    return {name: value for name, value in found.attributes.items() if value and name not in own}


def _whose(found):
    if found.annotation == SHARED:
        return f"shared by {', '.join(sorted(users_of(found))) or 'nobody'}"
    if found.annotation:
        return f"it belongs to {found.annotation}"
    return "somebody made it without an annotation"


def _remedy(found, owner, others, replace=False):
    if owner == COMMON and replace:
        return "agree on one policy with the clusters that use this one"
    if owner == COMMON:
        return f"agree on the value with {', '.join(sorted(others))}, or set adopt: true to change it for all of them"
    return "use another name, or set adopt: true to take it over"


# --- the POST --------------------------------------------------------------------------------------------------------


def payload(wanted, existing, changes, root_dn):
    """The body of the one POST that makes the changes, secrets still as their markers.

    What exists on the way to a change is named, with ``status: modified`` so that APIC refuses rather than recreates it
    should it be gone by now. Deletions come first, by exact DN.

    :returns: ``{class: {"attributes": …, "children": […]}}`` for the root, or None when there is nothing to change.
    """
    if not changes:
        return None
    body = _Body(wanted, existing, root_dn)
    for change in sorted(changes, key=lambda change: change.action != "delete"):
        body.place(change)
    return body.mos[root_dn]


class _Body:
    """A POST's body in the making: ``mos`` are its objects by DN."""

    def __init__(self, wanted, existing, root_dn):
        self.root_class, self.root_dn = wanted.cls, root_dn
        self.known = {**existing, **{item.dn: item for item in wanted.walk()}}
        self.mos = {}

    def place(self, change):
        if change.action == "delete":
            attributes = {"dn": change.target, "status": "deleted"}
        else:
            attributes = {**change.after, **_name(change.cls, change.dn)}
            if change.action == "modify":
                attributes["status"] = "modified"
        self._attach(change.dn, change.cls, attributes)

    def _attach(self, dn, cls, attributes):
        """Put an object below its parent, which is put there first if it is not there yet."""
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

    def _class_of(self, dn):
        if dn in self.known:
            return self.known[dn].cls
        return mo.class_path(self.root_class, self.root_dn, dn)[-1]


def _name(cls, dn):
    """What names an object below its parent: its naming properties where the class is listed, else its relative name."""
    rn = mo.last_rn(dn)
    naming = mo.CLASSES[cls].naming_of(rn) if cls in mo.CLASSES else None
    return {"rn": rn} if naming is None else naming
