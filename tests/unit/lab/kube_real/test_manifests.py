"""The manifests of the example inventories against Calico's newest schemas and its rules between fields.

Those rules (CEL in Calico's definitions) are unknown to the real server of the lab, which is older than they are; the
embedded server's check of them is what stands in.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab.kube.interface import CALICO_V1, CALICO_V3
from lab.kube.schema import admit, load_kinds

GOLDEN = Path(__file__).resolve().parents[3] / "golden"


@pytest.mark.parametrize("group", [CALICO_V1, CALICO_V3])
@pytest.mark.parametrize("path", sorted(GOLDEN.rglob("kubernetes.yml")), ids=lambda path: path.parent.name)
def test_examples_break_no_rule_and_lose_no_field(path: Path, group: str) -> None:
    custom = {kind.kind: kind for kind in load_kinds((group,)) if kind.custom}
    manifests = [manifest for manifest in yaml.safe_load_all(path.read_text()) if manifest["kind"] in custom]
    assert {"BGPPeer", "BGPConfiguration", "IPPool"} <= {manifest["kind"] for manifest in manifests}
    for manifest in manifests:
        findings = admit(custom[manifest["kind"]], manifest)
        assert (findings.causes, findings.pruned) == ([], []), manifest
