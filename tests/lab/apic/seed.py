"""The fabric that the emulator starts with: an ordinary structure (see ``fabric.yml``) expanded to managed objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.files import read_yaml

DEFAULT = Path(__file__).with_name("fabric.yml")
APIC_PASSWORD = "lab-admin"  # of the user admin in it

#: a DN and the properties of its object
Planted = tuple[str, dict[str, str]]


class Seed:
    """The description of a fabric. Every part is optional; values may be numbers or strings.

    The parts are ``version``, ``asn``, ``users`` (name: password), ``controllers``, ``pods`` (``spines``, ``leaves``,
    ``vpc_pairs`` and ``vpcs``: policy group name to pair, all on the first AAEP), ``vlan_pools``, ``physical_domains``,
    ``l3_domains``, ``aaeps``, ``tenants`` and ``objects`` (any other object: DN to properties).
    """

    def __init__(self, structure: dict[str, Any]) -> None:
        self._raw = structure
        self.version = str(structure.get("version", "6.0(9c)"))

    @classmethod
    def load(cls, source: Path | str | dict[str, Any] | None = None) -> Seed:
        """Read a YAML file (by default ``fabric.yml``), or use a structure as it is."""
        if isinstance(source, dict):
            return cls(source)
        return cls(read_yaml(Path(source or DEFAULT)) or {})

    def objects(self) -> Iterator[Planted]:
        """Yield every object, containers first."""
        yield "uni", {}
        yield "topology", {}
        yield "uni/fabric/bgpInstP-default/rr", {}
        yield "uni/fabric/bgpInstP-default/as", {"asn": str(self._raw.get("asn", 65002))}
        yield from self._users()
        yield from self._controllers()
        for pod in self._raw.get("pods", ()):
            yield from self._pod(pod)
        yield from self._access_policies()
        for tenant in self._raw.get("tenants", ()):
            yield from _tenant(tenant)
        for dn, properties in self._raw.get("objects", {}).items():
            yield dn, {prop: str(value) for prop, value in (properties or {}).items()}

    def _users(self) -> Iterator[Planted]:
        for name, password in self._raw.get("users", {"admin": "admin"}).items():
            yield f"uni/userext/user-{name}", {"pwd": str(password)}
            yield f"uni/userext/user-{name}/userdomain-all/role-admin", {"privType": "writePriv"}

    def _controllers(self) -> Iterator[Planted]:
        for controller in self._raw.get("controllers", [{"id": 1, "name": "apic1", "address": "10.0.0.1"}]):
            node = f"topology/pod-1/node-{controller['id']}"
            yield (node, {"name": controller["name"], "role": "controller", "version": self.version, "fabricSt": "unknown"})
            yield from self._system(node, controller["name"], "controller", controller["address"], pod=1)
            yield f"{node}/sys/ctrlrfwstatuscont/ctrlrrunning", {"version": self.version, "type": "controller"}

    def _pod(self, pod: dict[str, Any]) -> Iterator[Planted]:
        number = pod["id"]
        yield f"topology/pod-{number}", {}
        for role, nodes in (("spine", pod.get("spines", ())), ("leaf", pod.get("leaves", ()))):
            for node in nodes:
                yield from self._switch(number, node, role)
        for a, b in pod.get("vpc_pairs", ()):
            yield from self._vpc_pair(number, a, b)
        for name, (a, b) in pod.get("vpcs", {}).items():
            group = f"uni/infra/funcprof/accbundle-{name}"
            yield group, {"lagT": "node"}
            for aaep in self._raw.get("aaeps", [])[:1]:
                yield f"{group}/rsattEntP", {"tDn": f"uni/infra/attentp-{aaep['name']}"}
            yield f"topology/pod-{number}/protpaths-{a}-{b}/pathep-[{name}]", {"lagT": "node", "pathT": "leaf"}

    def _switch(self, pod: int, number: int, role: str) -> Iterator[Planted]:
        node, name = f"topology/pod-{pod}/node-{number}", f"{role}-{number}"
        version, tep = f"n9000-1{self.version}", f"10.{pod}.{number // 256}.{number % 256}"
        yield node, {"name": name, "role": role, "address": tep, "version": version, "adSt": "on", "fabricSt": "active"}
        yield from self._system(node, name, role, tep, pod)
        yield f"{node}/sys/fwstatuscont/running", {"version": version, "type": "switch"}
        yield f"topology/pod-{pod}/paths-{number}", {}

    def _system(self, node: str, name: str, role: str, address: str, pod: int) -> Iterator[Planted]:
        about = {"name": name, "role": role, "address": address, "podId": str(pod), "state": "in-service"}
        yield f"{node}/sys", {**about, "id": node.rpartition("-")[2], "version": self.version, "fabricDomain": "lab"}

    def _vpc_pair(self, pod: int, a: int, b: int) -> Iterator[Planted]:
        group = f"uni/fabric/protpol/expgep-vpc-{a}-{b}"
        yield group, {"id": str(a)}
        for node, peer in ((a, b), (b, a)):
            yield f"{group}/nodepep-{node}", {"podId": str(pod)}
            domain = f"topology/pod-{pod}/node-{node}/sys/vpc/inst/dom-{a}"
            yield domain, {"peerSt": "up", "compatSt": "pass", "operRole": "master" if node < peer else "slave"}
        yield f"topology/pod-{pod}/protpaths-{a}-{b}", {}

    def _access_policies(self) -> Iterator[Planted]:
        yield "uni/infra/funcprof", {}
        pools = {}
        for pool in self._raw.get("vlan_pools", ()):
            mode = pool.get("mode", "static")
            pools[pool["name"]] = dn = f"uni/infra/vlanns-[{pool['name']}]-{mode}"
            yield dn, {}
            for low, high in pool.get("ranges", ()):
                yield f"{dn}/from-[vlan-{low}]-to-[vlan-{high}]", {"allocMode": mode}
        domains = {}
        for kind, prefix in (("physical_domains", "phys"), ("l3_domains", "l3dom")):
            for domain in self._raw.get(kind, ()):
                domains[domain["name"]] = dn = f"uni/{prefix}-{domain['name']}"
                yield dn, {}
                if "pool" in domain:
                    yield f"{dn}/rsvlanNs", {"tDn": pools[domain["pool"]]}
        for aaep in self._raw.get("aaeps", ()):
            yield f"uni/infra/attentp-{aaep['name']}", {}
            for name in aaep.get("domains", ()):
                yield f"uni/infra/attentp-{aaep['name']}/rsdomP-[{domains[name]}]", {}


def _tenant(tenant: dict[str, Any]) -> Iterator[Planted]:
    dn = f"uni/tn-{tenant['name']}"
    yield dn, {}
    for vrf in tenant.get("vrfs", ()):
        yield f"{dn}/ctx-{vrf}", {}
    for name in tenant.get("l3outs", ()):
        yield f"{dn}/out-{name}", {}
