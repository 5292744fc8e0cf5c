"""One POST or DELETE: apply posted objects to the tree completely or not at all."""

from __future__ import annotations

from lab.dn import parent_dn, split_dn

from . import errors, values
from .access import Rights
from .changes import Change
from .documents import Posted
from .model import ClassInfo, Property
from .tree import ManagedObject, Tree

#: attributes that name an object or select the operation
ADDRESSING = frozenset({"dn", "rn", "status", "childAction"})
STATUSES = frozenset({"", "created", "modified", "created,modified", "modified,created", "deleted"})


class Transaction:
    """Applies posted objects within a user's rights; the caller commits the tree or rolls it back.

    By DN, ``changes`` holds the effect on each object, implicit children included, ``touched`` the remaining objects
    and ``removed`` the deleted ones.
    """

    def __init__(self, tree: Tree, now: str, user: str, rights: Rights | None = None) -> None:
        self.tree = tree
        self._check_right = rights.check_write if rights else lambda mo: None
        self.table = tree.table
        self.changes: dict[str, Change] = {}
        self.touched: dict[str, ManagedObject] = {}
        self.removed: dict[str, ManagedObject] = {}
        self._stamp = {"modTs": now}
        self._owner = {"userdom": ":all:", "uid": "15374"} if user else {}

    def post(self, url_dn: str, posted: Posted) -> ManagedObject | None:
        """Apply ``posted`` at the DN of the URL: to the object itself, or to a child of the object there."""
        self.check_names(posted)
        dn = self._target(url_dn, posted)
        mo = self.tree.get(dn)
        parent = mo.parent if mo else self.tree.parent_of(dn)
        if parent is None:
            if posted.attributes.get("status") == "deleted":
                return None
            raise errors.object_not_found(dn)
        return self._apply(posted, self.table[posted.cls], parent, split_dn(dn)[-1])

    def delete(self, dn: str) -> None:
        mo = self.tree.get(self.table.normalise_dn(dn))
        if mo is not None:
            self._delete(mo)

    def create(self, info: ClassInfo, rn: str, parent: ManagedObject, given: dict[str, str]) -> ManagedObject:
        """Create an object with its defaults and its implicit children."""
        visible = {p: v for p, v in given.items() if not info.properties[p].secure}
        properties = {**info.defaults, **self._only(info, self._stamp), **self._only(info, self._owner), **visible}
        mo = self.tree.add(info, rn, parent, properties)
        mo.secrets.update({p: v for p, v in given.items() if info.properties[p].secure})
        self.touched[mo.dn] = mo
        self.changes[mo.dn] = Change(mo, "created")
        for name in info.implicit:
            child = self.table[name]
            if child.build_rn({}) not in mo.children:
                self.create(child, child.build_rn({}), mo, {})
        return mo

    def check_names(self, posted: Posted) -> None:
        if posted.cls not in self.table:
            raise errors.unknown_class(posted.cls)
        known = self.table[posted.cls].properties
        for prop in posted.attributes:
            if prop not in known and prop not in ADDRESSING:
                raise errors.unknown_attribute(prop, posted.cls)
        for child in posted.children:
            self.check_names(child)

    def _target(self, url_dn: str, posted: Posted) -> str:
        info = self.table[posted.cls]
        if posted.attributes.get("dn"):
            return self._posted_dn(posted)
        path = self.table.resolve(url_dn)
        dn = self.table.normalise_dn(url_dn)
        at = path[-1][1] if path else self.tree.root.info
        if at is info:
            return dn
        if not self.table.may_contain(at, info):
            raise errors.wrong_class_for_dn(dn, posted.cls)
        return "/".join(filter(None, (dn, self.rn_of(posted, info, dn))))

    def _posted_dn(self, posted: Posted) -> str:
        dn = posted.attributes["dn"]
        try:
            path = self.table.resolve(dn)
        except errors.ApicError:
            raise errors.unknown_value(dn, "dn", posted.cls) from None
        if path[-1][1].name != posted.cls:
            raise errors.wrong_class_for_dn(dn, posted.cls)
        return self.table.normalise_dn(dn)

    def rn_of(self, posted: Posted, info: ClassInfo, container: str) -> str:
        """Return the relative name of a child of the DN ``container``, from its ``rn``, its ``dn`` or its naming properties."""
        given = posted.attributes
        rn = given.get("rn")
        if given.get("dn"):
            rn = split_dn(given["dn"])[-1]
            if parent_dn(given["dn"]) != container:
                raise errors.cannot_contain(rn, container)
        if rn:
            naming = info.parse_rn(rn)
            if naming is None:
                raise errors.cannot_contain(rn, container)
            return info.build_rn(self.table.normalise_naming(info, naming, rn))
        naming = {}
        for prop in info.naming_in_rn:
            value = given.get(prop, info.properties[prop].default)
            naming[prop] = self._checked(info, info.properties[prop], value, info.prefix + value)
        return info.build_rn(naming)

    def _apply(self, posted: Posted, info: ClassInfo, parent: ManagedObject, rn: str) -> ManagedObject | None:
        status = ",".join(flag.strip() for flag in posted.attributes.get("status", "").split(","))
        dn = f"{parent.dn}/{rn}" if parent.dn else rn
        if status not in STATUSES:
            raise errors.unknown_value(status, "status", info.name, dn)
        mo = parent.children.get(rn)
        if status == "deleted":
            if mo is not None:
                self._delete(mo)
            return None
        if mo is not None and status == "created":
            raise errors.already_attached(info.name, parent.dn, rn)
        if mo is None:
            if status == "modified":
                raise errors.object_not_found(dn)
            mo = self._create_posted(posted, info, parent, rn, dn)
        else:
            self._modify(mo, self._given(posted, info, dn))
        self._apply_children(posted, mo)
        return mo

    def _apply_children(self, posted: Posted, mo: ManagedObject) -> None:
        for child in posted.children:
            info = self.table[child.cls]
            if not self.table.may_contain(mo.info, info):
                raise errors.cannot_contain(child.attributes.get("rn") or info.prefix.rstrip("-"), mo.dn)
            self._apply(child, info, mo, self.rn_of(child, info, mo.dn))

    def _create_posted(self, posted: Posted, info: ClassInfo, parent: ManagedObject, rn: str, dn: str) -> ManagedObject:
        if info.operational:
            raise errors.admin_implicit(info.name, "dn")
        if info.fixed:
            raise errors.object_not_found(dn)
        given = self._given(posted, info, dn)
        naming = self.table.normalise_naming(info, info.parse_rn(rn) or {}, rn)
        for prop, value in naming.items():
            if given.get(prop, value) != value:
                raise errors.create_only(info.name, prop)
        mo = self.create(info, rn, parent, {**given, **naming})
        self._check_right(mo)
        return mo

    def _given(self, posted: Posted, info: ClassInfo, dn: str) -> dict[str, str]:
        """Return the posted properties, checked and normalised."""
        given = {}
        for name, value in without_addressing(posted.attributes).items():
            prop = info.properties[name]
            if prop.read_only:
                raise errors.admin_implicit(info.name, name)
            given[name] = self._checked(info, prop, value, dn)
        return given

    @staticmethod
    def _checked(info: ClassInfo, prop: Property, value: str, dn: str) -> str:
        try:
            return values.normalise(prop.spec, value)
        except values.Unparsable:
            raise errors.unknown_value(value, prop.name, info.name, dn) from None
        except values.OutOfRange:
            raise errors.out_of_range(prop.name, dn) from None
        except values.Invalid:
            raise errors.failed_validation(value, prop.name, dn) from None

    def _modify(self, mo: ManagedObject, given: dict[str, str]) -> None:
        held = {**mo.values, **mo.secrets}
        changed = {p: v for p, v in given.items() if held.get(p) != v}
        for prop in changed:
            if mo.info.properties[prop].create_only:
                raise errors.create_only(mo.cls, prop)
        if not changed:
            return
        self._check_right(mo)
        visible = {p: v for p, v in changed.items() if not mo.info.properties[p].secure}
        secrets = {p: v for p, v in changed.items() if p not in visible}
        self.tree.update(mo, {**visible, **self._only(mo.info, self._stamp)}, secrets)
        self.touched[mo.dn] = mo
        if mo.dn not in self.changes:
            self.changes[mo.dn] = Change(mo, "modified")
        self.changes[mo.dn].attributes.update(changed)
        self.changes[mo.dn].before = {p: held.get(p, "") for p in changed} | self.changes[mo.dn].before

    def _delete(self, mo: ManagedObject) -> None:
        if mo.info.fixed or mo.info.operational:
            if mo.info.relation:
                return
            raise errors.undeletable(mo.cls, mo.dn)
        self._check_right(mo)
        for each in self.tree.remove(mo):
            self.removed[each.dn] = each
            self.touched.pop(each.dn, None)
            self.changes.pop(each.dn, None)
        self.changes[mo.dn] = Change(mo, "deleted")

    @staticmethod
    def _only(info: ClassInfo, properties: dict[str, str]) -> dict[str, str]:
        return {p: v for p, v in properties.items() if p in info.properties}


def without_addressing(attributes: dict[str, str]) -> dict[str, str]:
    return {prop: value for prop, value in attributes.items() if prop not in ADDRESSING}
