"""The page about spreadsheets and NetBox, exactly as it stands: the inventories that it shows are planned."""

from __future__ import annotations

import csv
import json
import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
import yaml
from forked import ansible_playbook
from unit.plugin_utils.sample_plans import STANDARD, variables

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/sources.md").read_text(encoding="utf-8")
HOSTS = {"aci_calico_clusters": {"hosts": {"prod1-cluster": None}}, "prod1": {"hosts": {"prod1-cluster": None}}}
ROLES = ["kubernetes-node", "leaf"]
TOKEN = "0123456789abcdef"


def block(start: str, section: str) -> str:
    """Return the only block of a section that begins with this comment."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    (found,) = [one for one in re.findall(r"```\w+\n(.*?)```", text, re.DOTALL) if one.startswith(f"# {start}")]
    return str(found)


class Fabric:
    """An inventory with the example's variables, but for the racks, and the page's own playbook."""

    def __init__(self, folder: Path, section: str) -> None:
        self.folder = folder
        self.section = section
        self.write("my_fabric/hosts.yml", yaml.safe_dump(HOSTS))
        own = yaml.safe_dump(variables(STANDARD, racks=None, bgp_password="example", manage_access=True))
        self.write("my_fabric/group_vars/prod1/main.yml", own + self.block("my_fabric/group_vars/prod1/main.yml"))
        self.write("play.yml", block("A playbook of your own", "A spreadsheet"))

    def block(self, start: str) -> str:
        return block(start, self.section)

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def rows(self, **environment: str) -> list[dict[str, str]]:
        """Plan, and return the lines of the table that the page's playbook writes."""
        variables = {**os.environ, "HOME": str(self.folder), "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp/here"), **environment}
        run = ansible_playbook("-i", "my_fabric", "play.yml", folder=self.folder, environment=variables)
        assert run.returncode == 0, run.stdout
        with open(self.folder / "prod1.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def test_a_spreadsheet_is_planned_and_written(tmp_path: Path) -> None:
    fabric = Fabric(tmp_path, "A spreadsheet")
    sheet = fabric.block("my_fabric/group_vars/prod1/racks.csv").partition("\n")[2]
    fabric.write("my_fabric/group_vars/prod1/racks.csv", sheet)
    rows = fabric.rows()
    assert [(row["rack"], row["node"]) for row in rows if row["node"]] == [("1", "node-1"), ("1", "node-2"), ("2", "node-3")]
    assert [row["leaf"] for row in rows if row["leaf"]] == ["201", "202", "203", "204"]
    # The way back: the written table says the same, with the addresses.
    fabric.write("my_fabric/group_vars/prod1/racks.csv", (tmp_path / "prod1.csv").read_text(encoding="utf-8"))
    assert fabric.rows() == rows


# --- NetBox ----------------------------------------------------------------------------------------------------------


def device(number: int, name: str, role: str, rack: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "status": {"value": "active"},
        "role": {"id": ROLES.index(role), "slug": role},
        "rack": {"id": int(rack), "name": rack},
        "custom_fields": fields,
        "tags": [{"slug": "prod1"}],
        "primary_ip": None,
        "virtual_chassis": None,
    }


def cabled(number: int, owner: int, name: str, port: str | None) -> dict[str, Any]:
    ends = [{"name": port, "device": {"name": "leaf"}}] if port else None
    fields = {"id": number, "name": name, "device": {"id": owner}, "connected_endpoints": ends}
    return {**fields, "tags": [], "count_ipaddresses": 0}


NODES = [("node-1", "1"), ("node-2", "1"), ("node-3", "2")]
LEAVES = [("leaf-201", "1", 201), ("leaf-202", "1", 202), ("leaf-203", "2", 203), ("leaf-204", "2", 204)]
DEVICES = [
    *(device(number, name, "kubernetes-node", rack) for number, (name, rack) in enumerate(NODES, 1)),
    *(device(number, name, "leaf", rack, aci_node_id=node_id) for number, (name, rack, node_id) in enumerate(LEAVES, 10)),
]
PORTS = [
    *(cabled(number * 10 + nic, number, f"eno{nic}", f"Ethernet1/{number}") for number in (1, 2, 3) for nic in (1, 2)),
    cabled(99, 1, "idrac", None),
]
ANSWERS = {
    "/api/dcim/devices/": DEVICES,
    "/api/dcim/interfaces/": PORTS,
    "/api/dcim/device-roles/": [{"id": number, "slug": slug} for number, slug in enumerate(ROLES)],
    "/api/dcim/racks/": [{"id": number, "name": str(number), "role": None, "location": None} for number in (1, 2)],
}


class Answering(BaseHTTPRequestHandler):
    """Answers as NetBox does, from ``ANSWERS``; a list without entries for everything else."""

    def do_GET(self) -> None:
        assert self.headers["Authorization"] == f"Token {TOKEN}"
        path = urlparse(self.path).path
        if path == "/api/status/":
            self.answer({"netbox-version": "4.2.3"})
        elif path == "/api/schema/":
            get = {"get": {"parameters": [{"name": "tag"}]}}
            self.answer({"info": {"version": "4.2.3 (4.2)"}, "paths": dict.fromkeys(self.listed(), get)})
        else:
            if path == "/api/dcim/devices/":
                assert parse_qs(urlparse(self.path).query)["tag"] == ["prod1"]
            self.answer({"results": ANSWERS.get(path, []), "next": None})

    @staticmethod
    def listed() -> tuple[str, ...]:
        return "/api/dcim/devices/", "/api/virtualization/virtual-machines/"

    def answer(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def netbox() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_netbox_is_planned(tmp_path: Path, netbox: str) -> None:
    fabric = Fabric(tmp_path, "NetBox")
    for name in ("my_fabric/netbox.yml", "my_fabric/group_vars/prod1_nodes.yml"):
        fabric.write(name, fabric.block(name))
    rows = fabric.rows(NETBOX_API=netbox, NETBOX_TOKEN=TOKEN)
    assert [(row["rack"], row["node"]) for row in rows if row["node"]] == [("1", "node-1"), ("1", "node-2"), ("2", "node-3")]
    assert [(row["rack"], row["leaf"]) for row in rows if row["leaf"]] == [(rack, str(number)) for _name, rack, number in LEAVES]
    ports = {row["node"]: row["interfaces"] for row in rows if row["node"]}
    assert ports == {"node-1": "201:1/1 202:1/1", "node-2": "201:1/2 202:1/2", "node-3": "203:1/3 204:1/3"}
