"""The mirror tells every change once, over outages too; the recorder counts events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from studiolo_local.api import ApiServer, Store
from studiolo_local.client import ApiClient, ApiError
from studiolo_local.mirror import Mirror
from studiolo_local.recorder import Recorder

from tests.embedded import EmbeddedApi, running_api

Seen = list[tuple[str, str]]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[EmbeddedApi]:
    async with running_api(tmp_path) as found:
        yield found


@pytest.fixture
async def client(api: EmbeddedApi) -> AsyncIterator[ApiClient]:
    async with ApiClient(api.url, api.token) as found:
        yield found


def words(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


@asynccontextmanager
async def mirrored(client: ApiClient, seen: Seen) -> AsyncIterator[Mirror]:
    mirror = Mirror(client, "configmaps")
    mirror.listen(lambda kind, item: seen.append((kind, item["metadata"]["name"])))
    task = asyncio.create_task(mirror.run())
    try:
        await mirror.synced.wait()
        yield mirror
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(seen: Seen, expected: Seen) -> None:
    try:
        async with asyncio.timeout(10):
            while seen != expected:
                await asyncio.sleep(0.01)
    except TimeoutError:
        assert seen == expected


async def test_changes_are_told_once(client: ApiClient) -> None:
    seen: Seen = []
    await client.create("configmaps", "default", words("before"))
    async with mirrored(client, seen) as mirror:
        await client.create("configmaps", "default", words("a"))
        taken = await client.patch("configmaps", "default", "a", {"data": {"x": "1"}})
        mirror.take(taken)
        await client.delete("configmaps", "default", "a", uid=taken["metadata"]["uid"])
        expected = [("ADDED", "before"), ("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
        await until(seen, expected)
        await asyncio.sleep(0.05)
        assert seen == expected
        assert [item["metadata"]["name"] for item in mirror.all()] == ["before"]
        assert mirror.get("default", "a") is None


@asynccontextmanager
async def serving(path: Path, token: str, port: int) -> AsyncIterator[ApiServer]:
    store = Store(path)
    server = ApiServer(store, token=token, port=port)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
        store.close()


async def test_an_outage_is_made_up_for(tmp_path: Path, unused_tcp_port: int) -> None:
    seen: Seen = []
    path, token, port = tmp_path / "store", "a-token-that-is-long-enough", unused_tcp_port
    async with ApiClient(f"http://127.0.0.1:{port}", token) as client, AsyncExitStack() as stack:
        async with serving(path, token, port):
            gone = await client.create("configmaps", "default", words("gone"))
            await stack.enter_async_context(mirrored(client, seen))
        # Over another port: what the mirror does not see
        async with serving(path, token, 0) as server, ApiClient(server.url, token) as other:
            await other.delete("configmaps", "default", "gone", uid=gone["metadata"]["uid"])
            await other.create("configmaps", "default", words("new"))
        async with serving(path, token, port):
            await until(seen, [("ADDED", "gone"), ("DELETED", "gone"), ("ADDED", "new")])


async def test_the_same_event_is_counted(client: ApiClient) -> None:
    about = await client.create("configmaps", "default", words("thing"))
    recorder = Recorder(client, "tester")
    task = asyncio.create_task(recorder.run())
    for _ in range(3):
        recorder.tell({"kind": "ConfigMap", **about}, "Warning", "Odd", "it is odd", field="data")
    recorder.tell({"kind": "ConfigMap", **about}, "Normal", "Fine", "it is fine", host="node-1")
    await recorder.flush()
    task.cancel()
    items, _ = await client.list("events", "default")
    odd, fine = sorted(items, key=lambda item: str(item["reason"]), reverse=True)
    assert (odd["count"], fine["count"]) == (3, 1)
    assert odd["involvedObject"]["uid"] == about["metadata"]["uid"]
    assert odd["involvedObject"]["fieldPath"] == "data"
    assert odd["lastTimestamp"]
    assert odd["eventTime"] is None
    assert fine["source"] == {"component": "tester", "host": "node-1"}


async def test_a_flood_of_events_is_dropped(client: ApiClient) -> None:
    about = await client.create("configmaps", "default", words("thing"))
    recorder = Recorder(client, "tester")
    task = asyncio.create_task(recorder.run())
    for number in range(100):
        recorder.tell({"kind": "ConfigMap", **about}, "Normal", "Flood", f"number {number}")
    await recorder.flush()
    task.cancel()
    items, _ = await client.list("events", "default")
    assert len(items) == 25


async def test_errors_carry_the_reason(client: ApiClient) -> None:
    with pytest.raises(ApiError) as caught:
        await client.get("pods", "default", "none")
    assert (caught.value.status, caught.value.reason) == (404, "NotFound")
    assert caught.value.missing
    await client.create("configmaps", "default", words("twice"))
    with pytest.raises(ApiError) as caught:
        await client.create("configmaps", "default", words("twice"))
    assert caught.value.conflict


async def test_deleting_another_object_of_the_same_name_does_nothing(client: ApiClient) -> None:
    await client.create("configmaps", "default", words("kept"))
    await client.delete("configmaps", "default", "kept", uid="another-uid")
    await client.delete("configmaps", "default", "absent", uid="any")
    assert (await client.get("configmaps", "default", "kept"))["metadata"]["name"] == "kept"


async def test_an_api_that_is_away(unused_tcp_port: int) -> None:
    async with ApiClient(f"http://127.0.0.1:{unused_tcp_port}", "x" * 16) as client:
        with pytest.raises(ApiError) as caught:
            await client.list("pods")
    assert caught.value.status == 0
