# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connect a module to the Kubernetes API as kubernetes.core does, and end the module with its result or one error."""

from __future__ import annotations

import atexit
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as core
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException

from ..answers import ANSWER, NO_ANSWER
from ..masking import Mask
from .api import PAUSES, KubeApi, KubeError, failure_of

# The cause of a failure before any request: no kubeconfig, or an invalid one.
CONFIGURATION = "configuration"
# The seconds to wait for a connection, and for an answer.
_TIMEOUTS = (10, 60)


class _Impatient:
    """A client that does not wait for ever, as kubernetes.core's does."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def request(self, method: str, path: str, **more: Any) -> Any:
        return self._client.request(method, path, _request_timeout=_TIMEOUTS, **more)


def run_with_api(
    module: Any, run: Callable[[KubeApi], dict[str, Any]], secrets: Iterable[str] = (), partial: Mapping[str, Any] | None = None
) -> None:
    """Run a module's work and end the module.

    :param module: the ``AnsibleK8SModule``.
    :param run: returns the module's result.
    :param secrets: values that must not appear in any error text, besides the connection's own.
    :param partial: what becomes part of the result if the work fails.
    """
    hidden = [*secrets, module.params.get("api_key"), module.params.get("password")]
    host = module.params.get("host") or ""
    try:
        client = _connect(module, Mask(hidden))
        host = client.configuration.host
        hidden += [str(value).removeprefix("Bearer ") for value in (client.configuration.api_key or {}).values()]
        result = run(KubeApi(_Impatient(client.client), hidden, module.check_mode))
    except KubeError as error:
        failure = error
    except CoreException as error:
        failure = KubeError(NO_ANSWER, "not asked", Mask(hidden)(str(error)), CONFIGURATION)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        text = f"its objects lack what all releases have ({type(error).__name__}: {error})"
        failure = KubeError(200, "OK", Mask(hidden)(text), ANSWER)
    else:
        (module.fail_json if result.get("failed") else module.exit_json)(**result)
        return
    # Outside of the handlers: Ansible would add the exception's traceback.
    host = host or _host(module)
    status = f"HTTP status {failure.status}: " if failure.status > 0 else ""
    module.fail_json(msg=f"{host}: {status}{failure}", error={**failure.details(), "host": host}, **(partial or {}))


def _connect(module: Any, hide: Mask) -> Any:
    """Return kubernetes.core's client, which discovers what the API server serves."""
    atexit.register(_forget)
    for attempt in range(1, len(PAUSES) + 1):
        try:
            return core.get_api_client(module=module)
        except CoreException:
            raise
        except Exception as error:  # whatever the client raises when nobody answers
            failure = failure_of(error, hide)
        if attempt == len(PAUSES) or not failure.passing or "timed out" in str(failure):
            break
        time.sleep(max(failure.pause, PAUSES[attempt]))
    raise failure


def endpoint(access: Mapping[str, Any]) -> tuple[str, dict[str, str], ssl.SSLContext]:
    """Return how a client of another kind reaches the API server: its URL, the headers of each request, and TLS.

    :param access: the options of kubernetes.core's modules.
    :raises KubeError: there is no connection, or it cannot be read.
    """
    _forget()  # a configuration of before may bring a hook that puts its own server and token in place of these
    try:
        config = core._create_configuration(core._create_auth_spec(**access))
        login = [one for one in config.auth_settings().values() if one["in"] == "header" and one["value"]]
        headers = {**core._create_headers(**access), **{one["key"]: one["value"] for one in login}}
        context = ssl.create_default_context(cafile=config.ssl_ca_cert)
        if not config.verify_ssl:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if config.cert_file:
            context.load_cert_chain(config.cert_file, config.key_file)
        return str(config.host), headers, context
    except Exception as error:  # what kubernetes and ssl raise for files and settings
        raise KubeError(NO_ANSWER, "not asked", f"{type(error).__name__}: {error}", CONFIGURATION) from None
    finally:
        _forget()


def _forget() -> None:
    """Forget clients and their configuration: they name files with certificates and keys that are removed at the end.

    In the process of an action another module may follow: for another cluster of a loop, or after an outage.
    """
    core._pool.clear()
    core.kubernetes.client.Configuration.set_default(None)


def _host(module: Any) -> str:
    """Return the API server's URL in the kubeconfig; an empty text if it cannot be read."""
    try:
        return str(core._create_configuration(core._create_auth_spec(module)).host)
    except Exception:  # it is only named in a message
        return ""
