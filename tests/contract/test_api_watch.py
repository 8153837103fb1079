"""Watches: what is told, from when, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.cluster import MERGE_PATCH, Cluster, pod


async def now(cluster: Cluster) -> str:
    return (await cluster.expect("GET", cluster.path("pods"))).version


async def relabel(cluster: Cluster, name: str, **labels: Any) -> None:
    patch = {"metadata": {"labels": labels}}
    await cluster.expect("PATCH", cluster.path("pods", name), patch, media_type=MERGE_PATCH)


async def test_each_step_of_an_objects_life_is_told(cluster: Cluster) -> None:
    async with cluster.watch("pods", resourceVersion=await now(cluster)) as watch:
        await cluster.create("pods", pod("one"))
        await relabel(cluster, "one", a="b")
        await cluster.expect("DELETE", cluster.path("pods", "one"))
        events = [await watch.next() for _ in range(4)]
    # A pod is marked before it goes, also when it goes at once.
    assert [kind for kind, _ in events] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
    assert events[2][1]["metadata"]["deletionGracePeriodSeconds"] == 0
    versions = [int(item["metadata"]["resourceVersion"]) for _, item in events]
    assert versions == sorted(set(versions)), "also a deletion has a version of its own"
    assert (events[0][1]["kind"], events[0][1]["apiVersion"]) == ("Pod", "v1")


async def test_a_watch_without_a_version_begins_with_what_there_is(cluster: Cluster) -> None:
    await cluster.create("pods", pod("one"))
    for version in ({}, {"resourceVersion": "0"}):
        async with cluster.watch("pods", **version) as watch:
            assert await watch.brief(1) == ["ADDED one"]


async def test_a_watch_is_resumed_where_it_ended(cluster: Cluster) -> None:
    async with cluster.watch("pods", resourceVersion=await now(cluster)) as watch:
        await cluster.create("pods", pod("one"))
        _, seen = await watch.next()
    await cluster.create("pods", pod("two"))
    await cluster.expect("DELETE", cluster.path("pods", "one"))
    async with cluster.watch("pods", resourceVersion=seen["metadata"]["resourceVersion"]) as watch:
        assert await watch.brief(3) == ["ADDED two", "MODIFIED one", "DELETED one"]


async def test_entering_and_leaving_a_selection_is_coming_and_going(cluster: Cluster) -> None:
    query = {"resourceVersion": await now(cluster), "labelSelector": "wanted=yes"}
    async with cluster.watch("pods", **query) as watch:
        await cluster.create("pods", pod("one", labels={"wanted": "no"}))
        await relabel(cluster, "one", wanted="yes")
        await relabel(cluster, "one", other="label")
        await relabel(cluster, "one", wanted="no")
        await relabel(cluster, "one", wanted=None)
        await relabel(cluster, "one", wanted="yes")
        events = [await watch.next() for _ in range(4)]
    assert [kind for kind, _ in events] == ["ADDED", "MODIFIED", "DELETED", "ADDED"]
    assert events[2][1]["metadata"]["labels"]["wanted"] == "yes", "the last state that was seen"
    assert int(events[2][1]["metadata"]["resourceVersion"]) > int(
        events[1][1]["metadata"]["resourceVersion"]
    )


async def test_fields_are_watched_too(cluster: Cluster) -> None:
    await cluster.add_node()
    query = {
        "resourceVersion": await now(cluster),
        "fieldSelector": f"spec.nodeName={cluster.node}",
    }
    async with cluster.watch("pods", **query) as watch:
        await cluster.create("pods", pod("waiting"))
        await cluster.bound_pod("placed")
        assert await watch.brief(1) == ["ADDED placed"]


async def test_one_object_is_watched_by_name(cluster: Cluster) -> None:
    query = {"resourceVersion": await now(cluster), "fieldSelector": "metadata.name=two"}
    async with cluster.watch("pods", **query) as watch:
        for name in ("one", "two"):
            await cluster.create("pods", pod(name))
        assert await watch.brief(1) == ["ADDED two"]


async def test_a_grace_period_is_a_change_and_its_end_the_deletion(cluster: Cluster) -> None:
    await cluster.add_node()
    await cluster.bound_pod("one")
    path = cluster.path("pods", "one")
    async with cluster.watch("pods", resourceVersion=await now(cluster)) as watch:
        await cluster.expect("DELETE", path, gracePeriodSeconds="30")
        kind, going = await watch.next()
        assert (kind, going["metadata"]["deletionGracePeriodSeconds"]) == ("MODIFIED", 30)
        await cluster.expect("DELETE", path, gracePeriodSeconds="0")
        events: list[str] = []
        while not events or events[-1] != "DELETED":
            events.append((await watch.next())[0])
    assert set(events[:-1]) <= {"MODIFIED"}


async def test_a_watch_ends_when_its_time_is_over(cluster: Cluster) -> None:
    await cluster.create("pods", pod("one"))
    async with cluster.watch("pods", timeoutSeconds="1") as watch:
        assert [kind for kind, _ in await watch.rest()] == ["ADDED"]


async def test_bookmarks_say_how_far_a_quiet_watch_has_seen(cluster: Cluster) -> None:
    version = await now(cluster)
    query = {"resourceVersion": version, "timeoutSeconds": "4", "allowWatchBookmarks": "true"}
    async with cluster.watch("pods", **query) as watch:
        events = await watch.rest()
    assert {kind for kind, _ in events} == {"BOOKMARK"}
    last = events[-1][1]
    assert last["kind"] == "Pod"
    assert int(last["metadata"]["resourceVersion"]) >= int(version)
    async with cluster.watch(
        "pods", resourceVersion=last["metadata"]["resourceVersion"], timeoutSeconds="1"
    ) as watch:
        assert await watch.rest() == []


async def test_a_version_that_is_gone_is_an_error_that_ends_the_watch(cluster: Cluster) -> None:
    if await cluster.remembers_the_beginning():
        pytest.skip("the cluster is younger than ten minutes and remembers everything")
    async with cluster.watch("pods", resourceVersion="1") as watch:
        ((kind, status),) = await watch.rest()
    assert (kind, status["kind"], status["code"], status["reason"]) == (
        "ERROR",
        "Status",
        410,
        "Expired",
    )
    assert "too old resource version: 1" in status["message"]


async def test_initial_events_end_with_a_marked_bookmark(cluster: Cluster) -> None:
    await cluster.create("pods", pod("one"))
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "5",
    }
    async with cluster.watch("pods", **query) as watch:
        assert await watch.brief(1) == ["ADDED one"]
        kind, mark = await watch.next()
    assert kind == "BOOKMARK"
    assert mark["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true"


async def test_initial_events_must_be_asked_for_properly(cluster: Cluster) -> None:
    refused = await cluster.call(
        "GET", cluster.path("pods"), watch="true", sendInitialEvents="true"
    )
    assert (refused.code, refused.reason) == (422, "Invalid")
