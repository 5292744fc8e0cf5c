"""What every test needs: the collection importable under its own name, from a checkout under any folder name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

ROOT = Path(__file__).resolve().parent.parent
COLLECTIONS = ROOT / "collections"


def pytest_configure() -> None:
    """Resolve ``ansible_collections.netops.aci_calico`` to this checkout, here and in every process that a test starts."""
    os.environ["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)
    # Ansible offers no public way to install its import hook outside of its own commands.
    _AnsibleCollectionFinder(paths=[str(COLLECTIONS)])._install()


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout's root."""
    return ROOT
