"""Fixtures of the module tests."""

from __future__ import annotations

import functools

import pytest
from ansible.module_utils import urls

_context = functools.cache(urls.make_context)


@pytest.fixture(autouse=True)
def one_tls_context(monkeypatch):
    """Load the machine's CA certificates once instead of for each request; the emulator speaks plain HTTP."""
    monkeypatch.setattr(urls, "make_context", _context)
