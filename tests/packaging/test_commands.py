"""Every command of every page is checked, and run or listed with the reason why not.

The README's commands run as a new user types them, in an empty folder with the installed artifact. The other pages' commands
run once each afterwards, in the same folder, with the playbooks of the checkout.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.cli.playbook import PlaybookCLI
from forked import ansible_playbook
from integration.site.harness import Cluster

from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.variables import ROLE_OPTIONS, VARIABLES
from lab.apic.server import ApicServer
from lab.kube.server import KubeServer

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from playbook_tags import tags_of  # noqa: E402

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("roles/*/README.md")),
]
BLOCK = re.compile(r"^ *```(?:sh|bash|console)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`((?:ansible-playbook|ansible-doc) [^`]+)`")
PASSWORD = "Marker-2b7e15-Password"
PLAYBOOK = "ansible-playbook "
# The inventory that `init` writes.
WRITTEN = "my_fabric"

# A command of a block that contains these words is not run here.
LISTED = {
    "make ": "a target of the checkout: CI runs its tools, tests/integration/test_lab.py `make lab`, tests/integration/twin the twin",
    ".venv/bin/": "runs in the environment of the checkout: tests/integration/test_examples.py runs the playbook for all examples",
    "pip install": "installs the packages that this test runs with",
    "ansible-galaxy collection install": "the fixture `installed` runs it, without the dependencies, which need Galaxy",
    "$EDITOR": "the test edits the files itself",
    "kubectl apply": "tests/integration/verify/test_services.py applies the same file",
    "netops.aci_calico.maintenance": "needs BGP sessions: tests/integration/verify/test_playbook.py runs it",
    "netops.aci_calico.undo": "needs the journal of a run: tests/integration/site/test_undo.py runs it",
    "undo_journal=": "names the journal of another run: tests/unit/action/test_undo.py names one",
    "netops.aci_calico.mend": "names a difference that drift has found: tests/integration/site/test_drift.py mends one",
    "ansible-rulebook": "needs Java: tests/integration/site/test_follow.py runs its source, tests/unit/extensions reads the rulebook",
    "export drift_apic_password": "the password of a rulebook, which is not run",
    "netops.aci_calico.rotate": "needs BGP sessions: tests/unit/action/test_rotate.py plays both sides",
    "netops.aci_calico.recover": "needs a lost allocation file: tests/integration/site/test_recovery.py runs it",
}
# No BGP daemons run here: the playbook runs and fails, because it finds no session.
FAILS = "netops.aci_calico.verify"


def commands(page: Path) -> list[str]:
    """Return the commands in a page's blocks, without comments."""
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    lines = (re.sub(r"(^|\s+)#.*", "", line) for block in blocks for line in block.replace("\\\n", " ").splitlines())
    return [line.strip() for line in lines if line.strip()]


def listed(command: str) -> bool:
    """Return whether a command is not run here."""
    return any(words in command for words in LISTED)


README = commands(ROOT / "README.md")
BLOCKS = list(dict.fromkeys(command for page in PAGES for command in commands(page)))
OTHERS = [command for command in BLOCKS if command not in README and not listed(command)]
INLINES = sorted({" ".join(command.split()) for page in PAGES for command in INLINE.findall(page.read_text(encoding="utf-8"))})
PLAYBOOKS = [command for command in dict.fromkeys([*BLOCKS, *INLINES]) if "ansible-playbook " in command]


@cache
def parsed(file: Path) -> list[Any]:
    """Return the parsed tasks or plays of a file."""
    return list(yaml.safe_load(file.read_text(encoding="utf-8")))


def mistakes(command: str) -> Iterator[str]:
    """Yield what does not exist: the playbook, the inventory, a variable or a tag."""
    words = shlex.split(command[command.index(PLAYBOOK) :])
    cli = PlaybookCLI(words)
    cli.init_parser()
    options, unknown = cli.parser.parse_known_args(words[1:])
    if unknown:
        yield f"options {unknown}"
    (name,) = options.args
    file = ROOT / (f"playbooks/{name.rpartition('.')[2]}.yml" if name.startswith("netops.") else name)
    if not file.exists():
        yield f"playbook {name}"
        return
    for inventory in options.inventory or []:
        if inventory not in (WRITTEN, "inventory", "INVENTORY") and not (ROOT / inventory).exists():
            yield f"inventory {inventory}"
    prompts = {prompt["name"] for play in parsed(file) for prompt in play.get("vars_prompt", [])}
    of_roles = {option.name for options_ in ROLE_OPTIONS.values() for option in options_}
    known = {*VARIABLES, *of_roles, *prompts}
    named = {text.partition("=")[0] for text in options.extra_vars if "=" in text}
    yield from (f"variable {variable}" for variable in sorted(named - known))
    tags = {part for text in [*options.tags, *options.skip_tags] for part in text.split(",")}
    yield from (f"tag {tag}" for tag in sorted(tags - tags_of(parsed(file)) - {"all"}))


@pytest.mark.parametrize("command", PLAYBOOKS)
def test_what_a_command_names_exists(command: str) -> None:
    if "…" not in command:  # the page shows a form, not a command
        assert list(mistakes(command)) == []


def test_mistakes_are_found() -> None:
    wrong = "ansible-playbook -i my_fabrik netops.aci_calico.site --tags acii -e aci_calico_consend=session-reset"
    assert list(mistakes(wrong)) == ["inventory my_fabrik", "variable aci_calico_consend", "tag acii"]
    assert list(mistakes("ansible-playbook netops.aci_calico.sight")) == ["playbook netops.aci_calico.sight"]


def test_the_list_is_current() -> None:
    assert [words for words in LISTED if not any(words in command for command in BLOCKS)] == []


class Folder:
    """A new user's folder, the collection that is installed from the artifact, and servers to configure."""

    def __init__(self, path: Path, installed: Path, apic: ApicServer, kube: KubeServer) -> None:
        self.path = path
        self._servers = Cluster("prod1", {}, apic, kube).connection() | {
            "aci_calico_sessions_timeout": 0,
            "aci_calico_verify_timeout": 0,
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        own = {"HOME": str(path), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
        self._environment = {**clean, **own, "ANSIBLE_COLLECTIONS_PATH": str(installed)}
        (path / "vault-password").write_text("open sesame", encoding="utf-8")
        (path / "ansible.key").write_text("a private key", encoding="utf-8")

    def edit(self) -> None:
        """Edit the new inventory as the pages say."""
        file = self.path / WRITTEN / "group_vars/aci_calico_clusters/connections.yml"
        file.write_text(yaml.safe_dump(self._servers), encoding="utf-8")

    def shell(self, command: str) -> str:
        """Run a command as it is written, but with the Vault's password from a file, and return what it prints."""
        done = subprocess.run(
            ["sh", "-c", command.replace(" -J ", " ")],
            cwd=self.path,
            env={**self._environment, "ANSIBLE_VAULT_PASSWORD_FILE": str(self.path / "vault-password")},
            input=PASSWORD,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) != (FAILS in command), done.stdout + done.stderr
        return done.stdout

    def play(self, command: str) -> str:
        """Run a playbook of the checkout with the arguments of a command, and return what it prints."""
        arguments = shlex.split(command.removeprefix(PLAYBOOK).replace(" -J ", " --vault-password-file vault-password "))
        done = ansible_playbook(*arguments, folder=self.path)
        assert (done.returncode == 0) != (FAILS in command), done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def fabric(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """Yield a folder with servers for the cluster that ``init`` writes."""
    names = [{"name": f"prod1-node-{number}"} for number in range(1, 7)]
    with ApicServer() as apic, KubeServer(names) as kube:
        yield Folder(tmp_path_factory.mktemp("new user"), installed, apic, kube)


def too_wide(text: str) -> list[str]:
    """Return the lines of more than 80 columns that this collection prints: not diffs, DNs, paths and Ansible's own lines."""
    ansibles = re.compile(r"[+-]|TASK|\[|Origin:|.*-cluster +:|\S*localhost +:")
    wide = [line for line in text.splitlines() if len(line) > 80 and " " in line.strip()]
    return [line for line in wide if not ansibles.match(line) and not re.search(r"uni/|ansible-vault|=>", line)]


def test_a_new_user_follows_the_readme(fabric: Folder) -> None:
    printed: dict[str, str] = {}
    for command in dict.fromkeys(README):
        if command.startswith("$EDITOR"):
            fabric.edit()
        elif not listed(command):
            printed[command] = fabric.shell(command)
    preview, site, verify = list(printed.values())[-3:]
    assert re.search(r"^Objects +Would create +Would modify +Would delete +Requests$", preview, re.MULTILINE)
    assert re.search(r"^Objects +Created +Modified +Deleted +Requests$", site, re.MULTILINE)
    assert "0 of 12 sessions established" in verify
    everything = "".join(printed.values())
    assert PASSWORD not in everything
    assert too_wide(everything) == []


def test_the_other_commands(fabric: Folder) -> None:
    if not (fabric.path / WRITTEN / "hosts.yml").exists():
        pytest.fail("The test of the README writes the inventory: run the whole file.")
    assert [command for command in OTHERS if not command.startswith(PLAYBOOK)] == [], "run it here, or list it with a reason"
    for command in OTHERS:
        if "netops.aci_calico.init" not in command:
            assert too_wide(fabric.play(command)) == [], command


def test_references(fabric: Folder) -> None:
    """``ansible-doc`` shows what the pages name, from the installed artifact; ``role|module`` stands for a command of each."""
    shown = [command for command in INLINES if command.startswith("ansible-doc ")]
    assert shown
    for command in shown:
        choices = re.search(r"\S+(?:\|\S+)+", command)
        for kind in choices[0].split("|") if choices else [""]:
            assert "netops.aci_calico" in fabric.shell(command.replace(choices[0], kind) if choices else command).lower()
