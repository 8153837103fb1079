from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from studiolo_local.api import deletion, resources
from studiolo_local.api.entries import Key
from studiolo_local.api.operations import Operations
from studiolo_local.api.queries import scope_of, watch_query
from studiolo_local.api.store import Store
from studiolo_local.api.watch import WatchHub

from tests.local.api.samples import cluster, config_map, labelled

Events = list[tuple[str, Any]]


async def collect(hub: WatchHub, **query: str) -> Events:
    """Return all events of a watch that ends by itself."""
    scope = scope_of(resources.PODS, "default", query)
    chunks = [chunk async for chunk in hub.stream(watch_query(scope, query))]
    lines = b"".join(chunks).splitlines()
    return [(event["type"], event["object"]) for event in map(json.loads, lines)]


def brief(events: Events) -> list[str]:
    return [f"{kind} {item['metadata'].get('name', '')}".strip() for kind, item in events]


def running(history: int = 5000, **options: float) -> tuple[Store, Operations, WatchHub]:
    store, operations = cluster(Store(history=history))
    return store, operations, WatchHub(store, **options)


def relabel(operations: Operations, name: str, **labels: str) -> None:
    operations.patch(
        resources.PODS,
        Key("default", name),
        "application/merge-patch+json",
        {"metadata": {"labels": labels}},
    )


@pytest.mark.parametrize("version", [{}, {"resourceVersion": "0"}], ids=["unset", "zero"])
async def test_a_watch_without_a_version_begins_with_what_there_is(version: dict[str, str]) -> None:
    _, operations, hub = running()
    operations.create(resources.PODS, "default", labelled("one"))
    assert brief(await collect(hub, timeoutSeconds="1", **version)) == ["ADDED one"]


async def test_a_watch_from_a_version_tells_what_came_after() -> None:
    store, operations, hub = running()
    operations.create(resources.PODS, "default", labelled("before"))
    version = str(store.version)
    operations.create(resources.PODS, "default", labelled("after"))
    operations.create(resources.CONFIG_MAPS, "default", config_map("x"))
    relabel(operations, "after", a="b")
    operations.delete(resources.PODS, Key("default", "after"), deletion.Options())
    events = await collect(hub, resourceVersion=version, timeoutSeconds="1")
    assert brief(events) == ["ADDED after", *["MODIFIED after"] * 2, "DELETED after"]
    assert int(events[-1][1]["metadata"]["resourceVersion"]) == store.version
    assert events[0][1]["kind"] == "Pod"


async def test_entering_and_leaving_a_selection_is_coming_and_going() -> None:
    store, operations, hub = running()
    version = str(store.version)
    operations.create(resources.PODS, "default", labelled("one", wanted="no"))
    for value in ("yes", "yes", "no", "no"):
        relabel(operations, "one", wanted=value, count=value + str(store.version % 7))
    events = await collect(
        hub, resourceVersion=version, timeoutSeconds="1", labelSelector="wanted=yes"
    )
    assert brief(events) == ["ADDED one", "MODIFIED one", "DELETED one"]
    assert events[-1][1]["metadata"]["labels"]["wanted"] == "yes", "the last state that was seen"


async def test_a_watch_from_a_version_that_is_gone_says_so_and_ends() -> None:
    _, operations, hub = running(history=5)
    for count in range(20):
        operations.create(resources.PODS, "default", labelled(f"p{count}"))
    for version in ("1", "105"):
        ((kind, status),) = await collect(hub, resourceVersion=version)
        assert (kind, status["code"], status["reason"]) == ("ERROR", 410, "Expired")
        assert status["message"].startswith(f"too old resource version: {version} (")


async def test_a_watcher_that_falls_behind_is_cut_off() -> None:
    store, operations, hub = running(history=5)
    query = {"resourceVersion": str(store.version)}
    stream = hub.stream(watch_query(scope_of(resources.PODS, None, query), query))
    operations.create(resources.PODS, "default", labelled("seen"))
    assert b'"ADDED"' in await anext(stream)
    for count in range(20):
        operations.create(resources.PODS, "default", labelled(f"p{count}"))
    assert b'"code":410' in await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_bookmarks_say_how_far_a_quiet_watch_has_seen() -> None:
    store, operations, hub = running(bookmark_seconds=0.05)
    version = str(store.version)
    operations.create(resources.CONFIG_MAPS, "default", config_map("x"))
    events = await collect(
        hub, resourceVersion=version, timeoutSeconds="1", allowWatchBookmarks="true"
    )
    assert len(events) > 2, "one each period, and one at the end"
    assert {kind for kind, _ in events} == {"BOOKMARK"}
    assert events[-1][1] == {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": str(store.version)},
    }
    assert await collect(hub, resourceVersion=version, timeoutSeconds="1") == []


async def test_initial_events_end_with_a_marked_bookmark() -> None:
    _, operations, hub = running()
    operations.create(resources.PODS, "default", labelled("one"))
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "1",
    }
    events = await collect(hub, **query)
    assert brief(events) == ["ADDED one", "BOOKMARK", "BOOKMARK"]
    assert events[1][1]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert brief(await collect(hub, **{**query, "sendInitialEvents": "false"})) == ["BOOKMARK"]


async def test_the_future_cannot_be_watched() -> None:
    _, _, hub = running()
    ((kind, status),) = await collect(hub, resourceVersion="999999")
    assert (kind, status["code"]) == ("ERROR", 504)


async def test_every_watcher_is_told_at_once() -> None:
    store, operations, hub = running()
    query = {"resourceVersion": str(store.version)}
    streams = [
        hub.stream(watch_query(scope_of(resources.PODS, None, query), query)) for _ in range(3)
    ]
    waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await asyncio.sleep(0)
    operations.create(resources.PODS, "default", labelled("one"))
    chunks = await asyncio.gather(*waiting)
    assert len(set(chunks)) == 1
    for stream in streams:
        await stream.aclose()


async def test_closing_ends_every_watch() -> None:
    _, _, hub = running()
    watch = asyncio.ensure_future(collect(hub))
    await asyncio.sleep(0.01)
    hub.close()
    assert await watch == []
