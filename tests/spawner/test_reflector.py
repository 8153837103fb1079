"""The local copies follow the cluster through time-outs, cuts, 410 and outages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from kubernetes_asyncio.client import Configuration
from studiolo_spawner.reflector import EventReflector, PodReflector, ResumingReflector

from tests.fakes.watch_api import WatchApi

HERE = "studiolo"


def pod(name: str, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": HERE, "managedFields": ["x"]},
        "spec": {"containers": []},
        "status": {"phase": "Pending", **status},
    }


def event(name: str, about: str, stamp: str | None = "2026-03-01T09:00:00Z") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": HERE, "uid": name},
        "involvedObject": {"kind": "Pod", "namespace": HERE, "name": about},
        "message": name,
        "lastTimestamp": stamp,
    }


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until the condition holds; the test's own timeout bounds it."""
    while not condition():
        await asyncio.sleep(0.005)


@pytest.fixture
async def api() -> AsyncIterator[WatchApi]:
    before = Configuration.get_default_copy()
    api = WatchApi()
    await api.start()
    there = Configuration()
    there.host = api.url
    Configuration.set_default(there)
    yield api
    Configuration.set_default(before)
    await api.stop()


@pytest.fixture
async def pods(api: WatchApi) -> AsyncIterator[PodReflector]:
    reflector = PodReflector(
        namespace=HERE, labels={"component": "singleuser-server"}, max_retry_delay=0.2
    )
    yield reflector
    await reflector.stop()


async def start(reflector: ResumingReflector, api: WatchApi) -> None:
    await reflector.start()
    await reflector.first_load_future
    await api.watching.wait()


async def test_lists_in_pages_then_watches(api: WatchApi, pods: PodReflector) -> None:
    for number in range(25):
        api.put(pod(f"p{number}"))
    pods.page_size = 10
    await start(pods, api)
    assert len(pods.pods) == 25
    assert [query["limit"] for query in api.lists] == ["10", "10", "10"]
    assert [query.get("continue") for query in api.lists] == [None, "10", "20"]
    assert {query["labelSelector"] for query in api.lists} == {"component=singleuser-server"}
    assert api.watches[0]["allowWatchBookmarks"] in {"true", "True"}
    assert "managedFields" not in pods.pods[f"{HERE}/p1"]["metadata"]


async def test_follows_changes(api: WatchApi, pods: PodReflector) -> None:
    await start(pods, api)
    api.put(pod("a"), "ADDED")
    api.put(pod("a", phase="Running"))
    api.put(pod("b"), "ADDED")
    api.put(pod("b"), "DELETED")
    api.put(pod("c"), "ADDED")
    await until(lambda: f"{HERE}/c" in pods.pods)
    assert set(pods.pods) == {f"{HERE}/a", f"{HERE}/c"}
    assert pods.pods[f"{HERE}/a"]["status"]["phase"] == "Running"


async def test_time_out_resumes_without_a_list(api: WatchApi, pods: PodReflector) -> None:
    pods.timeout_seconds = 1
    await start(pods, api)
    api.bookmark()
    await until(lambda: len(api.watches) >= 2)
    assert api.watches[1]["resourceVersion"] == str(api.version)
    api.put(pod("late"), "ADDED")
    await until(lambda: f"{HERE}/late" in pods.pods)
    assert len(api.lists) == 1


async def test_cut_resumes_without_a_list(api: WatchApi, pods: PodReflector) -> None:
    await start(pods, api)
    api.cut()
    api.put(pod("meanwhile"), "ADDED")
    await until(lambda: f"{HERE}/meanwhile" in pods.pods)
    assert len(api.lists) == 1
    assert pods.connected
    assert pods.silent_seconds == 0


@pytest.mark.parametrize("way", ["answer", "event in the stream"])
async def test_gone_lists_again_and_wakes_for_what_was_missed(
    api: WatchApi, pods: PodReflector, way: str
) -> None:
    api.put(pod("stays"))
    api.put(pod("leaves"))
    await start(pods, api)
    changed = asyncio.gather(*(pods.wait_for_change(f"{HERE}/{n}", 10) for n in ("leaves", "new")))
    unchanged = asyncio.create_task(pods.wait_for_change(f"{HERE}/stays", 10))
    await asyncio.sleep(0)
    del api.objects[f"{HERE}/leaves"]
    api.objects[f"{HERE}/new"] = pod("new")
    api.expire()
    if way == "answer":
        api.cut()
    else:
        api.say({"type": "ERROR", "object": {"kind": "Status", "code": 410}})
    assert await changed == [True, True]
    assert set(pods.pods) == {f"{HERE}/stays", f"{HERE}/new"}
    assert len(api.lists) == 2
    assert not unchanged.done()
    unchanged.cancel()


async def test_outage_is_outlived(api: WatchApi, pods: PodReflector) -> None:
    await start(pods, api)
    await api.stop()
    await until(lambda: pods._backoff.failures >= 5)
    assert not pods.connected
    assert pods.silent_seconds > 0
    api.put(pod("after"))
    await api.start()
    await until(lambda: f"{HERE}/after" in pods.pods)
    assert pods.watch_task is not None
    assert not pods.watch_task.done()


async def test_start_waits_for_an_api_that_is_away(api: WatchApi, pods: PodReflector) -> None:
    api.status = 503
    await pods.start()
    await until(lambda: len(api.lists) >= 3)
    assert not pods.first_load_future.done()
    api.status = None
    await pods.first_load_future


async def test_noise_and_long_lines(api: WatchApi, pods: PodReflector) -> None:
    await start(pods, api)
    api.put(pod("large", message="m" * 3_000_000), "ADDED")
    await until(lambda: f"{HERE}/large" in pods.pods)
    api.say({"no": "event"})
    api.put(pod("after noise"), "ADDED")
    await until(lambda: f"{HERE}/after noise" in pods.pods)
    assert len(api.lists) == 1


async def test_waiters_hear_their_own_pod_only(api: WatchApi, pods: PodReflector) -> None:
    await start(pods, api)
    mine = asyncio.create_task(pods.wait_for_change(f"{HERE}/mine", 10))
    others = asyncio.create_task(pods.wait_for_change(f"{HERE}/others", 0.2))
    await asyncio.sleep(0)
    api.put(pod("mine"), "ADDED")
    assert await mine is True
    assert await others is False
    assert not pods._listeners


async def test_stop_ends_the_task_and_the_connection(api: WatchApi, pods: PodReflector) -> None:
    await start(pods, api)
    await pods.stop()
    await until(lambda: not api._streams)
    assert pods.watch_task is None


async def test_all_namespaces(api: WatchApi) -> None:
    reflector = PodReflector(omit_namespace=True, namespace=None)
    try:
        await start(reflector, api)
        api.put({**pod("a"), "metadata": {"name": "a", "namespace": "other"}}, "ADDED")
        await until(lambda: "other/a" in reflector.pods)
    finally:
        await reflector.stop()


# -- events ------------------------------------------------------------------------------------


@pytest.fixture
async def events(api: WatchApi) -> AsyncIterator[EventReflector]:
    reflector = EventReflector(
        namespace=HERE, fields={"involvedObject.kind": "Pod"}, max_events=6, max_events_per_pod=3
    )
    yield reflector
    await reflector.stop()


async def test_events_are_found_by_pod_in_order(api: WatchApi, events: EventReflector) -> None:
    api.put(event("second", "a", "2026-03-01T09:00:02Z"))
    api.put(event("first", "a", "2026-03-01T09:00:01Z"))
    api.put(event("other", "b"))
    await start(events, api)
    api.put(event("undated", "a", None), "ADDED")
    await until(lambda: len(events.events) == 4)
    assert [e["message"] for e in events.events_of(f"{HERE}/a")] == ["undated", "first", "second"]
    assert events.events_of(f"{HERE}/nobody") == []
    assert api.lists[0]["fieldSelector"] == "involvedObject.kind=Pod"


async def test_an_event_wakes_who_waits_for_its_pod(api: WatchApi, events: EventReflector) -> None:
    await start(events, api)
    waiting = asyncio.create_task(events.wait_for_change(f"{HERE}/a", 10))
    await asyncio.sleep(0)
    api.put(event("pulled", "a"), "ADDED")
    assert await waiting is True


async def test_events_are_bounded(api: WatchApi, events: EventReflector) -> None:
    for number in range(8):
        api.put(event(f"listed{number}", f"pod{number}", f"2026-03-01T09:00:0{number}Z"))
    await start(events, api)
    assert [e["message"] for e in events.events] == [f"listed{n}" for n in range(2, 8)]
    for number in range(5):
        api.put(event(f"heard{number}", "noisy", f"2026-03-01T10:00:0{number}Z"), "ADDED")
    await until(lambda: f"{HERE}/heard4" in events.resources)
    assert [e["message"] for e in events.events_of(f"{HERE}/noisy")] == [
        "heard2",
        "heard3",
        "heard4",
    ]
    assert len(events.resources) <= 6


async def test_deleted_events_leave_the_index(api: WatchApi, events: EventReflector) -> None:
    api.put(event("old", "a"))
    await start(events, api)
    api.put(event("old", "a"), "DELETED")
    await until(lambda: not events.resources)
    assert events.events_of(f"{HERE}/a") == []
