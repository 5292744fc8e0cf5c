"""The lab's BGP twins: one for each VRF, with all clusters in it.

Two twins of one VRF would overwrite each other's reports in APIC. The clusters of a VRF are read from APIC and
Kubernetes when twins start. A twin's folder has the name of its first cluster; the folders of its other clusters are
links to it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from lab.twin.apic import Access, ApicClient
from lab.twin.calico import Cluster, read_cluster
from lab.twin.kubernetes import KubernetesClient
from lab.twin.model import together
from lab.twin.policies import read_fabrics
from lab.twin.runner import PASSWORD_VARIABLE, TwinRunner


class Twins:
    """The twins in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, clusters: Iterable[str]) -> dict[str, TwinRunner]:
        """Return the twin of each cluster, running or not, by the names of its clusters."""
        homes: dict[Path, list[str]] = {}
        for cluster in clusters:
            homes.setdefault((self._folder / cluster).resolve(), []).append(cluster)
        return {", ".join(names): TwinRunner(home) for home, names in homes.items()}

    def every(self) -> dict[str, TwinRunner]:
        """Return all twins that have ever been started."""
        return self.of(sorted(path.name for path in self._folder.iterdir())) if self._folder.exists() else {}

    def up(self, clusters: Iterable[str], kubeconfigs: Mapping[str, Path], apic: Access) -> dict[str, TwinRunner]:
        """Start the twins of the clusters, each with all other clusters in its VRF; end twins with other clusters.

        :param kubeconfigs: of every running cluster, not only of ``clusters``.
        """
        wanted = set(clusters)
        started = {}
        for vrf, names in group(apic, kubeconfigs):
            if wanted.intersection(names):
                twin = started[", ".join(names)] = self._home(names)
                words = [word for name in names for word in ("--kubeconfig", str(kubeconfigs[name]))]
                words += ["--vrf", vrf] if vrf else []
                twin.up(["--apic", apic.url, *words], **{PASSWORD_VARIABLE: apic.password})
        return started

    def _home(self, names: list[str]) -> TwinRunner:
        """Return the twin for these clusters; end any other twin of theirs."""
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
    """Return the clusters by VRF as APIC and Kubernetes have them now (see ``together``)."""
    fabrics = read_fabrics(ApicClient(apic).read()[0])
    return together(fabrics, {name: _read(path) for name, path in sorted(kubeconfigs.items())})


def _read(kubeconfig: Path) -> Cluster:
    """Return a cluster's state; an empty one when it cannot be read, which its twin will report."""
    try:
        return read_cluster(KubernetesClient(kubeconfig).read())
    except ValueError:
        return Cluster()
