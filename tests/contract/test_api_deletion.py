"""How objects go, and what goes with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.cluster import MERGE_PATCH, Cluster, config_map, pod


@pytest.mark.parametrize(("query", "grace"), [({}, 7), ({"gracePeriodSeconds": "3"}, 3)])
async def test_a_pod_on_a_node_is_given_time(
    cluster: Cluster, query: dict[str, str], grace: int
) -> None:
    await cluster.add_node()
    await cluster.bound_pod("one", terminationGracePeriodSeconds=7)
    path = cluster.path("pods", "one")
    answer = await cluster.expect("DELETE", path, **query)
    metadata = answer.body["metadata"]
    assert answer.body["kind"] == "Pod"
    assert metadata["deletionGracePeriodSeconds"] == grace
    end = datetime.fromisoformat(metadata["deletionTimestamp"])
    assert 0 <= (end - datetime.now(UTC)).total_seconds() + 2 <= grace + 3
    assert (await cluster.expect("GET", path)).body["metadata"]["deletionTimestamp"]
    await cluster.expect("DELETE", path, gracePeriodSeconds="0")
    assert (await cluster.call("GET", path)).code == 404


async def test_a_pod_that_runs_nowhere_goes_at_once(cluster: Cluster) -> None:
    await cluster.create("pods", pod("one"))
    await cluster.expect("DELETE", cluster.path("pods", "one"))
    assert (await cluster.call("GET", cluster.path("pods", "one"))).code == 404


async def test_the_options_may_be_in_the_body(cluster: Cluster) -> None:
    made = await cluster.create("pods", pod("one"))
    path = cluster.path("pods", "one")
    options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
    wrong = await cluster.call("DELETE", path, {**options, "preconditions": {"uid": "other"}})
    assert (wrong.code, wrong.reason) == (409, "Conflict")
    assert "the UID in the precondition (other) does not match the UID in record" in wrong.message
    right = {**options, "preconditions": {"uid": made["metadata"]["uid"]}}
    await cluster.expect("DELETE", path, right)


async def test_what_is_gone_is_told_by_kind(cluster: Cluster) -> None:
    made = await cluster.create("configmaps", config_map("one"))
    answer = await cluster.expect("DELETE", cluster.path("configmaps", "one"))
    assert (answer.body["kind"], answer.body["status"]) == ("Status", "Success")
    assert answer.body["details"]["uid"] == made["metadata"]["uid"]


async def test_finalizers_keep_an_object_until_the_last_lets_go(cluster: Cluster) -> None:
    body = config_map("one")
    body["metadata"]["finalizers"] = ["example.com/keep"]
    await cluster.create("configmaps", body)
    path = cluster.path("configmaps", "one")
    await cluster.expect("DELETE", path)
    assert (await cluster.expect("GET", path)).body["metadata"]["deletionTimestamp"]
    patch = {"metadata": {"finalizers": None}}
    await cluster.expect("PATCH", path, patch, media_type=MERGE_PATCH)
    assert (await cluster.call("GET", path)).code == 404


async def test_a_selection_is_deleted_together(cluster: Cluster) -> None:
    for name, team in (("a", "x"), ("b", "x"), ("c", "y")):
        await cluster.create("pods", pod(name, labels={"team": team}))
    await cluster.expect("DELETE", cluster.path("pods"), labelSelector="team=x")
    left = await cluster.expect("GET", cluster.path("pods"))
    assert [item["metadata"]["name"] for item in left.body["items"]] == ["c"]


async def test_what_an_object_owned_goes_with_it(cluster: Cluster) -> None:
    owner = await cluster.create("configmaps", config_map("owner"))
    child = config_map("child")
    child["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": "owner",
            "uid": owner["metadata"]["uid"],
        }
    ]
    await cluster.create("configmaps", child)
    await cluster.expect(
        "DELETE", cluster.path("configmaps", "owner"), propagationPolicy="Background"
    )
    await cluster.until(cluster.path("configmaps", "child"), None)


async def test_a_claim_waits_for_the_pod_that_uses_it(cluster: Cluster) -> None:
    await cluster.add_node()
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    await cluster.create("persistentvolumeclaims", {"metadata": {"name": "home"}, "spec": spec})
    path = cluster.path("persistentvolumeclaims", "home")
    await cluster.until(path, lambda claim: claim["metadata"].get("finalizers"))
    volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "home"}}]
    await cluster.bound_pod("one", volumes=volumes)
    going = await cluster.expect("DELETE", path)
    assert going.body["metadata"]["deletionTimestamp"]
    assert (await cluster.expect("GET", path)).body["metadata"]["finalizers"]
    await cluster.expect("DELETE", cluster.path("pods", "one"), gracePeriodSeconds="0")
    await cluster.until(path, None)


async def test_a_namespace_goes_with_all_that_is_in_it(cluster: Cluster) -> None:
    name = f"{cluster.namespace}-two"
    path = f"/api/v1/namespaces/{name}"
    await cluster.expect("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    held = config_map("held")
    held["metadata"]["finalizers"] = ["example.com/keep"]
    await cluster.expect("POST", f"{path}/configmaps", held)
    await cluster.expect("DELETE", path)
    going = await cluster.until(path, lambda each: each["status"]["phase"] == "Terminating")
    assert going["metadata"]["deletionTimestamp"]
    refused = await cluster.call("POST", f"{path}/configmaps", config_map("late"))
    assert (refused.code, refused.reason) == (403, "Forbidden")
    assert f"unable to create new content in namespace {name} because" in refused.message
    await cluster.expect(
        "PATCH",
        f"{path}/configmaps/held",
        {"metadata": {"finalizers": None}},
        media_type=MERGE_PATCH,
    )
    await cluster.until(path, None)
