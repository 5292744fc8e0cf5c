"""Run an API server until it is stopped: python tests/lab/kube [--real] [--calico operator] --port P --state DIR --seed FILE.

It is a real kube-apiserver with ``--real`` or where ``KUBEBUILDER_ASSETS`` is set, otherwise the embedded one.

The seed is YAML. All of its fields are optional: ``nodes`` (names or ``{name, addresses}``), ``pod_subnets``,
``namespace`` (of calico-node), ``api_groups`` (that Calico serves), ``objects`` (further manifests) and
``service_subnets`` (from which a real server takes services' addresses). ``--calico`` replaces the seed's ``namespace``
and ``api_groups``, and lets the installer's forces act.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading
from contextlib import nullcontext
from pathlib import Path

# Started as a folder: replace the folder on the path by the parent of the package ``lab``.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from lab.files import read_yaml  # noqa: E402
from lab.kube.installers import INSTALLERS, NEWEST, VERSIONS, cluster, forces  # noqa: E402
from lab.kube.real import RealKubeServer  # noqa: E402
from lab.kube.server import KubeServer  # noqa: E402
from lab.processes import LabError  # noqa: E402

SEED_FIELDS = {"nodes", "pod_subnets", "namespace", "api_groups", "objects", "service_subnets"}


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description="A Kubernetes API server with Calico's kinds.")
    parser.add_argument(
        "--real",
        action="store_true",
        default=bool(os.environ.get("KUBEBUILDER_ASSETS")),
        help="start a real kube-apiserver (default if KUBEBUILDER_ASSETS is set) instead of the embedded server",
    )
    parser.add_argument(
        "--calico",
        choices=INSTALLERS,
        help="how Calico is installed, and what acts on it: the Tigera operator (operator: with the aggregated API server,"
        " operator-native: without), manifests, kubespray, or nothing (v1, v3; default: the seed's API groups)",
    )
    parser.add_argument("--calico-version", choices=VERSIONS, default=NEWEST, help="Calico's release (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    parser.add_argument("--state", type=Path, help="folder that keeps the objects (default: none; they end with the server)")
    parser.add_argument("--seed", type=Path, help="YAML file with the initial content of the cluster")
    parser.add_argument("--kubeconfig", type=Path, help="where to write the kubeconfig (default: kubeconfig in the state folder)")
    arguments = parser.parse_args()

    seed = read_yaml(arguments.seed) if arguments.seed else {}
    unknown = set(seed) - SEED_FIELDS
    if unknown:
        parser.error(f"{arguments.seed}: unknown fields: {', '.join(sorted(unknown))}")
    if arguments.calico:
        seed = cluster(seed, arguments.calico, arguments.calico_version)
    elif "api_groups" in seed:
        seed["api_groups"] = tuple(seed["api_groups"])

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *__: stop.set())
    server_class: type[KubeServer | RealKubeServer] = RealKubeServer if arguments.real else KubeServer
    try:
        with server_class(state_dir=arguments.state, port=arguments.port, kubeconfig=arguments.kubeconfig, **seed) as server:
            played = f"  Calico {arguments.calico_version} ({arguments.calico})" if arguments.calico else ""
            acting = forces(server, INSTALLERS[arguments.calico], arguments.calico_version) if arguments.calico else nullcontext()
            with acting:
                kubeconfig = shlex.quote(str(server.kubeconfig))
                print(f"{server.url}  {server.title}{played}  KUBECONFIG={kubeconfig}", flush=True)
                stop.wait()
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
