"""Command line of the BGP twin: python tests/lab/twin up | down | status | apply | exec | …"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

# Started as a folder: replace the folder on the path by the parent of the package ``lab``.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from lab.processes import LabError  # noqa: E402
from lab.twin import runner  # noqa: E402
from lab.twin.apic import Access  # noqa: E402
from lab.twin.machines import MachineError, missing_prerequisites  # noqa: E402
from lab.twin.model import TwinError  # noqa: E402
from lab.twin.runner import PASSWORD_VARIABLE, TwinRunner  # noqa: E402
from lab.twin.supervisor import Options, supervise  # noqa: E402

DEFAULT_FOLDER = Path(__file__).resolve().parents[3] / ".lab" / "twin"


def main() -> int:
    arguments = _parser().parse_args()
    try:
        return int(arguments.run(arguments) or 0)
    except (TwinError, MachineError, LabError) as error:
        print(f"twin: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="twin", description="Real BGP daemons as APIC and Kubernetes configure them.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text)
        added.set_defaults(run=run)
        default = Path(os.environ.get("ACI_CALICO_TWIN_DIR") or DEFAULT_FOLDER)
        added.add_argument("--dir", type=Path, default=default, help="state folder, which each twin needs for itself")
        return added

    for name, run, text in (
        ("up", up, "start the twin, or leave it running, and wait until its sessions are up"),
        ("supervise", supervise_command, argparse.SUPPRESS),
    ):
        added = command(name, run, text)
        added.add_argument("--apic", required=True, metavar="URL")
        added.add_argument("--apic-user", default="admin", help=f"the user; the password is in {PASSWORD_VARIABLE}")
        added.add_argument("--apic-ca", metavar="FILE", help="verify APIC's certificate with this authority")
        added.add_argument("--kubeconfig", type=Path, action="append", required=True, help="one for each cluster of the VRF")
        added.add_argument("--vrf", metavar="TENANT:VRF", help="the VRF, if the nodes' addresses are in several")
        added.add_argument("--owner", type=int, metavar="PID", help="stop as soon as this process has ended")
        added.add_argument("--no-report", action="store_true", help="do not report the live state")
        added.add_argument(
            "--wait", type=float, default=60, metavar="SECONDS", help="maximum time to wait for the sessions; 0: do not wait"
        )
    command("down", down, "stop the twin and everything in it")
    command("status", status, "print the state of the sessions").add_argument("--json", action="store_true")
    command("apply", simple("apply"), "read APIC and Kubernetes now (the twin also does so by itself)")
    command("recable", simple("recable"), "connect every host again by its present subnet and peers")
    move = command("move", simple("move"), "connect a node to other leaves, as when its virtual machine moves")
    move.add_argument("machine", metavar="node")
    move.add_argument("leaves", type=int, nargs="+", metavar="leaf", help="203 204; any leaves of the fabric")
    for name, text in (
        ("off", "cut a machine off, as when its power fails"),
        ("on", "connect it again"),
        ("drain", "end a leaf's BGP sessions in good order, as a graceful upgrade does"),
        ("kill", "end a machine's BGP daemons, as when they crash"),
        ("start", "start them again"),
        ("configuration", "print a machine's BGP configuration without passwords"),
    ):
        command(name, simple(name), text).add_argument("machine", help="leaf-201, node-1, endpoint")
    announce = command("announce", simple("announce"), "make a node announce an additional route")
    announce.add_argument("node")
    announce.add_argument("prefix")
    announce.add_argument("--prepend", type=int, default=0, help="how many more times its own AS number is in the path")
    command("withdraw", simple("withdraw"), "withdraw the routes of announce").add_argument("node")
    run_in = command("exec", execute, "run a command in a machine's namespace")
    run_in.add_argument("machine")
    run_in.add_argument("argv", nargs=argparse.REMAINDER, metavar="COMMAND")
    return parser


def up(arguments: argparse.Namespace) -> int:
    """Start the twin, wait for its sessions and print their state."""
    missing = missing_prerequisites()
    if missing:
        raise TwinError("the twin cannot run on this machine; missing: " + "; ".join(missing))
    twin = TwinRunner(arguments.dir)
    twin.up(_supervisor_arguments(arguments))
    report = twin.wait_for_sessions(arguments.wait)
    print(runner.table(report))
    return 0 if not arguments.wait or runner.converged(report) else 1


def _supervisor_arguments(arguments: argparse.Namespace) -> list[str]:
    optional = {"--apic-ca": arguments.apic_ca, "--vrf": arguments.vrf}
    return [
        "--apic",
        arguments.apic,
        "--apic-user",
        arguments.apic_user,
        *(word for path in arguments.kubeconfig for word in ("--kubeconfig", str(path.resolve()))),
        *(word for option, value in optional.items() if value for word in (option, value)),
        *(["--no-report"] if arguments.no_report else []),
        *(["--owner", str(arguments.owner)] if arguments.owner else []),
    ]


def supervise_command(arguments: argparse.Namespace) -> None:
    """Run the supervisor itself, which ``up`` starts in its own namespaces."""
    password = os.environ.pop(PASSWORD_VARIABLE, "")
    access = Access(arguments.apic.rstrip("/"), arguments.apic_user, password, arguments.apic_ca or False)
    folder, report = arguments.dir.resolve(), not arguments.no_report
    supervise(Options(folder, access, arguments.kubeconfig, arguments.vrf, report, arguments.owner))


def down(arguments: argparse.Namespace) -> None:
    print("Stopped." if TwinRunner(arguments.dir).down() else "Nothing was running.")


def status(arguments: argparse.Namespace) -> int:
    """Print the state of the sessions; return 0 when all expected sessions are up."""
    report = TwinRunner(arguments.dir).ask("status")
    print(json.dumps(report, indent=2) if arguments.json else runner.table(report))
    return 0 if runner.converged(report) else 1


def simple(name: str) -> Any:
    """Return a command that the supervisor carries out."""

    def run(arguments: argparse.Namespace) -> None:
        rest = {key: value for key, value in vars(arguments).items() if key not in ("run", "dir")}
        answer = TwinRunner(arguments.dir).ask(name, **rest)
        for line in [answer["text"]] if "text" in answer else answer.get("problems", []):
            print(line)

    return run


def execute(arguments: argparse.Namespace) -> int:
    argv = arguments.argv[1:] if arguments.argv[:1] == ["--"] else arguments.argv
    return subprocess.run(TwinRunner(arguments.dir).command_in(arguments.machine, argv), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
