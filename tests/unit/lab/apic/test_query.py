"""GET and its options."""

from __future__ import annotations

import json

import pytest


def names(answer) -> list[str]:
    return [body["attributes"]["dn"] for each in answer for body in each.values()]


def test_an_absent_object_is_an_empty_answer(client) -> None:
    assert json.loads(client.send("GET", "/api/mo/uni/tn-nix.json").body) == {"totalCount": "0", "imdata": []}


@pytest.mark.parametrize("prefix", ["/api/", "/api/node/"])
def test_both_spellings_of_the_path(tenant, prefix) -> None:
    assert names(tenant.get(f"{prefix}mo/uni/tn-t.json")) == ["uni/tn-t"]
    assert "uni/tn-t" in names(tenant.get(f"{prefix}class/fvTenant.json"))


def test_unknown_classes_and_options_are_refused(client) -> None:
    text = "Request failed, unresolved class for fvFoobar"
    assert client.refusal("GET", "/api/class/fvFoobar.json") == (400, "400", text)
    assert client.refusal("GET", "/api/mo/uni.json?rsp-subtree=full&rsp-subtree-class=fvFoobar")[2] == text
    for option in ("query-target=all", "rsp-subtree=some", "rsp-prop-include=some"):
        assert client.refusal("GET", f"/api/class/fvTenant.json?{option}")[0] == 400


def test_query_target_is_flat_and_rsp_subtree_nested(tenant) -> None:
    children = names(tenant.get("/api/mo/uni/tn-t.json?query-target=children&target-subtree-class=fvCtx,l3extOut"))
    assert sorted(children) == ["uni/tn-t/ctx-v1", "uni/tn-t/ctx-v2", "uni/tn-t/out-o"]
    subtree = tenant.get("/api/mo/uni/tn-t.json?query-target=subtree&target-subtree-class=l3extSubnet")
    assert names(subtree) == ["uni/tn-t/out-o/instP-e/extsubnet-[10.1.0.0/16]"]
    assert "rn" not in subtree[0]["l3extSubnet"]["attributes"]
    (found,) = tenant.get("/api/mo/uni/tn-t.json?rsp-subtree=full&rsp-subtree-class=l3extSubnet")
    (out,) = found["fvTenant"]["children"]
    (epg,) = out["l3extOut"]["children"]
    (subnet,) = epg["l3extInstP"]["children"]
    assert subnet["l3extSubnet"]["attributes"]["rn"] == "extsubnet-[10.1.0.0/16]"
    assert "dn" not in subnet["l3extSubnet"]["attributes"]
    (found,) = tenant.get("/api/mo/uni/tn-t.json?rsp-subtree=children&rsp-subtree-class=l3extOut,l3extInstP")
    (out,) = found["fvTenant"]["children"]
    assert "children" not in out["l3extOut"]


def test_config_only_leaves_out_what_nobody_sets(tenant) -> None:
    (found,) = tenant.get("/api/mo/uni/tn-t.json?rsp-prop-include=config-only&rsp-subtree=children&rsp-subtree-class=fvCtx")
    assert sorted(found["fvTenant"]["attributes"]) == [
        "annotation", "descr", "dn", "name", "nameAlias", "ownerKey", "ownerTag", "userdom",
    ]  # fmt: skip
    assert "rn" not in found["fvTenant"]["children"][0]["fvCtx"]["attributes"]


def test_filters_and_count(tenant) -> None:
    assert names(tenant.get('/api/class/fvCtx.json?query-target-filter=eq(fvCtx.name,"v1")')) == ["uni/tn-t/ctx-v1"]
    query = 'rsp-subtree=full&rsp-subtree-filter=eq(fvCtx.name,"v2")&rsp-subtree-include=required'
    (found,) = tenant.get(f"/api/class/fvTenant.json?{query}")
    assert [child["fvCtx"]["attributes"]["name"] for child in found["fvTenant"]["children"]] == ["v2"]
    (found,) = tenant.get('/api/class/fvCtx.json?rsp-subtree-include=count&query-target-filter=wcard(fvCtx.dn,"tn-t/")')
    assert found["moCount"]["attributes"]["count"] == "2"


def test_order_and_pages_whose_number_may_be_missing(tenant) -> None:
    query = 'query-target-filter=wcard(fvCtx.dn,"tn-t/")&order-by=fvCtx.name|desc'
    assert names(tenant.get(f"/api/class/fvCtx.json?{query}")) == ["uni/tn-t/ctx-v2", "uni/tn-t/ctx-v1"]
    answer = json.loads(tenant.send("GET", f"/api/class/fvCtx.json?{query}&page=1&page-size=1").body)
    assert (answer["totalCount"], names(answer["imdata"])) == ("2", ["uni/tn-t/ctx-v1"])
    answer = json.loads(tenant.send("GET", "/api/class/fvCtx.json?page=None&page-size=1").body)
    assert len(answer["imdata"]) == 1


def test_class_below_a_node_and_abstract_class(client, tenant) -> None:
    assert names(client.get("/api/node/class/topology/pod-1/node-201/topSystem.json")) == ["topology/pod-1/node-201/sys"]
    assert "uni/tn-t/out-o/instP-e" in names(tenant.get("/api/class/fvEPg.json"))
