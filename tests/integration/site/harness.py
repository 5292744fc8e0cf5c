"""Runs the playbooks against the lab: many clusters at once, each with servers of its own."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import yaml
from ansible.plugins.loader import callback_loader
from forked import ansible_playbook

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.consent import CONSENTS
from lab.apic.seed import DEFAULT as DEFAULT_FABRIC
from lab.apic.server import ApicServer
from lab.kube.server import KubeServer

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "Marker-8d1f0c-Password"
ANSIBLE = Path(sys.executable).with_name("ansible-playbook")
CALLBACKS = Path(__file__).with_name("callbacks")

callback_loader.add_directory(str(CALLBACKS))


def racks(count: int, nodes: int) -> list[dict[str, Any]]:
    """Return racks of two leaves each, from 201 on, with ``nodes`` nodes in each."""
    return [
        {
            "id": number,
            "leaves": [199 + 2 * number, 200 + 2 * number],
            "nodes": [f"n{number}-{node}" for node in range(1, nodes + 1)],
        }
        for number in range(1, count + 1)
    ]


def intent(svi: str, racks_: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Return the smallest valid set of a cluster's variables, with changes."""
    return {
        "aci_calico_fabric_asn": 65002,
        "aci_calico_tenant": "common",
        "aci_calico_vrf": "calico",
        "aci_calico_l3_domain": "k8s-l3",
        "aci_calico_physical_domain": "k8s",
        "aci_calico_svi": svi,
        "aci_calico_vlan": 300 if svi == "floating" else "300-499",
        "aci_calico_node_subnets": ["192.168.0.0/22"],
        "aci_calico_cluster_asn": 65003,
        "aci_calico_pod_subnets": ["10.1.0.0/16"],
        "aci_calico_service_subnets": ["192.168.8.0/22"],
        "aci_calico_external_service_subnets": ["192.168.16.0/24"],
        "aci_calico_bgp_password": PASSWORD,
        "aci_calico_sessions_timeout": 0,  # there are no BGP daemons
        "aci_calico_racks": racks_,
    } | {f"aci_calico_{name}": value for name, value in changes.items()}


def node_names(rack: dict[str, Any]) -> list[str]:
    """Return the names of a rack's nodes."""
    return [node if isinstance(node, str) else node["name"] for node in rack.get("nodes", ())]


def fabric(racks_: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the lab's fabric with a vPC interface policy group for each node of the racks."""
    seed = yaml.safe_load(DEFAULT_FABRIC.read_text(encoding="utf-8"))
    vpcs = {f"vpc-{name}": rack["leaves"] for rack in racks_ for name in node_names(rack)}
    seed["pods"][0]["vpcs"].update(vpcs)
    return seed


@dataclass
class Cluster:
    """A cluster of an inventory, with an APIC and an API server of its own."""

    name: str
    variables: dict[str, Any]
    apic: ApicServer
    kube: KubeServer | None = None

    def connection(self) -> dict[str, Any]:
        """Return the variables of the connections to its servers."""
        return {
            "aci_calico_apic_host": ["127.0.0.1", "localhost"],
            "aci_calico_apic_port": self.apic.port,
            "aci_calico_apic_password": "lab-admin",
            "aci_calico_apic_validate_certs": False,
        } | ({"aci_calico_kubeconfig": str(self.kube.kubeconfig)} if self.kube else {})

    def tree(self) -> dict[str, Any]:
        """Return APIC's objects without properties that change by themselves."""
        return self.apic.snapshot(volatile=False)

    def nameless_tree(self) -> str:
        """Return the tree as text without the cluster's name, for comparison with another cluster's."""
        return json.dumps(self.tree()).replace(self.name, "NAME")

    def post(self, dn: str, body: dict[str, Any], user: str = "admin", password: str = "lab-admin") -> None:
        """Write to APIC as another user would."""
        context = ssl.create_default_context(cafile=str(self.apic.ca_path))
        login = {"aaaUser": {"attributes": {"name": user, "pwd": password}}}
        cookie = ""
        for path, content in (("aaaLogin", login), (f"mo/{dn}", body)):
            request = Request(f"{self.apic.url}/api/{path}.json", json.dumps(content).encode(), {"Cookie": cookie})
            with urlopen(request, context=context) as answer:
                cookie = answer.headers.get("Set-Cookie", "")

    def calls(self) -> list[str]:
        """Return method and path of every request to APIC so far, without the cluster's name."""
        return [f"{entry['method']} {entry['path']}".replace(self.name, "NAME") for entry in self.apic.log.entries]


@dataclass
class Outcome:
    """The end of a run: its exit code, its output, and each task's result by host."""

    code: int
    output: str
    results: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def pushed(self, host: str, key: str) -> list[Any]:
        """Return what ``aci_tree`` reports as created, modified or deleted for a host, over all tasks."""
        return [item for _task, name, result in self.results if name == host for item in result.get(key) or ()]

    def changed(self, host: str) -> list[str]:
        """Return the tasks that changed something for a host."""
        return [task for task, name, result in self.results if name == host and result.get("changed")]


def _node(name: str, addresses: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "addresses": [addresses[name]]} if name in addresses else {"name": name}


class Site:
    """A folder with an inventory and all files that a run writes."""

    def __init__(self, folder: Path, forked: bool = True) -> None:
        self.folder = folder
        self._forked = forked
        self.consents = list(CONSENTS)  # given with each run
        self.extra: dict[str, Any] = {}  # variables of the command line
        self.settings: dict[str, str] = {}  # of Ansible, as environment variables that a process of its own reads
        self.clusters: dict[str, Cluster] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def add(
        self, name: str, variables: dict[str, Any], kube: bool = True, addresses: dict[str, str] | None = None, **apic: Any
    ) -> Cluster:
        """Add a cluster with servers that end with the site.

        :param addresses: the nodes' own addresses, ``{node: address/length}``.
        """
        held = addresses or {}
        names = [name for rack in variables["aci_calico_racks"] for name in node_names(rack)]
        apic.setdefault("seed", fabric(variables["aci_calico_racks"]))
        server = self._stack.enter_context(ApicServer(**apic))
        api = self._stack.enter_context(KubeServer([_node(node, held) for node in names])) if kube else None
        cluster = self.clusters[name] = Cluster(name, variables, server, api)
        return cluster

    def write(self) -> Path:
        """Write the inventory from the clusters' present variables."""
        hosts = {name: cluster.variables | cluster.connection() for name, cluster in self.clusters.items()}
        path = self.folder / "inventory" / "hosts.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump({"aci_calico_clusters": {"hosts": hosts}}), encoding="utf-8")
        return path

    def command(self, playbook: str | Path, *options: str) -> list[str]:
        """Return the command line of a run."""
        book = playbook if isinstance(playbook, Path) else ROOT / "playbooks" / f"{playbook}.yml"
        extra: dict[str, Any] = {"aci_calico_artifacts_dir": str(self.folder / "artifacts"), **self.extra}
        extra["aci_calico_consent"] = self.consents
        if playbook == "teardown":
            extra["aci_calico_consent"] = [f"teardown:{name}" for name in self.clusters]
            options = options if "--limit" in options else (*options, "--limit", "all")
        return [str(ANSIBLE), "-i", str(self.write()), "--forks", "12", "-e", json.dumps(extra), str(book), *options]

    def environment(self) -> dict[str, str]:
        """Return an environment without the user's settings, by which Ansible writes below the folder only."""
        own = {name: str(self.folder / name) for name in ("home", "tmp")}
        for path in own.values():
            Path(path).mkdir(exist_ok=True)
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ACI_"))},
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "record_results",
            "RECORD_RESULTS": str(self.folder / "results.jsonl"),
            "HOME": own["home"],
            "TMPDIR": own["tmp"],
            **self.settings,
        }

    def run(self, playbook: str | Path, *options: str, check: bool = True) -> Outcome:
        """Run a playbook to its end.

        :raises AssertionError: if it fails and ``check`` is true.
        """
        (self.folder / "results.jsonl").unlink(missing_ok=True)
        command, environment = self.command(playbook, *options), self.environment()
        if self._forked and not self.settings:
            done = ansible_playbook(
                *command[1:], folder=self.folder, environment=environment, CALLBACKS_ENABLED=["record_results"]
            )
        else:
            done = subprocess.run(
                command, env=environment, cwd=self.folder, capture_output=True, text=True, timeout=600, check=False
            )
        outcome = Outcome(done.returncode, done.stdout + done.stderr, list(self._results()))
        assert not (check and outcome.code), outcome.output[-6000:]
        return outcome

    def _results(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        path = self.folder / "results.jsonl"
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                yield entry["task"], entry["host"], entry["result"]

    def start(self, playbook: str | Path, *options: str) -> subprocess.Popen[bytes]:
        """Start a run, for the caller to kill."""
        return subprocess.Popen(
            self.command(playbook, *options),
            env=self.environment(),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its descendants in all sessions."""
    doomed = [process.pid, *_descendants(process.pid)]
    for pid in doomed:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait(30)


def _descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
    return [grand for child in map(int, children) for grand in (child, *_descendants(child))]
