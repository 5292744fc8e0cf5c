"""The role calico_bgp on both API servers, with both API groups of Calico and in both of its usual namespaces.

On the real server it runs as a user with the rights of ``docs/examples/rbac.yml``.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from forked import ansible_playbook

from ansible_collections.netops.aci_calico.plugins.module_utils.names import PASSWORD_MARKER
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import kubernetes_objects
from lab.kube.interface import CALICO_V1, CALICO_V3, KubeApi
from lab.kube.real import OPERATOR, RealKubeServer
from lab.kube.server import KubeServer

from .conftest import EMBEDDED, REAL

PASSWORD = "correct-horse-battery"
KINDS = ("Node", "Secret", "Role", "RoleBinding", "IPPool", "BGPPeer", "BGPFilter", "BGPConfiguration")
#: Inventory, cluster and extra variables: a floating SVI with Calico 3.26, a standard one with the newest features.
CLUSTERS = {CALICO_V1: ("floating_svi", "prod1", {}), CALICO_V3: ("standard_svi", "prod2", {"aci_calico_bgp_filter": True})}
PLAYBOOK = """\
- hosts: aci_calico_clusters
  gather_facts: false
  connection: local
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  pre_tasks:
    - netops.aci_calico.plan:
      register: aci_calico_planned
  roles:
    - netops.aci_calico.calico_bgp
"""

Objects = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """A run of the role: the output of Ansible, and the objects of the cluster after it."""

    output: str
    objects: Objects

    def results(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the names of the tasks with their results on the cluster's host."""
        for play in json.loads(self.output)["plays"]:
            for task in play["tasks"]:
                for result in task["hosts"].values():
                    yield task["task"]["name"], result

    def changed(self) -> list[str]:
        """Return the tasks that report a change."""
        return [name for name, result in self.results() if result["changed"]]

    def returned(self, name: str) -> Any:
        """Return the value that one of the tasks returned by this name."""
        (value,) = (result[name] for __, result in self.results() if name in result)
        return value

    def shown(self) -> Objects:
        """Return the objects that the API server answered with, without the Secret."""
        return by_title(obj for obj in self.returned("objects") if obj["kind"] != "Status")  # the answer to a deletion


def by_title(objects: Any) -> Objects:
    return {f"{obj['kind']}/{obj['metadata']['name']}": obj for obj in objects}


def without_bookkeeping(objects: Objects) -> Objects:
    """Return the objects without the metadata that the server adds, which differs between a dry run and a real one."""
    kept = ("name", "namespace", "labels", "annotations")
    return {
        title: {**obj, "metadata": {name: obj["metadata"][name] for name in kept if name in obj["metadata"]}}
        for title, obj in objects.items()
    }


def covers(held: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(held, dict):
        return all(name in held and covers(held[name], value) for name, value in wanted.items())
    return held == wanted


@dataclass(frozen=True)
class Cluster:
    """A cluster with Calico's defaults, and runs of the role on it."""

    api: KubeApi
    kubeconfig: Path
    group: str
    namespace: str
    folder: Path

    def objects(self) -> Objects:
        return by_title(obj for kind in KINDS for obj in self.api.objects(kind))

    def run(self, *arguments: str) -> Run:
        """Run the role with as much output as the tests need."""
        __, __, variables = CLUSTERS[self.group]
        extra = {
            **variables,
            "aci_calico_kubeconfig": str(self.kubeconfig),
            "aci_calico_sessions_timeout": 0,  # there is no APIC to see any
            "aci_calico_apic_private_key": "",
            "vault_bgp_password": PASSWORD,
        }
        (self.folder / "extra.json").write_text(json.dumps(extra))
        # The client caches the API resources of a server in the temporary folder, by address; ports are used again.
        done = ansible_playbook(
            *("-i", "inventory", "play.yml", "-e", "@extra.json", "--diff", "-vvv", *arguments),
            folder=self.folder,
            environment={**os.environ, "TMPDIR": str(self.folder)},
            DEFAULT_STDOUT_CALLBACK="ansible.posix.json",
        )
        assert done.returncode == 0, done.stdout
        return Run(done.stdout[done.stdout.index("{\n") :], self.objects())


@pytest.fixture(
    scope="module",
    params=[
        (EMBEDDED, CALICO_V1, "kube-system"),
        (EMBEDDED, CALICO_V3, "calico-system"),
        (REAL, CALICO_V1, "kube-system"),
        (REAL, CALICO_V3, "calico-system"),
    ],
    ids=lambda parameters: "-".join((parameters[0], parameters[1].rpartition("/")[2], parameters[2])),
)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Cluster]:
    """Yield a cluster that the collection has not configured yet."""
    server, group, namespace = request.param
    inventory, seed, __ = CLUSTERS[group]
    folder = tmp_path_factory.mktemp("calico_bgp")
    shutil.copytree(root / "inventories" / inventory, folder / "inventory")
    (folder / "play.yml").write_text(PLAYBOOK)
    seeded = yaml.safe_load((root / "tests" / "lab" / "seeds" / f"{seed}.yml").read_text())
    options = {**seeded, "api_groups": (group,), "namespace": namespace}
    if server == EMBEDDED:
        with KubeServer(**options) as embedded:
            yield Cluster(embedded, embedded.kubeconfig, group, namespace, folder)
    else:
        with RealKubeServer(**options, assets=request.getfixturevalue("assets")) as real:
            yield Cluster(real, real.as_user(OPERATOR).kubeconfig, group, namespace, folder)


@pytest.fixture(scope="module")
def runs(cluster: Cluster) -> dict[str, Run]:
    """Return the runs of a cluster's life: check mode, two runs, and teardown, first in check mode."""
    absent = ("-e", "aci_calico_state=absent", "-e", "aci_calico_consent=teardown:prod1,teardown:prod2")
    return {
        "before": Run("", cluster.objects()),
        "tried": cluster.run("--check"),
        "first": cluster.run(),
        "second": cluster.run(),
        "teardown tried": cluster.run("--check", *absent),
        "teardown": cluster.run(*absent),
    }


def test_first_run_reports_its_changes(runs: dict[str, Run]) -> None:
    before, after = runs["before"].objects, runs["first"].objects
    report = runs["first"].returned("report")["calico"]
    assert sorted(report["created"]) == sorted(set(after) - set(before))
    modified = [title for title in before if after[title] != before[title]]
    assert sorted(report["modified"]) == sorted(modified)
    assert report["deleted"] == []
    assert runs["first"].changed()


def test_second_run_changes_nothing(runs: dict[str, Run]) -> None:
    """Compare resource versions as well: nothing is written."""
    assert runs["second"].changed() == []
    assert runs["second"].objects == runs["first"].objects
    report = runs["second"].returned("report")["calico"]
    assert [report[name] for name in ("created", "modified", "deleted")] == [[], [], []]


@pytest.mark.parametrize(("tried", "done", "before"), [("tried", "first", "before"), ("teardown tried", "teardown", "second")])
class TestCheckMode:
    def test_stores_nothing(self, runs: dict[str, Run], tried: str, done: str, before: str) -> None:
        assert runs[tried].objects == runs[before].objects

    def test_names_the_changes_of_the_run_after_it(self, runs: dict[str, Run], tried: str, done: str, before: str) -> None:
        assert runs[tried].changed() == runs[done].changed()
        assert runs[tried].returned("report") == runs[done].returned("report")

    def test_shows_the_objects_of_the_run_after_it(self, runs: dict[str, Run], tried: str, done: str, before: str) -> None:
        predicted, shown = (without_bookkeeping(runs[name].shown()) for name in (tried, done))
        assert predicted == shown
        held = without_bookkeeping(runs[done].objects)
        assert predicted == {title: held[title] for title in predicted}


def test_first_run_stores_every_field_of_every_manifest(cluster: Cluster, runs: dict[str, Run]) -> None:
    """The server drops fields that the definitions do not have."""
    held = runs["first"].objects
    for manifest in kubernetes_objects(runs["first"].returned("plan"), cluster.group, cluster.namespace):
        wanted = {name: value for name, value in manifest.items() if name != "stringData"}
        assert covers(held[f"{manifest['kind']}/{manifest['metadata']['name']}"], wanted), manifest


def test_password_is_stored_and_not_shown(cluster: Cluster, runs: dict[str, Run]) -> None:
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    plan = runs["first"].returned("plan")
    secret = runs["first"].objects[f"Secret/{plan['calico']['secret']['name']}"]
    assert secret["data"] == {plan["calico"]["secret"]["key"]: encoded}
    assert secret["metadata"]["namespace"] == cluster.namespace
    for run in runs.values():
        for text in (PASSWORD, encoded, PASSWORD_MARKER):
            assert text not in run.output


def test_teardown_leaves_the_cluster_as_it_was(runs: dict[str, Run]) -> None:
    assert without_bookkeeping(runs["teardown"].objects) == without_bookkeeping(runs["before"].objects)
