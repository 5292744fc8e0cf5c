"""The rights of a user: security domains, roles and privileges.

Documented: a user has roles in security domains, for reading or for writing; a role is a set of privileges, to which an
administrator can add custom ones for single classes; ``all`` is everything, ``common`` and ``infra`` contain the tenants of
these names, other tenants name their domains; access policies need rights in ``infra`` (Cisco APIC Security Configuration
Guide 5.2, "Access, Authentication, and Accounting"; Cisco APIC Basic Configuration Guide 6.0, "Access Rights Workflow
Dependencies"; cisco.aci, ``aci_aaa_custom_privilege``). The privileges that write a class are those of the class metadata of
APIC 6.0(9c) (``write`` in ``classes.json``, to which ``admin`` is added). A login tells the rights in each tenant
(``DnDomainMapEntry`` in the login replies in the tests of pyaci and acitoolkit).

Guesses: any role in a domain lets a user read all of it; the checked objects are those that are created, changed or deleted,
and not what comes and goes with them; physical and L3 domains are in ``infra`` and in the domains that they name; commas
separate privileges in a login reply; the code and the text of a refusal. Its status 403 is documented.
"""

from __future__ import annotations

from collections.abc import Iterable

from lab.dn import split_dn

from . import errors
from .documents import Node
from .model import ClassInfo
from .tree import ManagedObject, Tree

EVERYTHING, ADMIN = "all", "admin"
INFRA = "infra"
_WITH_DOMAIN_OF_THEIR_NAME = frozenset({"common", INFRA, "mgmt"})
_OF_INFRA = ("infra", "phys-", "l3dom-", "vmmp-")


class Rights:
    """The rights of one user at present. ``unrestricted`` users may do everything."""

    def __init__(self, tree: Tree, user: str) -> None:
        self._tree = tree
        self._user = user
        self._roles: dict[str, dict[str, bool]] = {}
        account = tree.get(f"uni/userext/user-{user}")
        for domain in account.children_of("aaaUserDomain") if account else ():
            roles = {role.values["name"]: role.values["privType"] == "writePriv" for role in domain.children_of("aaaUserRole")}
            self._roles[domain.values["name"]] = roles
        self.unrestricted = self._roles.get(EVERYTHING, {}).get(ADMIN, False)

    def check_write(self, mo: ManagedObject) -> None:
        """Raise error 403 if the user may not write an object."""
        custom = self._tree.get(f"uni/rbacdb/rbacclpriv-{mo.cls}")
        needed = {ADMIN, *mo.info.write, *(_flags(custom.values["wPriv"]) if custom else ())}
        if not self.unrestricted and not needed & self._privileges(mo.dn, writing=True):
            raise errors.write_forbidden(self._user, mo.cls, mo.dn)

    def sees(self, mo: ManagedObject) -> bool:
        """Return whether the user may read an object. Everybody sees the containers at the top."""
        return self.unrestricted or mo.dn in ("", "uni", "topology") or any(self._roles.get(one) for one in self._domains(mo.dn))

    def told(self) -> list[Node]:
        """Return what a login reply tells of the rights."""
        entry = self._tree.table["DnDomainMapEntry"]
        domain = self._tree.table["aaaUserDomain"]
        return [
            *(_node(domain, name=name, rolesR=_joined(roles), rolesW=_writing(roles)) for name, roles in self._roles.items()),
            *(
                _node(
                    entry,
                    dn=tenant.dn,
                    readPrivileges=_joined(self._privileges(tenant.dn, writing=False)),
                    writePrivileges=_joined(self._privileges(tenant.dn, writing=True)),
                )
                for tenant in self._tree.of_class("fvTenant")
            ),
        ]

    def _domains(self, dn: str) -> set[str]:
        names = [*split_dn(dn), "", ""][:2]
        if names[0] != "uni":
            return {EVERYTHING}
        root = self._tree.get("/".join(names))
        own = {one.values["name"] for one in root.children_of("aaaDomainRef")} if root else set()
        if names[1].startswith("tn-"):
            own |= {names[1].removeprefix("tn-")} & _WITH_DOMAIN_OF_THEIR_NAME
        elif names[1].startswith(_OF_INFRA):
            own.add(INFRA)
        return {EVERYTHING, *own}

    def _privileges(self, dn: str, writing: bool) -> set[str]:
        roles = (each for domain in self._domains(dn) for each in self._roles.get(domain, {}).items())
        return {privilege for name, writes in roles if writes or not writing for privilege in self._of_role(name)}

    def _of_role(self, name: str) -> set[str]:
        role = self._tree.get(f"uni/userext/role-{name}")
        return _flags(role.values["priv"]) if role else {name}


def _flags(text: str) -> set[str]:
    return set(filter(None, text.split(",")))


def _joined(values: Iterable[str]) -> str:
    return ",".join(sorted(values))


def _writing(roles: dict[str, bool]) -> str:
    return _joined(name for name, writes in roles.items() if writes)


def _node(info: ClassInfo, **attributes: str) -> Node:
    return Node(ManagedObject(info, "", None, {}), attributes=attributes)
