"""TLS of the lab's servers."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

from lab.processes import HOST


def server_context(folder: Path) -> ssl.SSLContext:
    """Return a server's context with a certificate for this host, which ``folder`` keeps.

    ``ca.pem`` is the certificate of the authority that clients verify it with.
    """
    chain = folder / "server.pem"
    if not chain.exists():
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "ca.pem")
        chain.touch(mode=0o600)
        authority.issue_cert(HOST, "localhost").private_key_and_cert_chain_pem.write_to_path(chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context
