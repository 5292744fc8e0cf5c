"""Runs with users' settings of Ansible: cached facts, and facts that are no variables."""

from __future__ import annotations

from pathlib import Path

from integration.site.harness import Site, intent, racks

BOOK = """\
- hosts: aci_calico_clusters
  gather_facts: false
  connection: local
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  roles:
    - netops.aci_calico.preflight
    - netops.aci_calico.aci_bgp_hardening
    - netops.aci_calico.aci_l3out_floating_svi
    - netops.aci_calico.calico_bgp
"""


def test_roles_use_no_cached_plan(site: Site, tmp_path: Path) -> None:
    site.settings = {
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "facts"),
        "ANSIBLE_INJECT_FACT_VARS": "false",
    }
    book = tmp_path / "book.yml"
    book.write_text(BOOK, encoding="utf-8")
    cluster = site.add("prod", intent("floating", racks(1, 2)))
    site.run(book)
    assert site.run(book).changed("prod") == []

    cluster.variables["aci_calico_bgp_keepalive"] = 2
    cluster.variables["aci_calico_bgp_hold"] = 6
    assert site.run(book).pushed("prod", "created")[0] == "uni/tn-common/bgpCtxP-calico-timers-2-6-1-helper"
    assert not list((tmp_path / "facts").glob("*"))
