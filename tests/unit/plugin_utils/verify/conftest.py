"""Fixtures of the verification's tests."""

from __future__ import annotations

import pytest
from unit.plugin_utils.healthy_cluster import Cluster


@pytest.fixture
def cluster():
    return Cluster()
