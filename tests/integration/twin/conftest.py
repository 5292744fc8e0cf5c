"""The paper's figure in the twin, once for each kind of SVI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.twin.bench import Bench, bench
from lab.twin.machines import missing_prerequisites
from lab.twin.paper import Figure

CONVERGENCE_SECONDS = 40  # on a machine that others use, too


def running(folder: Path, figure: Figure) -> Iterator[Bench]:
    """A figure with all its sessions up."""
    if missing := missing_prerequisites():
        pytest.skip("the BGP twin needs " + "; ".join(missing))
    with bench(folder, figure) as made:
        made.settle()
        yield made


@pytest.fixture(scope="module")
def floating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The paper's Figure 2."""
    yield from running(tmp_path_factory.mktemp("floating"), Figure())


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The paper's Figure 4."""
    yield from running(tmp_path_factory.mktemp("standard"), Figure(floating=False))


@pytest.fixture(scope="module")
def dual_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Figure 2 with both address families."""
    yield from running(tmp_path_factory.mktemp("dual"), Figure(dual_stack=True))
