"""The names of several clusters."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab.twin.kubernetes import clients
from lab.twin.model import TwinError


def kubeconfig(path: Path, cluster: str) -> Path:
    """Write a kubeconfig with one cluster of that name."""
    path.parent.mkdir(exist_ok=True)
    document = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": cluster, "user": "me"}}],
        "clusters": [{"name": cluster, "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


def names(*paths: Path) -> list[str]:
    return [client.name for client in clients(list(paths))]


def test_clusters_are_called_as_in_kubeconfigs_or_like_their_files(tmp_path: Path) -> None:
    one, two = kubeconfig(tmp_path / "a.yml", "one"), kubeconfig(tmp_path / "b.yml", "two")
    assert names(one, two) == ["one", "two"]
    one, two = (kubeconfig(tmp_path / f"{name}.kubeconfig", "kubernetes") for name in ("east", "west"))
    assert names(one, two) == ["east", "west"]
    assert names(one) == ["kubernetes"]


def test_files_of_one_name_are_refused(tmp_path: Path) -> None:
    one, two = (kubeconfig(tmp_path / folder / "config", "kubernetes") for folder in ("a", "b"))
    with pytest.raises(TwinError, match="called config"):
        names(one, two)
