"""The APIC emulator for tests of the modules, and a check of the catalogue of messages.

The ids of the problems and findings that the tests raise are compared with the catalogue at the end of a session that ran
all tests in ``RAISING``; each xdist worker sends its ids to the controller.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import urls

UNIT = Path(__file__).resolve().parent
RAISING = {path for folder in ("plugin_utils", "action") for path in (UNIT / folder).rglob("test_*.py")}
raised: set[str] = set()
narrowed: list[Any] = []


@pytest.fixture(scope="session", autouse=True)
def _recorded() -> None:
    from ansible_collections.netops.aci_calico.plugins.plugin_utils.schema.problems import Problem
    from ansible_collections.netops.aci_calico.plugins.plugin_utils.verify.causes import Finding

    _record(Problem, "")
    _record(Finding, "finding-")


def _record(cls: Any, prefix: str) -> None:
    original = cls.__init__

    def recording(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        raised.add(f"{prefix}{self.id}")

    cls.__init__ = recording


def pytest_deselected(items: list[Any]) -> None:
    """Note that the session does not run everything."""
    narrowed.extend(items)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what an xdist worker recorded."""
    output = getattr(node, "workeroutput", {"raised": (), "whole": False})
    raised.update(output["raised"])
    narrowed.extend([] if output["whole"] else [node])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a complete and otherwise successful session if the two differ."""
    controller = not session.items
    whole = not narrowed and (controller or {item.path for item in session.items} >= RAISING)
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput |= {"raised": sorted(raised), "whole": whole}
    elif whole and raised and not session.testsfailed:
        sys.path[:0] = [str(UNIT.parents[1]), str(UNIT.parents[1] / "tools")]
        from messages_page import messages

        known = {anchor for section in messages().values() for anchor in section}
        for text, ids in (("not in the catalogue", raised - known), ("raised by no test", known - raised)):
            if ids:
                print(f"\nMessages {text}: {', '.join(sorted(ids))}")
                session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def one_tls_context() -> Iterator[None]:
    """Load the machine's CA certificates once instead of for each request; the emulator speaks plain HTTP."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urls, "make_context", functools.cache(urls.make_context))
        yield


@pytest.fixture(scope="module")
def running(one_tls_context: None) -> Iterator[Any]:
    """The lab's APIC emulator."""
    from lab.apic.server import ApicServer

    with ApicServer(https=False, controllers=2) as server:
        yield server


@pytest.fixture
def server(running: Any) -> Any:
    """The emulator with its seed."""
    running.reset()
    return running


@pytest.fixture
def run(server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the module `aci_tree` without pauses between its attempts."""
    from unit.modules.running import Runner

    from ansible_collections.netops.aci_calico.plugins.module_utils.apic import session

    monkeypatch.setattr(session, "PAUSES", (0,) * 6)
    return Runner(server, monkeypatch)
