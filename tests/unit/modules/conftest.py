"""No test of a module waits between attempts."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes import api

    monkeypatch.setattr(api, "PAUSES", (0,) * len(api.PAUSES))
