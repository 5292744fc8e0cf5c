"""The supervisor reads its sources in an order that keeps the order of other programs' writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.twin.apic import Access
from lab.twin.mo import Tree
from lab.twin.supervisor import Options, Supervisor


class Source:
    """APIC or a cluster without objects, which notes that it is read."""

    def __init__(self, name: str, found: Any, order: list[str]) -> None:
        self.name = name
        self._found = found
        self._order = order

    def changed(self) -> bool:
        self._order.append(f"{self.name}: changed")
        return True

    def read(self) -> Any:
        self._order.append(f"{self.name}: read")
        return self._found


def test_apic_is_read_after_kubernetes(tmp_path: Path) -> None:
    supervisor = Supervisor(Options(tmp_path, Access("http://apic"), [], report=False))
    order: list[str] = []
    supervisor._apic = Source("apic", (Tree(), {}), order)
    supervisor._clusters = [Source("kubernetes", {}, order)]
    supervisor.read()
    assert order == ["kubernetes: read", "apic: changed", "apic: read"]
