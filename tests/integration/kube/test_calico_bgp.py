"""The role calico_bgp on both API servers, with both of Calico's API groups and in both of its usual namespaces.

On the real server it runs as a user who may do what ``docs/examples/rbac.yml`` grants, and no more.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.netops.aci_calico.plugins.module_utils.names import PASSWORD_MARKER
from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import kubernetes_objects
from lab.kube.interface import CALICO_V1, CALICO_V3, KubeApi
from lab.kube.real import OPERATOR, RealKubeServer
from lab.kube.server import KubeServer

from .conftest import EMBEDDED, REAL

PASSWORD = "correct-horse-battery"
KINDS = ("Node", "Secret", "Role", "RoleBinding", "IPPool", "BGPPeer", "BGPFilter", "BGPConfiguration")
#: What the role is to find, and what it writes: a floating SVI with Calico of old, a standard one with everything of today.
CLUSTERS = {
    CALICO_V1: ("floating_svi", "prod1", {}),
    CALICO_V3: ("standard_svi", "prod2", {"aci_calico_bgp_filter": True}),
}
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
    """One run of the role: what Ansible said, and what the cluster held afterwards."""

    output: str
    objects: Objects

    def results(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The tasks' names with their results on the cluster's host."""
        for play in json.loads(self.output)["plays"]:
            for task in play["tasks"]:
                for result in task["hosts"].values():
                    yield task["task"]["name"], result

    def changed(self) -> list[str]:
        """The tasks that say that they changed something."""
        return [name for name, result in self.results() if result["changed"]]

    def returned(self, name: str) -> Any:
        """What one of the tasks returned by this name."""
        (value,) = (result[name] for __, result in self.results() if name in result)
        return value

    def shown(self) -> Objects:
        """The objects that the API server returned for what was sent, the Secret hidden."""
        return by_title(obj for obj in self.returned("objects") if obj["kind"] != "Status")  # left of a deleted one


def by_title(objects: Any) -> Objects:
    return {f"{obj['kind']}/{obj['metadata']['name']}": obj for obj in objects}


def without_bookkeeping(objects: Objects) -> Objects:
    """The objects without what the server adds to them, which differs between a dry run and the real one."""
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
    """A cluster with Calico's defaults and the way to run the role on it."""

    api: KubeApi
    kubeconfig: Path
    group: str
    namespace: str
    folder: Path

    def objects(self) -> Objects:
        return by_title(obj for kind in KINDS for obj in self.api.objects(kind))

    def run(self, *arguments: str) -> Run:
        """Run the role as somebody who sees as much as one can see."""
        __, __, variables = CLUSTERS[self.group]
        extra = {
            **variables,
            "aci_calico_kubeconfig": str(self.kubeconfig),
            "aci_calico_sessions_timeout": 0,  # there is no APIC to see any
            "aci_calico_apic_private_key": "",
            "vault_bgp_password": PASSWORD,
        }
        command = [
            Path(sys.executable).with_name("ansible-playbook"),
            "-i",
            "inventory",
            "play.yml",
            "-e",
            "@extra.json",
        ]
        (self.folder / "extra.json").write_text(json.dumps(extra))
        # The client keeps what it discovers of a server in the temporary folder, by address; ports are used again.
        environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "TMPDIR": str(self.folder)}
        done = subprocess.run(
            [*command, "--diff", "-vvv", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
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
    """One cluster as it is before this collection comes to it."""
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
    """The life of a cluster: tried, configured, configured again, its teardown tried, torn down."""
    absent = ("-e", "aci_calico_state=absent")
    return {
        "before": Run("", cluster.objects()),
        "tried": cluster.run("--check"),
        "first": cluster.run(),
        "second": cluster.run(),
        "teardown tried": cluster.run("--check", *absent),
        "teardown": cluster.run(*absent),
    }


def test_first_run_changes_what_it_says(runs: dict[str, Run]) -> None:
    before, after = runs["before"].objects, runs["first"].objects
    report = runs["first"].returned("report")["calico"]
    assert sorted(report["created"]) == sorted(set(after) - set(before))
    modified = [title for title in before if after[title] != before[title]]
    assert sorted(report["modified"]) == sorted(modified)
    assert report["deleted"] == []
    assert runs["first"].changed()


def test_second_run_changes_nothing(runs: dict[str, Run]) -> None:
    """Not even a version: nothing at all is written."""
    assert runs["second"].changed() == []
    assert runs["second"].objects == runs["first"].objects
    assert not any(runs["second"].returned("report")["calico"].values())


@pytest.mark.parametrize(
    ("tried", "done", "before"), [("tried", "first", "before"), ("teardown tried", "teardown", "second")]
)
class TestCheckMode:
    def test_stores_nothing(self, runs: dict[str, Run], tried: str, done: str, before: str) -> None:
        assert runs[tried].objects == runs[before].objects

    def test_names_the_changes_of_the_run_after_it(
        self, runs: dict[str, Run], tried: str, done: str, before: str
    ) -> None:
        assert runs[tried].changed() == runs[done].changed()
        assert runs[tried].returned("report") == runs[done].returned("report")

    def test_shows_the_objects_of_the_run_after_it(
        self, runs: dict[str, Run], tried: str, done: str, before: str
    ) -> None:
        predicted, shown = (without_bookkeeping(runs[name].shown()) for name in (tried, done))
        assert predicted == shown
        held = without_bookkeeping(runs[done].objects)
        assert predicted == {title: held[title] for title in predicted}


def test_cluster_holds_every_field_of_every_manifest(cluster: Cluster, runs: dict[str, Run]) -> None:
    """A field that the definitions do not know would have vanished without a word."""
    held = runs["first"].objects
    for manifest in kubernetes_objects(runs["first"].returned("plan"), cluster.group, cluster.namespace):
        wanted = {name: value for name, value in manifest.items() if name != "stringData"}
        assert covers(held[f"{manifest['kind']}/{manifest['metadata']['name']}"], wanted), manifest


def test_password_arrives_and_is_seen_nowhere(cluster: Cluster, runs: dict[str, Run]) -> None:
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
