"""The password is found in nothing that a run writes, prints or starts."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import PASSWORD, Site, intent, racks

MARKERS = [PASSWORD.encode(), base64.b64encode(PASSWORD.encode())]


class Watch(threading.Thread):
    """Looks at every process's command line and at every file below a folder while a run goes on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._folder = folder
        self._ended = threading.Event()
        self.found: set[str] = set()
        self.looks = 0

    def run(self) -> None:
        while not self._ended.wait(0.02):
            self.look()

    def look(self) -> None:
        self.looks += 1
        for path in [*Path("/proc").glob("[0-9]*/cmdline"), *_files(self._folder)]:
            try:
                content = path.read_bytes()
            except OSError:
                continue  # the process or the file has gone
            if any(marker in content for marker in MARKERS):
                self.found.add(str(path))

    def end(self) -> None:
        self._ended.set()
        self.join()
        self.look()


def _files(folder: Path) -> Iterator[Path]:
    """All files but the inventory, which is where the password is from."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "inventory"]
        yield from (Path(parent) / name for name in names)


@contextmanager
def _watched(site: Site) -> Iterator[Watch]:
    watch = Watch(site.folder)
    watch.start()
    try:
        yield watch
    finally:
        watch.end()


@pytest.mark.parametrize("svi", ["floating", "standard"])
def test_no_run_shows_the_password(site: Site, svi: str) -> None:
    cluster = site.add("prod", intent(svi, racks(2, 1)))
    with _watched(site) as watch:
        printed = [
            site.run("plan", "-vvvv", "--diff").output,
            site.run("site", "-vvvv", "--diff", "--check").output,
            site.run("site", "-vvvv", "--diff").output,
            site.run("site", "-vvvv", "--diff", "-e", "aci_calico_update_password=always").output,
            site.run("teardown", "-vvvv", "--diff").output,
        ]
    assert watch.found == set()
    assert watch.looks > 10
    assert not any(PASSWORD in text or MARKERS[1].decode() in text for text in printed)
    assert PASSWORD not in str(cluster.apic.log.entries)


def test_no_failure_shows_the_password(site: Site) -> None:
    """APIC refuses the POST that carries the password; then the API server refuses the Secret."""
    cluster = site.add("prod", intent("floating", racks(2, 1)))
    with _watched(site) as watch:
        cluster.apic.misbehave("status", method="POST", path="/out-", status=400, count=0)
        refused = site.run("site", "-vvvv", "--diff", check=False)
        cluster.apic.misbehaviour.clear()
        cluster.kube.misbehaviour.denied = "/secrets"
        broken = site.run("site", "-vvvv", "--diff", check=False)
    for outcome in (refused, broken):
        assert outcome.code
        assert not any(marker.decode() in outcome.output for marker in MARKERS)
    assert "Refused by the lab" in refused.output
    assert "could not be stored" in broken.output
    assert watch.found == set()


def test_the_watch_sees_a_password(tmp_path: Path) -> None:
    """It can fail."""
    watch = Watch(tmp_path)
    (tmp_path / "leak").write_text(f"… {PASSWORD} …", encoding="utf-8")
    watch.look()
    assert watch.found == {str(tmp_path / "leak")}
