"""Calico's definitions: selection from the published text, and conversion."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.kube import crds
from lab.kube.crds import CALICO_V1, CALICO_V3, CrdError, calico_crds, openapi


def published(kind: str, spec: dict[str, Any] | None = None) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    fields = {"spec": {"type": "object", "properties": spec or {}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": fields}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.crd.projectcalico.org"},
        "spec": {
            "group": "crd.projectcalico.org",
            "names": {"kind": kind, "plural": plural},
            "scope": "Cluster",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
        "status": {"storedVersions": []},
    }


def template(*kinds: str) -> str:
    documents = [published(kind) for kind in kinds]
    documents.append({"kind": "CustomResourceDefinition", "spec": {"group": "operator.tigera.io"}})
    return "\n---\n".join(yaml.safe_dump(document) for document in documents)


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Return the list of downloads, with an empty cache and a package index that has more kinds than needed."""
    texts: list[str] = []

    def download() -> str:
        texts.append(template(*crds.KINDS, "NetworkSet"))
        return texts[-1]

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(crds, "_download", download)
    return texts


@pytest.mark.usefixtures("downloads")
class TestDefinitions:
    def test_of_v1_are_the_published_ones_that_matter(self) -> None:
        assert [crd["spec"]["names"]["kind"] for crd in calico_crds(CALICO_V1)] == list(crds.KINDS)
        assert all("status" not in crd for crd in calico_crds(CALICO_V1))
        (pool,) = (crd for crd in calico_crds(CALICO_V1) if crd["spec"]["names"]["kind"] == "IPPool")
        assert pool == {key: value for key, value in published("IPPool").items() if key != "status"}

    def test_of_v3_have_its_names_and_newer_fields(self) -> None:
        for crd in calico_crds(CALICO_V3):
            (version,) = crd["spec"]["versions"]
            assert crd["metadata"]["name"] == f"{crd['spec']['names']['plural']}.projectcalico.org"
            assert (crd["spec"]["group"], version["name"]) == ("projectcalico.org", "v3")
            assert version["schema"]["openAPIV3Schema"]["required"] == ["metadata", "spec"]
        schemas = {crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0] for crd in calico_crds(CALICO_V3)}
        pool = schemas["IPPool"]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        assert pool["properties"]["ipipMode"]["enum"] == ["Never", "Always", "CrossSubnet"]
        assert pool["required"] == ["cidr"]
        assert schemas["CalicoNodeStatus"]["subresources"] == {"status": {}}
        assert "subresources" not in schemas["BGPPeer"]


def test_newer_fields_replace_published_ones_and_leave_the_others() -> None:
    definition = published("IPPool", {"ipipMode": {"type": "string"}, "nat-outgoing": {"type": "boolean"}})
    fields = crds._native(definition)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert fields["properties"]["nat-outgoing"] == {"type": "boolean"}
    assert "enum" in fields["properties"]["ipipMode"]
    original = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert original["properties"]["ipipMode"] == {"type": "string"}


def test_download_happens_once(downloads: list[str]) -> None:
    first = calico_crds(CALICO_V1)
    assert calico_crds(CALICO_V1) == first
    calico_crds(CALICO_V3)
    assert len(downloads) == 1


def test_a_source_without_a_kind_is_refused() -> None:
    with pytest.raises(CrdError, match="BGPConfiguration"):
        list(crds._definitions(template(*crds.KINDS[1:])))


def test_a_download_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES")

    monkeypatch.setattr(crds.subprocess, "run", fail)
    with pytest.raises(CrdError, match=r"(?s)acc-provision.*HASHES"):
        crds._download()


@pytest.mark.parametrize(
    ("shape", "schema"),
    [
        ("boolean", {"type": "boolean"}),
        ("string <=64", {"type": "string", "maxLength": 64}),
        ("integer 1..65535", {"type": "integer", "minimum": 1, "maximum": 65535}),
        ("integer 0..128", {"type": "integer", "minimum": 0, "maximum": 128}),
        ("cidr", {"type": "string", "format": "cidr"}),
        ("date-time?", {"type": "string", "format": "date-time", "nullable": True}),
        ("None|NodeIP", {"type": "string", "enum": ["None", "NodeIP"]}),
        ("string = ''", {"type": "string", "default": ""}),
        ("string <=1024 = all()", {"type": "string", "maxLength": 1024, "default": "all()"}),
        ("int64 = 0", {"type": "integer", "format": "int64", "default": 0}),
        ("any", {"x-kubernetes-preserve-unknown-fields": True}),
        ("int32", {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}),
        (["boolean"], {"type": "array", "items": {"type": "boolean"}}),
        ({"*": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}),
        (
            {"key!": "string", "optional": "boolean"},
            {"type": "object", "required": ["key"], "properties": {"key": {"type": "string"}, "optional": {"type": "boolean"}}},
        ),
    ],
)
def test_shapes_in_openapi(shape: Any, schema: dict[str, Any]) -> None:
    assert openapi(shape) == schema
