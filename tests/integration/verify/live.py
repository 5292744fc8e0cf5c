"""A planned cluster on the bench: configured as by the roles, read by the collection's modules, compared with its plan."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.netops.aci_calico.plugins.module_utils.names import PASSWORD_MARKER
from ansible_collections.netops.aci_calico.plugins.modules import aci_state, calico_info, calico_state
from ansible_collections.netops.aci_calico.plugins.plugin_utils.apic.tree import about_fabric, apic_roots, apic_tree
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import kubernetes_objects
from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.observed import Kubernetes
from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.report import explain, verify
from lab.apic.server import ApicServer
from lab.kube.interface import CALICO_V1, DEFAULT_NAMESPACE, MERGE_PATCH, ApiFailure, KubeApi
from lab.kube.server import KubeServer
from lab.twin.bench import APIC_PASSWORD, Bench

PASSWORD = "a-BGP-password-of-the-tests"
DEADLINE = 180  # seconds: machines are busy, and leaves keep the routes of a node that went without a word for up to 120
Json = dict[str, Any]


class Exit(Exception):
    """Carries a module's result."""

    def __init__(self, result: Json) -> None:
        super().__init__(result.get("msg"))
        self.result = result


class Live:
    """A cluster, its fabric and the twin that follows both.

    ``api_group`` and ``namespace`` are Calico's; ``reader`` is the access for verification, by default the twin's.
    """

    def __init__(
        self,
        bench: Bench,
        plan: Json,
        api_group: str = CALICO_V1,
        namespace: str = DEFAULT_NAMESPACE,
        reader: KubeApi | None = None,
    ) -> None:
        self.bench = bench
        self.plan = plan
        self.kube = bench.kube
        self.reader = reader or bench.kube
        self._api_group = api_group
        self._namespace = namespace

    # --- configured ---

    def configure(self) -> None:
        """Push the configuration of the playbook ``site``."""
        tree = json.dumps(apic_tree(self.plan)).replace(PASSWORD_MARKER, PASSWORD)
        self.bench.post("uni", json.loads(tree))
        data = {self.plan["calico"]["secret"]["key"]: base64.b64encode(PASSWORD.encode()).decode()}
        for manifest in kubernetes_objects(self.plan, self._api_group, self._namespace):
            if manifest["kind"] == "Secret":
                del manifest["stringData"]
                manifest["data"] = data
            self.apply(manifest)

    def apply(self, manifest: Json) -> None:
        """Create an object, or merge it into the existing one."""
        path = self.kube.path(manifest)
        try:
            self.kube.request("PATCH", path, manifest, MERGE_PATCH)
        except ApiFailure as failure:
            if failure.status != 404:
                raise
            self.kube.request("POST", path.rpartition("/")[0], manifest)

    def get(self, kind: str, name: str) -> Json:
        """Return an object of the cluster."""
        return self.kube.request("GET", self._path(kind, name))

    def patch(self, kind: str, name: str, change: Json) -> None:
        """Change an object of the cluster."""
        self.kube.request("PATCH", self._path(kind, name), change, MERGE_PATCH)

    def delete(self, kind: str, name: str) -> None:
        """Delete an object of the cluster."""
        self.kube.request("DELETE", self._path(kind, name))

    def _path(self, kind: str, name: str) -> str:
        group = "v1" if kind in ("Node", "Secret") else self._api_group
        namespace = {"namespace": self._namespace} if kind == "Secret" else {}
        return self.kube.path({"apiVersion": group, "kind": kind, "metadata": {"name": name, **namespace}})

    def each(self, cls: str) -> list[str]:
        """Return the DNs of the cluster's objects of a class."""
        ours = (f"uni/tn-{self.plan['fabric']['tenant']}/out-{self.plan['l3outs'][0]['name']}/",)
        return [mo["dn"] for mo in self.bench.objects(cls) if mo["dn"].startswith(ours)]

    def pod(self, node: str, version: int = 4) -> str:
        """Return an address of a node's pods."""
        blocks = map(ip_network, self.bench.twin.ask("machines")["nodes"][node]["blocks"])
        return str(next(block for block in blocks if block.version == version)[1])

    def reaches(self, near: str, far: str, version: int = 4) -> bool:
        """Return whether a pod on one node reaches a pod on another."""
        return self.bench.pings(near, self.pod(far, version), "-I", self.pod(near, version))

    # --- read and judged ---

    def verify(self) -> Json:
        """Read once with the three modules, and return the report."""
        calico, state = self.plan["calico"], self.aci()
        kubeconfig = {"kubeconfig": str(self.reader.kubeconfig)}
        digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
        info = _run(
            calico_info,
            **kubeconfig,
            secret_name=calico["secret"]["name"],
            secret_key=calico["secret"]["key"],
            password_sha256=digest,
        )["calico"]
        nodes = [node["name"] for node in self.plan["nodes"]]
        live = _run(calico_state, **kubeconfig, api_group=info["api_group"], nodes=nodes, node_status="request")
        return verify(self.plan, state, Kubernetes(info, live["state"]))

    def aci(self) -> Json:
        """Read the fabric once."""
        apic = {"host": "127.0.0.1", "port": self.bench.apic.port, "username": "admin", "password": APIC_PASSWORD}
        found = _run(aci_state, **apic, use_ssl=False, **about_fabric(self.plan), roots=apic_roots(self.plan, "hardening"))
        self.requests = found["requests"]
        state: Json = found["state"]
        return state

    def until(self, wanted: Callable[[Json], bool], seconds: float = DEADLINE) -> Json:
        """Return the first report that fulfils a condition.

        :raises AssertionError: with the last report, if none does in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            report = self.verify()
            if wanted(report):
                return report
            assert time.monotonic() < deadline, "\n".join(explain(report))
            time.sleep(0.5)

    def until_green(self) -> Json:
        """Return the first report without a finding."""
        return self.until(lambda report: not report["findings"])

    def until_named(self, cause: str, *symptoms: str, evidence: str = "", pieces: int = 0) -> Json:
        """Return the first finding of a cause that shows the evidence, in a report with all the symptoms.

        The finding has at least ``pieces`` pieces of evidence.
        """

        def named(report: Json) -> bool:
            found = _finding(report, cause)
            if found is None or len(found["evidence"]) < pieces:
                return False
            return set(symptoms) <= set(report["rules"]) and _shows(found, evidence)

        report = self.until(named)
        assert not report["ok"]
        found = _finding(report, cause)
        assert found is not None
        return found


def _finding(report: Json, cause: str) -> Json | None:
    return next((finding for finding in report["findings"] if finding["id"] == cause), None)


def _shows(finding: Json, text: str) -> bool:
    return any(text in seen for seen in [finding["what"], *finding["evidence"]])


def _run(module: Any, **arguments: Any) -> Json:
    def leave(_module: AnsibleModule, **result: Any) -> None:
        raise Exit(result)

    original = AnsibleModule.exit_json, AnsibleModule.fail_json
    AnsibleModule.exit_json = AnsibleModule.fail_json = leave
    try:
        with patch_module_args(arguments):
            module.main()
    except Exit as done:
        if "msg" in done.result:
            raise AssertionError(done.result["msg"]) from None
        return done.result
    finally:
        AnsibleModule.exit_json, AnsibleModule.fail_json = original
    raise AssertionError(f"{module.__name__} said nothing")


def installed(plan: Json) -> Json:
    """Return options of a lab server for the nodes and pools that the installers of Kubernetes and Calico create."""
    nodes = [
        {"name": node["name"], "addresses": [network["address"] for network in node["networks"].values()]}
        for node in plan["nodes"]
    ]
    # Calico's installer has made the first pool of a family already.
    return {"nodes": nodes, "pod_subnets": [pools[0] for pools in plan["subnets"]["pod"].values()]}


@contextmanager
def live(folder: Path, plan: Json, *options: str) -> Iterator[Live]:
    """Run the twin of a configured cluster until the end of the block."""
    with together(folder, plan, options=options) as (made,):
        yield made


@contextmanager
def together(folder: Path, *plans: Json, options: Iterable[str] = ()) -> Iterator[list[Live]]:
    """Run one twin of all configured clusters of a VRF until the end of the block."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        apic = stack.enter_context(ApicServer(https=False, expose_secrets=True))
        made = []
        for plan in plans:
            server = KubeServer(**installed(plan), kubeconfig=folder / f"{plan['cluster']}.kubeconfig")
            made.append(Live(Bench(apic, stack.enter_context(server), folder), plan))
            made[-1].configure()
        first, *others = made
        kubeconfigs = [word for other in others for word in ("--kubeconfig", str(other.kube.kubeconfig))]
        first.bench.start(*kubeconfigs, *options)
        try:
            yield made
        finally:
            first.bench.twin.down()
