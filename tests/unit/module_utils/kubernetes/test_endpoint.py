"""How another client than that of Kubernetes reaches the API server."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from kubernetes.client import Configuration

from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes import connection
from ansible_collections.netops.aci_calico.plugins.module_utils.kubernetes.api import KubeError
from lab.kube.interface import write_kubeconfig
from lab.tls import server_context


def test_options_give_url_token_and_tls() -> None:
    before = Configuration()
    before.refresh_api_key_hook = lambda config: setattr(config, "host", "https://another")
    Configuration.set_default(before)
    url, headers, tls = connection.endpoint({"host": "https://kube:6443/", "api_key": "secret", "validate_certs": False})
    assert (url, headers) == ("https://kube:6443", {"authorization": "Bearer secret"})
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_NONE, False)


def test_a_kubeconfig_gives_the_same(tmp_path: Path) -> None:
    server_context(tmp_path)
    write_kubeconfig(tmp_path / "config", "https://kube:6443", (tmp_path / "ca.pem").read_bytes(), "secret")
    url, headers, tls = connection.endpoint({"kubeconfig": str(tmp_path / "config")})
    assert (url, headers) == ("https://kube:6443", {"authorization": "Bearer secret"})
    assert (tls.verify_mode, len(tls.get_ca_certs())) == (ssl.CERT_REQUIRED, 1)


def test_a_kubeconfig_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KubeError) as caught:
        connection.endpoint({"kubeconfig": str(tmp_path / "missing")})
    assert caught.value.cause == connection.CONFIGURATION
