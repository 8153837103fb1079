"""The four kinds of patch."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.cluster import (
    APPLY_PATCH,
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC_PATCH,
    Cluster,
    config_map,
    pod,
)


async def patched(cluster: Cluster, media_type: str, patch: Any) -> Any:
    path = cluster.path("configmaps", "one")
    return (await cluster.expect("PATCH", path, patch, media_type=media_type)).body["data"]


async def test_each_kind_changes_what_it_says(cluster: Cluster) -> None:
    await cluster.create("configmaps", config_map("one", a="1"))
    added = [{"op": "add", "path": "/data/b", "value": "2"}]
    assert await patched(cluster, JSON_PATCH, added) == {"a": "1", "b": "2"}
    merged = {"data": {"a": None, "c": "3"}}
    assert await patched(cluster, MERGE_PATCH, merged) == {"b": "2", "c": "3"}
    replaced = {"data": {"$patch": "replace", "d": "4"}}
    assert await patched(cluster, STRATEGIC_PATCH, replaced) == {"d": "4"}


async def test_conditions_are_merged_by_their_type(cluster: Cluster) -> None:
    await cluster.create("pods", pod("one"))
    path = cluster.path("pods", "one", "status")
    for kind, value in (("Ready", "False"), ("Initialized", "True"), ("Ready", "True")):
        patch = {"status": {"conditions": [{"type": kind, "status": value}]}}
        answer = await cluster.expect("PATCH", path, patch, media_type=STRATEGIC_PATCH)
    conditions = {each["type"]: each["status"] for each in answer.body["status"]["conditions"]}
    assert conditions == {"Ready": "True", "Initialized": "True"}
    whole = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
    answer = await cluster.expect("PATCH", path, whole, media_type=MERGE_PATCH)
    assert [each["type"] for each in answer.body["status"]["conditions"]] == ["Ready"]


@pytest.mark.parametrize(
    ("media_type", "patch", "code"),
    [
        (JSON_PATCH, [{"op": "test", "path": "/data/a", "value": "other"}], 422),
        (JSON_PATCH, [{"op": "remove", "path": "/data/none"}], 422),
        (JSON_PATCH, {}, 400),
        (MERGE_PATCH, [], 400),
        ("application/json", {}, 415),
    ],
    ids=str,
)
async def test_a_patch_that_does_not_fit_changes_nothing(
    cluster: Cluster, media_type: str, patch: Any, code: int
) -> None:
    made = await cluster.create("configmaps", config_map("one", a="1"))
    path = cluster.path("configmaps", "one")
    assert (await cluster.call("PATCH", path, patch, media_type=media_type)).code == code
    assert (await cluster.expect("GET", path)).body == made


async def test_a_patch_may_name_the_version_it_was_made_for(cluster: Cluster) -> None:
    made = await cluster.create("configmaps", config_map("one", a="1"))
    patch = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    path = cluster.path("configmaps", "one")
    first = {**patch, "data": {"b": "2"}}
    await cluster.expect("PATCH", path, first, media_type=MERGE_PATCH)
    stale = await cluster.call("PATCH", path, {**patch, "data": {"c": "3"}}, media_type=MERGE_PATCH)
    assert (stale.code, stale.reason) == (409, "Conflict")


async def test_applying_makes_changes_and_takes_back(cluster: Cluster) -> None:
    path = cluster.path("configmaps", "one")

    async def apply(manager: str, force: str = "false", **data: str) -> Any:
        return await cluster.call(
            "PATCH",
            path,
            config_map("one", **data),
            media_type=APPLY_PATCH,
            fieldManager=manager,
            force=force,
        )

    made = await apply("first", a="1", b="2")
    assert (made.code, made.body["data"]) == (201, {"a": "1", "b": "2"})
    assert (await apply("first", a="1")).body["data"] == {"a": "1"}
    conflict = await apply("second", a="2")
    assert (conflict.code, conflict.reason) == (409, "Conflict")
    assert conflict.message == 'Apply failed with 1 conflict: conflict with "first": .data.a'
    (cause,) = conflict.body["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".data.a")
    assert (await apply("second", "true", a="2")).body["data"] == {"a": "2"}
