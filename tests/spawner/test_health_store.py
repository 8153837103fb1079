"""The health of images in a ConfigMap: kept, taken up again, shared, and never in anybody's way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio import client
from studiolo_spawner.cluster_api import ClusterApi
from studiolo_spawner.health_json import from_text
from studiolo_spawner.health_store import NAME, HealthStore
from studiolo_spawner.image_health import HealthBook

from tests.embedded import EmbeddedApi, running_api
from tests.fakes.faulty_proxy import FaultyProxy, answers
from tests.spawner.test_image_health import GOOD, IMAGE, ONE, attempt, check

HERE = "/api/v1/namespaces/studiolo/configmaps"
log = logging.getLogger("tests.health")


class Place:
    """A cluster, a way to it that can be spoilt, and stores that look every moment."""

    def __init__(self, api: EmbeddedApi, proxy: FaultyProxy, core: Any) -> None:
        self.api = api
        self.proxy = proxy
        self._core = core
        self._stores: list[HealthStore] = []

    def store(self, book: HealthBook, *, read_every: float = 0.05) -> HealthStore:
        api = ClusterApi(self._core, timeout=1, patience=0.2, log=log)
        store = HealthStore(book, api, "studiolo", log=log, write_after=0.02, read_every=read_every)
        self._stores.append(store)
        return store

    async def kept(self) -> Any:
        """What stands in the ConfigMap."""
        status, found = await self.api.call("GET", f"{HERE}/{NAME}")
        return from_text(found["data"]["health.json"]) if status == 200 else None

    async def stop(self) -> None:
        for store in self._stores:
            await store.stop()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with running_api(tmp_path) as api:
        await api.expect("POST", "/api/v1/namespaces", {"metadata": {"name": "studiolo"}})
        proxy = FaultyProxy(api.url)
        await proxy.start()
        there = client.Configuration()
        there.host = proxy.url
        there.api_key = {"BearerToken": f"Bearer {api.token}"}
        async with client.ApiClient(there) as connection:
            place = Place(api, proxy, client.CoreV1Api(connection))
            yield place
            await place.stop()
        await proxy.stop()


def ran() -> HealthBook:
    book = HealthBook()
    book.note_attempt(attempt(0, "running"))
    return book


async def until_ran(book: HealthBook) -> None:
    while book.last_good([IMAGE]) != {"a": ONE}:
        await asyncio.sleep(0.01)


async def test_next_hub_knows_the_last_good_digest(place: Place) -> None:
    await place.store(ran()).sync()
    book = HealthBook()
    store = place.store(book)
    store.start()
    await store.loaded(5)
    assert book.last_good([IMAGE]) == {"a": ONE}


async def test_nothing_known_is_nothing_written(place: Place) -> None:
    await place.store(HealthBook()).sync()
    assert await place.kept() is None


async def test_news_are_written_soon_and_together(place: Place) -> None:
    book = HealthBook()
    store = place.store(book, read_every=60)
    store.start()
    await store.loaded(5)
    for minute in range(20):
        book.note_check(IMAGE, check(minute, GOOD))
    async with asyncio.timeout(5):
        while await place.kept() is None:
            await asyncio.sleep(0.01)
    kept = await place.kept()
    assert kept["a", IMAGE.reference].last_check == check(19, GOOD)
    assert sum(seen.startswith(("POST", "PUT")) for seen in place.proxy.seen) == 1


async def test_what_is_new_at_the_end_is_written(place: Place) -> None:
    book = HealthBook()
    api = place.store(book)._api
    store = HealthStore(book, api, "studiolo", log=log, write_after=60)
    store.start()
    await store.loaded(5)
    book.note_check(IMAGE, check(1, GOOD))
    await store.stop()
    assert (await place.kept())["a", IMAGE.reference].found == check(1, GOOD)


async def test_what_is_known_already_is_not_written_again(place: Place) -> None:
    store = place.store(ran())
    for _ in range(3):
        await store.sync()
    assert sum(seen.startswith(("POST", "PUT")) for seen in place.proxy.seen) == 1


async def test_what_another_wrote_is_picked_up(place: Place) -> None:
    book = HealthBook()
    place.store(book).start()
    await asyncio.sleep(0.05)
    await place.store(ran()).sync()
    async with asyncio.timeout(5):
        await until_ran(book)


async def test_writing_at_the_same_time_loses_nothing(place: Place) -> None:
    await place.store(ran()).sync()
    one, other = HealthBook(), HealthBook()
    one.note_check(IMAGE, check(5, GOOD))
    other.note_attempt(attempt(6, "failed", "crashed"))
    await asyncio.gather(place.store(one).sync(), place.store(other).sync())
    health = (await place.kept())["a", IMAGE.reference]
    assert (health.ran.digest, health.found, len(health.failures)) == (ONE, check(5, GOOD), 1)


async def test_a_conflict_is_read_again(place: Place) -> None:
    await place.store(ran()).sync()
    place.proxy.spoil(f"PUT {HERE}/{NAME}", answers(409, "the object has been modified"), times=2)
    book = HealthBook()
    book.note_check(IMAGE, check(1, GOOD))
    await place.store(book).sync()
    assert (await place.kept())["a", IMAGE.reference].found == check(1, GOOD)


@pytest.mark.parametrize(
    ("status", "said"),
    [pytest.param(403, "may not read and write", id="forbidden"),
     pytest.param(500, "does not answer", id="broken")],
)  # fmt: skip
async def test_where_it_cannot_be_kept_one_line_says_so(
    place: Place, caplog: pytest.LogCaptureFixture, status: int, said: str
) -> None:
    place.proxy.spoil(f".* {HERE}.*", answers(status, "canary"), times=1000)
    book = ran()
    store = place.store(book)
    store.start()
    await store.loaded(5)
    await asyncio.sleep(0.3)
    told = [record.message for record in caplog.records if NAME in record.message]
    assert len(told) == 1
    assert said in told[0]
    assert book.last_good([IMAGE]) == {"a": ONE}
    place.proxy.mend()
    async with asyncio.timeout(5):
        while await place.kept() is None:
            await asyncio.sleep(0.01)


async def test_what_stands_there_and_is_not_ours_is_replaced(place: Place) -> None:
    theirs = {"metadata": {"name": NAME}, "data": {"health.json": '{"version": 99}'}}
    await place.api.expect("POST", HERE, theirs)
    await place.store(ran()).sync()
    assert (await place.kept())["a", IMAGE.reference].ran.digest == ONE
