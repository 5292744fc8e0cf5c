"""No file, output or command line of a run holds the password."""

from __future__ import annotations

from pathlib import Path

from integration.site.harness import PASSWORD, Site, intent, racks
from integration.watch import Watch, traces


def watched(site: Site) -> Watch:
    """Return a watch over a site's folder, in which Ansible keeps a log as well."""
    site.settings = {"ANSIBLE_LOG_PATH": str(site.folder / "ansible.log")}
    return Watch(site.folder, PASSWORD)


def test_no_run_shows_the_password(site: Site) -> None:
    clusters = [site.add(svi, intent(svi, racks(2, 1))) for svi in ("floating", "standard")]
    with watched(site) as watch:
        printed = [
            site.run("plan", "-vvvv", "--diff").output,
            site.run("site", "-vvvv", "--diff", "--check").output,
            site.run("site", "-vvvv", "--diff").output,
            site.run("site", "-vvvv", "--diff", "-e", "aci_calico_update_password=always").output,
            site.run("teardown", "-vvvv", "--diff").output,
        ]
    assert watch.found == set()
    assert watch.looks > 10
    assert not any(trace in text for trace in traces(PASSWORD) for text in printed)
    assert not any(PASSWORD in str(cluster.apic.log.entries) for cluster in clusters)


def test_no_failure_shows_the_password(site: Site) -> None:
    """APIC refuses the POST that carries the password; then the API server refuses the Secret."""
    cluster = site.add("prod", intent("floating", racks(2, 1)))
    with watched(site) as watch:
        cluster.apic.misbehave("status", method="POST", path="/out-", status=400, count=0)
        refused = site.run("site", "-vvvv", "--diff", check=False)
        cluster.apic.misbehaviour.clear()
        cluster.kube.misbehaviour.denied = "/secrets"
        broken = site.run("site", "-vvvv", "--diff", check=False)
    for outcome in (refused, broken):
        assert outcome.code
        assert not any(trace in outcome.output for trace in traces(PASSWORD))
    assert "Refused by the lab" in refused.output
    assert "Secret/bgp-secrets: Forbidden" in broken.output
    assert watch.found == set()


def test_the_watch_finds_a_password(tmp_path: Path) -> None:
    watch = Watch(tmp_path, PASSWORD)
    (tmp_path / "leak").write_text(f"… {PASSWORD} …", encoding="utf-8")
    watch.look()
    assert watch.found == {str(tmp_path / "leak")}
