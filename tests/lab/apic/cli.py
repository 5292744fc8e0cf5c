"""The command line: ``serve`` by default; ``misbehave`` talks to an emulator that runs."""

from __future__ import annotations

import argparse
import json
import os
import signal
import ssl
import threading
import urllib.request
from pathlib import Path
from typing import Any

from .misbehaviour import ACTIONS
from .server import ApicServer

#: tells others where an emulator listens, in its state directory
DESCRIPTION = "apic.json"


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    if options.misbehave:
        _misbehave(options)
    else:
        serve(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab.apic", description="An APIC emulator.")
    parser.add_argument("--port", type=int, default=0, help="first port to listen on (default: a free one)")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="where the state is kept")
    parser.add_argument("--seed", type=Path, metavar="FILE", help="the fabric to start with (default: fabric.yml)")
    parser.add_argument("--http", action="store_true", help="plain HTTP")
    parser.add_argument("--controllers", type=int, default=1, help="how many controllers, on ports of their own")
    parser.add_argument("--token-lifetime", type=float, default=600, metavar="SECONDS")
    parser.add_argument("--secrets", action="store_true", help="let the lab read passwords back (/_lab/secrets)")
    parser.add_argument("--misbehave", choices=(*ACTIONS, "clear"), help="tell the emulator of --state to misbehave")
    parser.add_argument("--nth", type=int, default=1, help="at which request from now (default: the next)")
    parser.add_argument("--count", type=int, default=1, help="how many requests (0: for ever)")
    parser.add_argument("--seconds", type=float, default=0.0, help="how long, for latency")
    parser.add_argument("--status", type=int, default=503, help="which HTTP status, for status")
    return parser


def serve(options: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT; ``apic.json`` in the state directory says where."""
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


def _misbehave(options: argparse.Namespace) -> None:
    about = json.loads((options.state / DESCRIPTION).read_text())
    if options.misbehave == "clear":
        _call(about, "DELETE")
        return
    rule = {name: getattr(options, name) for name in ("nth", "count", "seconds", "status")}
    _call(about, "POST", {"action": options.misbehave, **rule})


def _call(about: dict[str, Any], method: str, payload: dict[str, Any] | None = None) -> None:
    context = ssl.create_default_context(cafile=about["ca"]) if about["url"].startswith("https") else None
    data = json.dumps(payload).encode() if payload else None
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{about['url']}/_lab/misbehave", data, headers, method=method)
    urllib.request.urlopen(request, context=context, timeout=10).close()
