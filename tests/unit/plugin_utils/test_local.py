"""Modules in the process of an action give the results that they give in a process of their own."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.playbook.task import Task

from ansible_collections.netops.aci_calico.plugins.plugin_utils import local

SECRET = "S3cr3tMarker"
SPEC = {"password": {"type": "str", "no_log": True}, "count": {"type": "int", "default": 3}}


def action(folder: Path, **more: Any) -> Any:
    """An action of a play with a local connection in this interpreter."""
    return SimpleNamespace(
        _connection=SimpleNamespace(**{"transport": "local", "become": None, **more}),
        _task=SimpleNamespace(environment=more.get("environment", [])),
        _templar=SimpleNamespace(template=lambda value: value),
        _loader=SimpleNamespace(get_basedir=lambda: str(folder)),
        _update_module_args=lambda name, arguments, task_vars: arguments.update(_ansible_check_mode=True),
    )


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, work: Any, **arguments: Any) -> dict[str, Any]:
    """Run a module whose ``main`` gets a module with ``SPEC`` and does this work."""

    def main(module_class: Any) -> None:
        work(module_class(argument_spec=SPEC, supports_check_mode=True))

    monkeypatch.setattr(local, "_load", lambda name: SimpleNamespace(main=main))
    return local.run_here(action(folder), "netops.aci_calico.some", arguments, {})


def test_a_result_has_warnings_and_no_secret(monkeypatch, tmp_path):
    def work(module: Any) -> None:
        module.warn(f"Beware of {SECRET}")
        module.exit_json(changed=False, count=module.params["count"], check=module.check_mode, said=f"<{SECRET}>", at=(1, 2))

    result = run(monkeypatch, tmp_path, work, password=SECRET, count="4")
    assert (result["count"], result["check"], result["at"]) == (4, True, [1, 2])
    assert len(result["warnings"]) == 1
    assert SECRET not in str(result)


def test_ansible_finds_its_settings_where_it_looks_for_them(monkeypatch, tmp_path):
    """Without them, ansible-core 2.21 cannot hand back any result."""
    monkeypatch.setattr(basic, "_PARSED_MODULE_ARGS", None)
    result = run(monkeypatch, tmp_path, lambda module: module.exit_json(changed=True), password=SECRET)
    assert result["changed"]
    assert basic._PARSED_MODULE_ARGS["_ansible_check_mode"]
    assert SECRET not in str(basic._PARSED_MODULE_ARGS)


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda module: module.fail_json(msg=f"refused {SECRET}", error={"cause": "login"}), "refused ********"),
        (lambda module: {}[SECRET], "The module failed: KeyError: '********'"),
    ],
)
def test_a_failure_is_a_result(monkeypatch, tmp_path, work, message):
    result = run(monkeypatch, tmp_path, work, password=SECRET)
    assert result["failed"]
    assert SECRET not in str(result)
    assert result["msg"] in (message, message.replace("********", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"))


def test_a_wrong_argument_is_a_failure(monkeypatch, tmp_path):
    result = run(monkeypatch, tmp_path, lambda module: module.exit_json(), count="many")
    assert result["failed"]
    assert "count" in result["msg"]


def test_the_playbooks_folder_is_the_modules_and_what_it_leaves_is_removed(monkeypatch, tmp_path):
    before, left = os.getcwd(), tmp_path / "key.pem"

    def work(module: Any) -> None:
        Path("key.pem").write_text("key", encoding="utf-8")
        atexit.register(left.unlink)
        module.exit_json(folder=os.getcwd())

    with local.ending():
        assert run(monkeypatch, tmp_path, work)["folder"] == str(tmp_path)
        assert os.getcwd() == before
        assert left.exists(), "the next module of the action may need it"
    assert not left.exists()
    assert atexit.register is local._register


def test_what_fails_at_the_end_is_nobodys_failure(monkeypatch, tmp_path):
    left = tmp_path / "key.pem"
    left.touch()

    def work(module: Any) -> None:
        atexit.register(left.unlink)
        atexit.register(os.rmdir, tmp_path / "gone before")
        module.exit_json(changed=True)

    assert run(monkeypatch, tmp_path, work)["changed"]
    assert not left.exists()


def test_a_module_that_ends_without_a_result_has_failed(monkeypatch, tmp_path):
    result = run(monkeypatch, tmp_path, lambda _module: sys.exit(3))
    assert (result["failed"], result["msg"]) == (True, "The module ended without a result")


def test_two_modules_run_at_the_same_time(monkeypatch, tmp_path):
    before, both = os.getcwd(), threading.Barrier(2, timeout=60)

    def work(module: Any) -> None:
        both.wait()
        module.exit_json(count=module.params["count"])

    results: dict[int, Any] = {}
    other = threading.Thread(target=lambda: results.update({1: run(monkeypatch, tmp_path, work, count=1)}))
    other.start()
    results[2] = run(monkeypatch, tmp_path, work, count=2)
    other.join()
    assert {number: result["count"] for number, result in results.items()} == {1: 1, 2: 2}
    assert os.getcwd() == before


@pytest.mark.parametrize(
    ("changes", "interpreter", "here"),
    [
        ({}, sys.executable, True),
        ({}, "/usr/bin/another-python", False),
        ({}, None, False),
        ({"transport": "httpapi"}, sys.executable, False),
        ({"become": object()}, sys.executable, False),
        ({"environment": [{"HTTPS_PROXY": "proxy"}]}, sys.executable, False),
    ],
)
def test_a_module_with_surroundings_of_its_own_keeps_its_process(tmp_path, changes, interpreter, here):
    variables = {"ansible_python_interpreter": interpreter} if interpreter else {}
    assert local.runs_here(action(tmp_path, **changes), variables) is here


def test_another_virtual_environment_has_other_packages(monkeypatch, tmp_path):
    """The interpreters of both are links to one program."""
    for name in ("one", "other"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "pyvenv.cfg").touch()
        for program in ("python", "python3"):
            (tmp_path / name / "bin" / program).symlink_to(os.path.realpath(sys.executable))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "one/bin/python"))
    paths = [str(tmp_path / "one/bin/python3"), str(tmp_path / "other/bin/python"), os.path.realpath(tmp_path / "one/bin/python")]
    here = [local.runs_here(action(tmp_path), {"ansible_python_interpreter": path}) for path in paths]
    assert here == [True, False, False]


def test_an_unset_environment_is_none():
    assert not any(Task().environment or ())
