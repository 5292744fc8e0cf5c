"""Make the collection importable under its own name, from a checkout under any folder name."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
COLLECTIONS = ROOT / "collections"
# Set in CI, where a missing part fails the run.
NO_SKIP = bool(os.environ.get("ACI_CALICO_NO_SKIP"))


# A slow machine fails no property. CI uses the same examples each time; other runs try new ones.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)


def pytest_configure() -> None:
    """Resolve ``ansible_collections.netops.aci_calico`` to this checkout, here and in each process that a test starts."""
    settings.load_profile("ci" if NO_SKIP else "default")
    os.environ["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)
    # Ansible offers no public way to install its import hook outside of its own commands.
    _AnsibleCollectionFinder(paths=[str(COLLECTIONS)])._install()


def _fail_instead_of_skip(report: Any) -> None:
    """Turn a skip, but not an expected failure, into a failure with the skip's reason."""
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and ACI_CALICO_NO_SKIP forbids it: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Report skips of single tests as failures in CI."""
    report = yield
    _fail_instead_of_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """Report skips of whole modules as failures in CI."""
    report = yield
    _fail_instead_of_skip(report)
    return report


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the checkout's root."""
    return ROOT
