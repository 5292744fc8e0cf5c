"""Fixtures of the verification's tests."""

from __future__ import annotations

import pytest


@pytest.fixture
def cluster():
    # pytest reads this file before tests/conftest.py makes the collection importable.
    from unit.plugin_utils.healthy_cluster import Cluster

    return Cluster()
