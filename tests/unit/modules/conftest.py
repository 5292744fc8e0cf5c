"""Fixtures of the module tests."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
from ansible.module_utils import urls


@pytest.fixture(scope="session", autouse=True)
def one_tls_context() -> Iterator[None]:
    """Load the machine's CA certificates once instead of for each request; the emulator speaks plain HTTP."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urls, "make_context", functools.cache(urls.make_context))
        yield
