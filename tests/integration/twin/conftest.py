"""Run the paper's figures in the twin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.twin.bench import Bench, bench
from lab.twin.machines import missing_prerequisites
from lab.twin.paper import Figure


def running(folder: Path, figure: Figure) -> Iterator[Bench]:
    """Yield a figure with all its sessions up."""
    if missing := missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))
    with bench(folder, figure) as made:
        made.settle()
        yield made


@pytest.fixture(scope="module")
def floating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Yield the paper's Figure 2."""
    yield from running(tmp_path_factory.mktemp("floating"), Figure())


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Yield the paper's Figure 4."""
    yield from running(tmp_path_factory.mktemp("standard"), Figure(floating=False))


@pytest.fixture(scope="module")
def dual_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Yield Figure 2 with both address families."""
    yield from running(tmp_path_factory.mktemp("dual"), Figure(dual_stack=True))
