"""Command line of the lab: python tests/lab up | down | status | log | reset | twin-up | twin-status | twin-down | run
-- COMMAND.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

# Started as a folder: replace the folder on the path by the parent of the package ``lab``.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from lab.kube.installers import INSTALLERS, NEWEST, VERSIONS  # noqa: E402
from lab.processes import LabError  # noqa: E402
from lab.runner import DEFAULT_CALICO, Lab  # noqa: E402
from lab.twin import runner as twin  # noqa: E402
from lab.twin.model import TwinError  # noqa: E402

# In the names of the tags that are the leases of runs.
LEASE = "aci-calico-lease:"
DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / ".lab"


def main() -> int:
    arguments = parse()
    if arguments.kube == "embedded":
        os.environ.pop("KUBEBUILDER_ASSETS", None)
    real = arguments.kube == "real" or bool(os.environ.get("KUBEBUILDER_ASSETS"))
    lab = Lab(arguments.dir, real_kubernetes=real, calico=arguments.calico, version=arguments.calico_version)
    try:
        return COMMANDS[arguments.command](lab, arguments)
    except (LabError, TwinError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="lab", description="The embedded lab: an APIC and a Kubernetes API for each example cluster."
    )
    parser.add_argument(
        "--dir",
        type=Path,
        default=Path(os.environ.get("ACI_CALICO_LAB_DIR") or DEFAULT_FOLDER),
        help="state folder (default: ACI_CALICO_LAB_DIR, otherwise .lab in the checkout)",
    )
    parser.add_argument(
        "--kube",
        choices=("embedded", "real"),
        help="the Kubernetes API servers to start (default: real ones if KUBEBUILDER_ASSETS names their folder)",
    )
    parser.add_argument(
        "--calico",
        choices=INSTALLERS,
        default=DEFAULT_CALICO,
        help="how Calico is installed on them, and what acts on it (default: %(default)s)",
    )
    parser.add_argument("--calico-version", choices=VERSIONS, default=NEWEST, help="Calico's release (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="start all servers that do not run yet")
    commands.add_parser("down", help="stop the lab and keep its state")
    commands.add_parser("status", help="print which servers run, and their addresses")
    added = commands.add_parser("twin-up", help="start the BGP twins of the clusters and wait until their sessions are up")
    added.add_argument("--wait", type=float, default=90, metavar="SECONDS", help="maximum time to wait for the sessions")
    commands.add_parser("twin-status", help="print the state of the BGP sessions")
    commands.add_parser("twin-down", help="stop the BGP twins")
    commands.add_parser("log", help="print the requests that APIC answered")
    commands.add_parser("reset", help="stop the lab and delete its state")
    run = commands.add_parser("run", help="run a command with the lab up; stop the lab afterwards unless it was up before")
    run.add_argument("argv", nargs="+", metavar="-- COMMAND", help="the command and its arguments")
    return parser.parse_args()


def up(lab: Lab, _arguments: argparse.Namespace) -> int:
    lab.up()
    return status(lab, _arguments)


def down(lab: Lab, _arguments: argparse.Namespace) -> int:
    stopped = lab.down()
    print("Stopped: " + ", ".join(stopped) if stopped else "Nothing was running.")
    return 0


def status(lab: Lab, _arguments: argparse.Namespace) -> int:
    """Print what runs; return 0 when everything does."""
    states = lab.status()
    width = max(len(name) for name in states)
    for name, state in states.items():
        print(f"{name:{width}}  {state or 'stopped'}", flush=True)
    return 0 if all(states.values()) else 1


def twin_up(lab: Lab, arguments: argparse.Namespace) -> int:
    """Start the BGP twins and print their sessions; return 0 when all of them are up."""
    up = []
    for clusters, runner in lab.twins_up().items():
        report = runner.wait_for_sessions(arguments.wait)
        print(f"{clusters}\n{twin.table(report)}")
        up.append(twin.converged(report))
    return 0 if all(up) else 1


def twin_status(lab: Lab, _arguments: argparse.Namespace) -> int:
    """Print the sessions of the running twins; return 0 when every twin runs and all its sessions are up."""
    up = []
    for clusters, runner in lab.twins().items():
        report = runner.ask("status") if runner.running() else {}
        print(f"{clusters}\n{twin.table(report) if report else 'stopped'}")
        up.append(twin.converged(report))
    return 0 if all(up) else 1


def twin_down(lab: Lab, _arguments: argparse.Namespace) -> int:
    for clusters, runner in lab.twins().items():
        print(f"{clusters}: {'stopped' if runner.down() else 'was not running'}")
    return 0


def reset(lab: Lab, _arguments: argparse.Namespace) -> int:
    lab.reset()
    print(f"The lab is stopped, and its state in {lab.folder} is deleted.")
    return 0


def log(lab: Lab, _arguments: argparse.Namespace) -> int:
    for entry in lab.requests():
        print(entry["time"], entry["status"], f"{entry['ms']:.0f} ms", entry["method"], entry["path"])
    return 0


def run(lab: Lab, arguments: argparse.Namespace) -> int:
    """Run a command with the lab up and print how many requests APIC got; return the command's exit code."""
    before = len(lab.requests())
    with lab.running():
        status(lab, arguments)
        code = subprocess.run(arguments.argv, env={**os.environ, **lab.environment()}, check=False).returncode
        requests = lab.requests()[before:]
    writes = [entry for entry in requests if entry["method"] in ("POST", "DELETE") and "/aaa" not in entry["path"]]
    writes = [entry for entry in writes if not entry["changed"] or any(LEASE not in dn for dn in entry["changed"])]
    print(f"The lab's APIC answered {len(requests)} requests; {len(writes) or 'none'} of them were writes, apart from leases.")
    return code


COMMANDS = {"up": up, "down": down, "status": status, "log": log, "reset": reset, "run": run}
COMMANDS |= {"twin-up": twin_up, "twin-status": twin_status, "twin-down": twin_down}

if __name__ == "__main__":
    sys.exit(main())
