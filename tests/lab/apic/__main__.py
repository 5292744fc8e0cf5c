"""Run an APIC emulator until it is stopped: ``python tests/lab/apic --port P --state DIR``.

``--misbehave`` and ``--show`` talk to a running emulator instead.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import ssl
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Started as a folder: replace the folder on the path by the parent of the package ``lab``.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from lab.apic.misbehaviour import ACTIONS  # noqa: E402
from lab.apic.server import ApicServer  # noqa: E402

#: the file in the state directory that tells where an emulator listens
DESCRIPTION = "apic.json"


def main() -> None:
    options = _parser().parse_args()
    if options.misbehave:
        _misbehave(options)
    elif options.show:
        print("\n".join(SHOWN[options.show](options)))
    else:
        serve(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab.apic", description="An APIC emulator.")
    parser.add_argument("--port", type=int, default=0, help="first port to listen on (default: a free one)")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="the folder that keeps the state")
    parser.add_argument("--seed", type=Path, metavar="FILE", help="the initial fabric (default: fabric.yml)")
    parser.add_argument("--http", action="store_true", help="plain HTTP")
    parser.add_argument("--controllers", type=int, default=1, help="number of controllers, each on its own port")
    parser.add_argument("--token-lifetime", type=float, default=600, metavar="SECONDS")
    parser.add_argument("--secrets", action="store_true", help="let the lab read passwords (/_lab/secrets)")
    parser.add_argument("--misbehave", choices=(*ACTIONS, "clear"), help="make the running emulator of --state misbehave")
    parser.add_argument("--nth", type=int, default=1, help="the first request that is hit, counted from now (default: the next)")
    parser.add_argument("--count", type=int, default=1, help="how many requests are hit (0: all)")
    parser.add_argument("--seconds", type=float, default=0.0, help="the latency")
    parser.add_argument("--status", type=int, default=503, help="the HTTP status")
    parser.add_argument("--show", choices=SHOWN, help="print what the running emulator of --state answered, or its faults")
    return parser


def serve(options: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT; ``apic.json`` in the state directory tells where."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *__: stop.set())
    server = ApicServer(
        options.seed,
        options.state,
        port=options.port,
        https=not options.http,
        controllers=options.controllers,
        token_lifetime=options.token_lifetime,
        expose_secrets=options.secrets,
    )
    with server:
        about = {"url": server.url, "urls": server.urls, "ca": str(server.ca_path), "pid": os.getpid()}
        scratch = options.state / f"{DESCRIPTION}.new"
        scratch.write_text(json.dumps(about))
        scratch.replace(options.state / DESCRIPTION)
        print(json.dumps(about), flush=True)
        stop.wait()
    (options.state / DESCRIPTION).unlink(missing_ok=True)


def _ask(options: argparse.Namespace, method: str, what: str, data: dict[str, Any] | None = None) -> Any:
    """Return the answer of the running emulator's own interface."""
    about = json.loads((options.state / DESCRIPTION).read_text())
    context = ssl.create_default_context(cafile=about["ca"]) if about["url"].startswith("https") else None
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(f"{about['url']}/_lab/{what}", body, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, context=context, timeout=10) as answer:
        return json.loads(answer.read())


def _misbehave(options: argparse.Namespace) -> None:
    rule = {name: getattr(options, name) for name in ("nth", "count", "seconds", "status")}
    method = "DELETE" if options.misbehave == "clear" else "POST"
    _ask(options, method, "misbehave", {"action": options.misbehave, **rule})


def _log(options: argparse.Namespace) -> list[str]:
    return [f"{entry['time']} {entry['status']} {entry['method']} {entry['path']}" for entry in _ask(options, "GET", "log")]


def _faults(options: argparse.Namespace) -> list[str]:
    """Return a line for each fault below ``uni``."""

    def found(document: dict[str, Any]) -> Iterator[str]:
        for cls, mo in document.items():
            if cls == "faultInst":
                fault = mo["attributes"]
                yield f"{fault['code']} {fault['severity']} {fault['dn'].rpartition('/')[0]}: {fault['descr']}"
            for child in mo["children"]:
                yield from found(child)

    return list(found(_ask(options, "GET", "tree")))


SHOWN = {"log": _log, "faults": _faults}

if __name__ == "__main__":
    main()
