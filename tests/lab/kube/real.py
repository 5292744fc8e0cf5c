"""A real kube-apiserver with a real etcd, as the lab's Kubernetes API.

The programs come from the folder that ``KUBEBUILDER_ASSETS`` names, or from the build's. No controller runs: nothing is
scheduled, and the deletion of a namespace never finishes. Everything else is real: TLS, RBAC, admission, schemas,
server-side apply, dry run.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import trustme
import yaml

from lab.files import log_end, write_private
from lab.kube import schema
from lab.kube.build import SERVERS, built_assets, is_complete
from lab.kube.crds import KINDS, calico_crds, operator_crds
from lab.kube.interface import ApiFailure, ClusterServer, KubeApi, write_kubeconfig
from lab.processes import HOST, LabError, choose_port

ADMIN = "admin"
#: A ServiceAccount with exactly the rights that the playbooks need (see ``docs/examples/rbac.yml``).
OPERATOR = "aci-calico"
RBAC = Path(__file__).resolve().parents[3] / "docs/examples/rbac.yml"

#: The first minor version of Kubernetes 1 that needs no feature gate for two families of service addresses.
DUAL_STACK_BY_DEFAULT = 21

TOKEN_SECONDS = 24 * 3600
START_SECONDS = 60
STOP_SECONDS = 10
POLL_SECONDS = 0.05


def find_assets() -> Path | None:
    """Return the folder that ``KUBEBUILDER_ASSETS`` names, otherwise that of a finished build, otherwise ``None``.

    Raises ``LabError`` when ``KUBEBUILDER_ASSETS`` names a folder without the programs.
    """
    named = os.environ.get("KUBEBUILDER_ASSETS")
    if named:
        if not is_complete(Path(named)):
            raise LabError(f"KUBEBUILDER_ASSETS names {named}, which does not hold {' and '.join(SERVERS)}. Correct or unset it.")
        return Path(named)
    return built_assets() if is_complete(built_assets()) else None


class RealKubeServer(ClusterServer):
    """A real API server with Calico's definitions.

    All its processes end with the block. If this process is killed, the kernel kills them.
    """

    def __enter__(self) -> RealKubeServer:
        self._servers: list[_Server] = []
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    @property
    def title(self) -> str:
        """Return the server's name with its version, which depends on ``KUBEBUILDER_ASSETS``."""
        return f"real kube-apiserver {self._version}"

    def as_user(self, user: str) -> KubeApi:
        """Return access as ``ADMIN`` or ``OPERATOR``, each with its own kubeconfig."""
        access = KubeApi()
        access.url, access.ca_file, access.token = self.url, self.ca_file, self._tokens[user]
        access.kubeconfig = self.kubeconfig if user == ADMIN else self._state / f"{user}.kubeconfig"
        return access

    def requests(self) -> list[dict[str, Any]]:
        """Return the audit events of the requests of ``OPERATOR``, in the order in which they were answered."""
        log = self._state / "audit.log"
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []

    def _start(self, stack: ExitStack) -> None:
        self._state = self._state_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-kube-")))
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._identities = _Identities(self._state / "pki")
        etcd = self._start_etcd(stack)
        self._port = self._port or choose_port(0, "")
        self.url = f"https://{HOST}:{self._port}"
        self.ca_file, self.token = self._identities.authority, self._identities.token
        self._start_apiserver(stack, etcd)
        stack.callback(self.close)
        self._wait(lambda: bool(self.request("GET", "/readyz")))
        self._define_calico()
        self.apply([*self._seed, *self._rbac()])
        self._tokens = {ADMIN: self.token, OPERATOR: self._token_of_operator()}
        # Last, so that the server is complete when the file appears.
        self.kubeconfig = self._kubeconfig or self._state / "kubeconfig"
        for user in (ADMIN, OPERATOR):
            access = self.as_user(user)
            write_kubeconfig(access.kubeconfig, self.url, self.ca_file.read_bytes(), access.token)

    def _start_etcd(self, stack: ExitStack) -> str:
        """Start the database and return its address. It holds secrets, so clients need a certificate."""
        url, peer_url = (f"{scheme}://{HOST}:{choose_port(0, '')}" for scheme in ("https", "http"))
        arguments = {
            "data-dir": self._state / "etcd",
            "listen-client-urls": url,
            "advertise-client-urls": url,
            "listen-peer-urls": peer_url,
            "initial-advertise-peer-urls": peer_url,
            "initial-cluster": f"default={peer_url}",
            "cert-file": self._identities.certificate,
            "key-file": self._identities.key,
            "client-cert-auth": "true",
            "trusted-ca-file": self._identities.authority,
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        }
        self._spawn(stack, "etcd", arguments)
        return url

    def _token_of_operator(self) -> str:
        path = f"/api/v1/namespaces/{self._namespace}/serviceaccounts/{OPERATOR}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": TOKEN_SECONDS}}
        return str(self.request("POST", path, body)["status"]["token"])

    def _start_apiserver(self, stack: ExitStack, etcd: str) -> None:
        identities = self._identities
        policy = self._state / "audit.yml"
        policy.write_text(yaml.safe_dump(_audit_policy(self._namespace)), encoding="utf-8")
        arguments = {
            "bind-address": HOST,
            "advertise-address": HOST,
            "secure-port": self._port,
            "cert-dir": identities.folder,
            "tls-cert-file": identities.certificate,
            "tls-private-key-file": identities.key,
            "etcd-servers": etcd,
            "etcd-cafile": identities.authority,
            "etcd-certfile": identities.certificate,
            "etcd-keyfile": identities.key,
            "token-auth-file": identities.tokens,
            "authorization-mode": "RBAC",
            "anonymous-auth": "false",
            "service-account-issuer": self.url,
            "service-account-key-file": identities.key,
            "service-account-signing-key-file": identities.key,
            "service-cluster-ip-range": ",".join(self._service_subnets),
            "endpoint-reconciler-type": "none",
            "audit-policy-file": policy,
            "audit-log-path": self._state / "audit.log",
            # Both wait for a controller: for a pod's token, and for a node to become ready.
            "disable-admission-plugins": "ServiceAccount,TaintNodesByCondition",
            "profiling": "false",
        }
        if len(self._service_subnets) > 1 and int(self._version.split(".")[1]) < DUAL_STACK_BY_DEFAULT:
            arguments["feature-gates"] = "IPv6DualStack=true"
        self._spawn(stack, "kube-apiserver", arguments)

    @cached_property
    def _programs(self) -> Path:
        """Return the folder with the programs. Raises ``LabError`` where there is none."""
        if found := self._assets or find_assets():
            return found
        raise LabError("There is no kube-apiserver: run `make kube-apiserver` once, or set KUBEBUILDER_ASSETS.")

    @cached_property
    def _version(self) -> str:
        command = [str(self._programs / "kube-apiserver"), "--version"]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        return said.stdout.strip().removeprefix("Kubernetes v")

    def _spawn(self, stack: ExitStack, program: str, arguments: dict[str, Any]) -> None:
        options = [f"--{name}={value}" for name, value in arguments.items()]
        server = _Server([str(self._programs / program), *options], self._state / f"{program}.log")
        stack.callback(server.stop)
        self._servers.append(server)

    def _wait(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError, ApiFailure):
                if ready():
                    return
            for server in self._servers:
                if server.ended():
                    raise LabError(f"{server.name} ended before it was ready.\n{log_end(server.log)}")
            time.sleep(POLL_SECONDS)
        logs = "\n".join(log_end(server.log) for server in self._servers)
        raise LabError(f"kube-apiserver was not ready within {START_SECONDS} s.\n{logs}")

    def _define_calico(self) -> None:
        """Install Calico's definitions and return when every kind is served."""
        if self._aggregated:
            raise LabError("The aggregated API server is the embedded server's own: choose operator-native for a real one.")
        for api_version in self._api_groups:
            self.apply(calico_crds(api_version))
        if self._operator:
            self.apply(operator_crds())
            self._wait(lambda: bool(self.request("GET", f"/apis/{schema.OPERATOR_V1}")["resources"]))
        for api_version in self._api_groups:
            self._wait(partial(self._serves_calico, api_version))

    def _serves_calico(self, api_version: str) -> bool:
        resources = self.request("GET", f"/apis/{api_version}")["resources"]
        return {resource["kind"] for resource in resources} >= set(KINDS)

    def _rbac(self) -> Iterator[dict[str, Any]]:
        for manifest in yaml.safe_load_all(RBAC.read_text(encoding="utf-8")):
            for reference in (manifest["metadata"], *manifest.get("subjects", ())):
                if "namespace" in reference:
                    reference["namespace"] = self._namespace
            yield manifest


def _audit_policy(namespace: str) -> dict[str, Any]:
    """Return the policy that records each request of ``OPERATOR`` once, with its answer's status and without its content."""
    rules = [{"level": "Metadata", "users": [f"system:serviceaccount:{namespace}:{OPERATOR}"]}, {"level": "None"}]
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules}


class _Server:
    """A server process, which ends with this one."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.name = Path(command[0]).name
        self.log = log
        # The kernel sends the signal when the thread that started the server ends for any reason.
        watched = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*watched, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    def ended(self) -> bool:
        return self._process.poll() is not None

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Identities:
    """Keys, certificates and tokens, created once in a state folder so that a kubeconfig outlives a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = folder / "ca.crt"
        self.certificate = folder / "server.crt"
        self.key = folder / "server.key"
        self.tokens = folder / "tokens.csv"
        if not self.tokens.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            self._create()

    def _create(self) -> None:
        authority = trustme.CA()
        certificate = authority.issue_cert(HOST, "localhost")
        authority.cert_pem.write_to_path(self.authority)
        certificate.cert_chain_pems[0].write_to_path(self.certificate)
        write_private(self.key, certificate.private_key_pem.bytes().decode())
        write_private(self.tokens, f'{secrets.token_hex(16)},{ADMIN},{ADMIN},"system:masters"\n')

    @property
    def token(self) -> str:
        """Return the administrator's token."""
        return self.tokens.read_text().partition(",")[0]
