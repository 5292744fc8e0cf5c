"""``ansible-playbook`` in a fork of the test process.

Ansible takes longer to start and to load its plugins than to run a short playbook; a fork has done both already. Tests of how
a playbook is started, and of what Ansible reads from its environment, start a process instead.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path

from ansible import constants
from ansible.cli.playbook import main
from ansible.plugins.loader import action_loader, become_loader, callback_loader, connection_loader, shell_loader
from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as kubernetes_client


def ansible_playbook(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None, **settings: object
) -> subprocess.CompletedProcess[str]:
    """Run a playbook in a folder and return its exit code and all that it printed; ``settings`` are constants of Ansible."""
    _load()
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as printed, warnings.catch_warnings():
        # The threads of the test process are left behind.
        warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
        work = (arguments, folder, dict(os.environ if environment is None else environment), settings, printed.name)
        fork = multiprocessing.get_context("fork").Process(target=_run, args=work)
        fork.start()
        fork.join()
        return subprocess.CompletedProcess(arguments, fork.exitcode or 0, printed.read(), "")


@cache
def _load() -> None:
    """Load what every run loads."""
    action_loader.get("netops.aci_calico.plan", class_only=True)
    for loader in (become_loader, callback_loader, connection_loader, shell_loader):
        list(loader.all(class_only=True))


def _run(
    arguments: tuple[str, ...], folder: Path, environment: dict[str, str], settings: dict[str, object], printed: str
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    # The parent's connections: if its server closes one, the copy here stays open, and a request over it waits for a minute.
    kubernetes_client._pool.clear()
    vars(constants).update(settings)
    with chdir(folder), open(printed, "w", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file):
        main(["ansible-playbook", *arguments])
