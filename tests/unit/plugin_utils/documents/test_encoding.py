"""The fast encoders write what the standard ones write."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.plugin_utils.sample_plans import BASES, plan_of

from ansible_collections.netops.aci_calico.plugins.plugin_utils.calico.manifests import kubernetes_objects
from ansible_collections.netops.aci_calico.plugins.plugin_utils.documents.encoding import json_text, yaml_texts

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40)
@given(values)
def test_json(value):
    assert json_text(value) == json.dumps(value, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("base", BASES)
def test_libyaml_writes_the_same_manifests(base):
    objects = kubernetes_objects(plan_of(BASES[base]))
    assert yaml_texts(objects) == yaml.safe_dump_all(objects, sort_keys=False, explicit_start=True, width=200)
