"""The lab's BGP twins: one for each VRF, with all clusters in it.

Leaves report to one APIC, so two twins of one VRF would take each other's reports away. Who belongs together is read from
APIC and Kubernetes when twins are started. A twin's folder is called after its first cluster; those of the others lead there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lab.twin.apic import Access, ApicClient
from lab.twin.calico import Cluster, read_cluster
from lab.twin.kubernetes import KubernetesClient
from lab.twin.model import together
from lab.twin.policies import read_fabrics
from lab.twin.runner import PASSWORD_VARIABLE, TwinRunner


class Twins:
    """The twins below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, clusters: Iterable[str]) -> dict[str, TwinRunner]:
        """The twin of each cluster, running or not, by the names of those among the clusters that it plays."""
        homes: dict[Path, list[str]] = {}
        for cluster in clusters:
            homes.setdefault((self._folder / cluster).resolve(), []).append(cluster)
        return {", ".join(names): TwinRunner(home) for home, names in homes.items()}

    def every(self) -> dict[str, TwinRunner]:
        """All twins that were ever started."""
        return self.of(sorted(path.name for path in self._folder.iterdir())) if self._folder.exists() else {}

    def up(self, clusters: Iterable[str], kubeconfigs: Mapping[str, Path], apic: Access) -> dict[str, TwinRunner]:
        """Start the twins of the clusters, each with all others that are in its VRF; one that has other clusters ends.

        :param kubeconfigs: of every cluster that runs, also of those that are not asked for.
        """
        wanted = set(clusters)
        started = {}
        for vrf, names in group(apic, kubeconfigs):
            if wanted.intersection(names):
                twin = started[", ".join(names)] = self._home(names)
                words = [word for name in names for word in ("--kubeconfig", str(kubeconfigs[name]))]
                with _environment(PASSWORD_VARIABLE, apic.password):
                    twin.up(["--apic", apic.url, *words, *(["--vrf", vrf] if vrf else [])])
        return started

    def _home(self, names: list[str]) -> TwinRunner:
        """The folder of a twin that plays these clusters; any other twin of theirs ends."""
        leader, *others = (self._folder / name for name in names)
        for present, twin in self.every().items():
            plays = present.split(", ")
            if plays != names and set(plays).intersection(names):
                twin.down()
                for path in (self._folder / name for name in plays):
                    if path.is_symlink():
                        path.unlink()
        leader.mkdir(parents=True, exist_ok=True)
        for path in others:
            if not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
                path.symlink_to(leader.name)
        return TwinRunner(leader)


def group(apic: Access, kubeconfigs: Mapping[str, Path]) -> list[tuple[str, list[str]]]:
    """The clusters by their VRFs, as APIC and Kubernetes say now (see ``together``)."""
    fabrics = read_fabrics(ApicClient(apic).read()[0])
    return together(fabrics, {name: _read(path) for name, path in sorted(kubeconfigs.items())})


def _read(kubeconfig: Path) -> Cluster:
    """A cluster's state; nothing of one that is not understood, which its twin will say."""
    try:
        return read_cluster(KubernetesClient(kubeconfig).read())
    except ValueError:
        return Cluster()


@contextmanager
def _environment(variable: str, value: str) -> Iterator[None]:
    """A variable set for what is started meanwhile: the command line would show it to everybody."""
    before = os.environ.get(variable)
    os.environ[variable] = value
    try:
        yield
    finally:
        os.environ.pop(variable)
        if before is not None:
            os.environ[variable] = before
