"""What a module leaves behind in a process in which another one may follow."""

from __future__ import annotations

from types import SimpleNamespace

import kubernetes
import pytest

from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes import connection
from ansible_collections.netops.aci_calico.plugins.module_utils.masking import Mask
from ansible_collections.netops.aci_calico.plugins.plugin_utils.local import ending


def test_clients_are_forgotten_with_the_files_of_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same kubeconfig would find its old client, and another access would begin with the old tokens."""

    def get_api_client(module: SimpleNamespace) -> SimpleNamespace:
        kubernetes.client.Configuration.set_default(kubernetes.client.Configuration(api_key={"authorization": "Bearer old"}))
        return connection.core._pool.setdefault("digest", SimpleNamespace())

    monkeypatch.setattr(connection.core, "_pool", {})
    monkeypatch.setattr(connection.core, "get_api_client", get_api_client)
    with ending():
        first = connection._connect(SimpleNamespace(), Mask([]))
        assert connection._connect(SimpleNamespace(), Mask([])) is first, "modules of one action share it"
    assert connection._connect(SimpleNamespace(), Mask([])) is not first
    with ending():
        connection._connect(SimpleNamespace(), Mask([]))
    assert not kubernetes.client.Configuration.get_default_copy().api_key
