"""The fixtures of the modules' unit tests."""

from __future__ import annotations

from unit.conftest import one_tls_context, run, running, server

__all__ = ["one_tls_context", "run", "running", "server"]
