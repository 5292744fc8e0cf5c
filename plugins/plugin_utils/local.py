# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run this collection's modules in the process of an action, where Ansible would start a Python interpreter for them.

The function ``main`` of a module takes the class of its ``AnsibleModule``. Here it is one that gets its parameters from the
action and hands its result back. Ansible's own hook for that is ``_record_module_result``, which ansible.netcommon uses.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import Context, copy_context
from functools import partial
from importlib import import_module
from typing import Any

from ansible import constants, context
from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule, remove_values
from ansible.plugins.action import ActionBase

from .schema.check import plain

# Templating, the loader of plugins and Ansible's own way to run a module are made for one thread at a time.
ONE_THREAD = threading.RLock()


class _Module(AnsibleModule):
    """A module in the process of its action."""

    def __init__(self, arguments: Mapping[str, Any], results: list[dict[str, Any]], **spec: Any) -> None:
        self._arguments = arguments
        self._results = results
        self._said: list[str] = []
        super().__init__(**spec)

    def _load_params(self) -> None:
        self.params = dict(self._arguments)
        # ansible-core from 2.21 on looks here whether results name the arguments. None of these is an argument of the module.
        settings = {name: value for name, value in self._arguments.items() if name.startswith("_ansible_")}
        basic._PARSED_MODULE_ARGS = settings

    def warn(self, warning: str, **_more: Any) -> None:
        """Keep a warning for the result: Ansible would print it on the controller at once."""
        self._said.append(warning)

    def _record_module_result(self, o: dict[str, Any]) -> None:
        warnings = remove_values(self._said, self.no_log_values)
        self._results.append({**o, "warnings": warnings} if warnings else o)


def preload(*names: str) -> None:
    """Import modules of this collection along with the actions that run them, before Ansible forks: it then costs once.

    The client for Kubernetes takes a second to import, so it is left out if the tags of the run exclude Kubernetes.
    """
    for name in names:
        if not name.startswith("calico_") or _kubernetes_selected():
            with suppress(ImportError):  # running the module reports it
                _load(name)


def _kubernetes_selected() -> bool:
    tags = {*(context.CLIARGS.get("tags") or ("all",))}
    return "calico" not in (context.CLIARGS.get("skip_tags") or ()) and not tags.isdisjoint(
        {"all", "tagged", "calico", "preflight"}
    )


def _load(name: str) -> Any:
    return import_module(f"...modules.{name}", __name__)


def runs_here(action: ActionBase, task_vars: Mapping[str, Any]) -> bool:
    """Return whether a module would run on the controller, as the same user, in the same interpreter and environment."""
    interpreter = task_vars.get("ansible_python_interpreter")
    if (
        action._connection.transport != "local"
        or action._connection.become
        or any(action._task.environment or ())
        or not interpreter
    ):
        return False
    with ONE_THREAD:
        path = str(action._templar.template(interpreter))
    return _interpreter(path) == _interpreter(sys.executable)


def _interpreter(path: str) -> tuple[str, str]:
    """Return the program of an interpreter, and the folder of its virtual environment, from which it imports packages.

    The interpreters of all environments may be links to one program.
    """
    folder = os.path.dirname(os.path.abspath(path))
    found = (one for one in (folder, os.path.dirname(folder)) if os.path.isfile(os.path.join(one, "pyvenv.cfg")))
    environment = next(found, None)
    return os.path.realpath(path), os.path.realpath(environment) if environment else ""


def run_here(action: ActionBase, name: str, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
    """Run a module of this collection in this process, and return its result. Several threads may do so at the same time."""
    params = dict(arguments)
    action._update_module_args(name, params, task_vars)
    params["_ansible_tmpdir"] = constants.DEFAULT_LOCAL_TMP
    return run_module(name.rpartition(".")[2], params, action._loader.get_basedir())


def run_module(name: str, params: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Run a module in this process, and return its result.

    :param params: its arguments and Ansible's own ones (``_ansible_*``).
    :param folder: where relative paths begin.
    """
    results: list[dict[str, Any]] = []
    hidden: set[str] = set()

    def module(**spec: Any) -> _Module:
        made = _Module(plain(params), results, **spec)
        hidden.update(made.no_log_values)
        return made

    try:
        with ending(), _within(folder):
            _load(name).main(module)
    except SystemExit:
        pass
    except Exception as error:  # whatever a process of its own would end with
        text = f"The module failed: {type(error).__name__}: {error}"
        return {"failed": True, "msg": remove_values(text, hidden)}
    if not results:  # a library has ended what it took for a process of its own
        return {"failed": True, "msg": "The module ended without a result"}
    return dict(plain({name: value for name, value in results[-1].items() if name not in ("exception", "deprecations")}))


def apic_session(params: Mapping[str, Any], results: list[dict[str, Any]]) -> Any:
    """Return a ``module_utils.apic.session.Session`` for many readings, so that APIC records one login and not one for each.

    :param params: the options of cisco.aci's modules and Ansible's own ones (``_ansible_*``).
    :param results: if a reading fails, it ends with SystemExit, and its failure is added to them.
    """
    spec = import_module("ansible_collections.cisco.aci.plugins.module_utils.aci").aci_argument_spec()
    given = {"_ansible_tmpdir": constants.DEFAULT_LOCAL_TMP, **params}
    module = _Module(given, results, argument_spec=spec, supports_check_mode=True)
    return import_module("...module_utils.apic.session", __name__).Session(module, [str(params.get("password") or "")])


def context_apart() -> Context:
    """Return a copy of the context for a thread, with a stack of its own for what templating activates.

    ansible-core keeps that stack in a context variable, as one object that copies of the context share
    (``ansible._internal._templating._access``). Two threads would deactivate what the other one activated.
    """
    apart = copy_context()
    for variable, value in list(apart.items()):
        if variable.name == "AnsibleAccessContext":
            apart.run(variable.set, type(value)())
    return apart


# --- what the process of a module does -------------------------------------------------------------------------------

_lock = threading.Lock()
_folders: list[str] = []
_ends: list[Callable[[], Any]] = []
_register = atexit.register


def _keep(function: Callable[..., Any], *args: Any, **more: Any) -> Callable[..., Any]:
    _ends.append(partial(function, *args, **more))
    return function


@contextmanager
def ending() -> Iterator[None]:
    """Run at the end what libraries register for the end of the process, unless a caller does so.

    The process of a task ends without these functions, which remove temporary files, keys of Kubernetes among them.
    """
    outermost = atexit.register is not _keep
    atexit.register = _keep  # type: ignore[assignment]
    try:
        yield
    finally:
        if outermost:
            atexit.register = _register
            while _ends:
                with suppress(Exception):  # as at the end of a process: the others are run, and the result stays
                    _ends.pop()()


@contextmanager
def _within(folder: str) -> Iterator[None]:
    """Work in a folder; the last of several threads leaves it."""
    with _lock:
        _folders.append(os.getcwd())
        os.chdir(folder)
    try:
        yield
    finally:
        with _lock:
            first = _folders[0]
            _folders.pop()
            if not _folders:
                os.chdir(first)
