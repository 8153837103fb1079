"""One sampler for all: how often the driver is asked, by whom, and what is said when it hangs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from jupyterlab_studiolo import sampler as module
from jupyterlab_studiolo.devices import GpuSample, Reading, State
from jupyterlab_studiolo.sampler import Sampler


class Reader:
    """A driver that counts, and can be held."""

    def __init__(self) -> None:
        self.reads = 0
        self.full: list[bool] = []
        self.threads: set[int] = set()
        self.closed = threading.Event()
        self.let = threading.Event()
        self.let.set()

    def read(self, *, full: bool = True) -> Reading:
        self.threads.add(threading.get_ident())
        self.let.wait(20)
        self.reads += 1
        self.full.append(full)
        sample = GpuSample("a", f"read {self.reads}", 0)
        return Reading(State.OK, time.time(), samples=(sample,), full=full)

    def close(self) -> None:
        self.closed.set()


@asynccontextmanager
async def sampling(reader: Reader, **options: Any) -> AsyncIterator[Sampler]:
    settings = {"background_seconds": None} | options
    sampler = Sampler(reader, loop=asyncio.get_running_loop(), **settings)
    try:
        yield sampler
    finally:
        reader.let.set()
        sampler.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_reads_when_asked_and_off_the_loop() -> None:
    reader = Reader()
    async with sampling(reader) as sampler:
        sampler.start()
        await asyncio.sleep(0.1)
        assert reader.reads == 0
        reading = await sampler.look()
        assert reading.samples[0].name == "read 1"
        assert threading.get_ident() not in reader.threads


async def test_many_clients_cost_as_much_as_one() -> None:
    reader = Reader()
    async with sampling(reader) as sampler:
        readings = await asyncio.gather(*(sampler.look(30) for _ in range(50)))
        again = await asyncio.gather(*(sampler.look(30) for _ in range(50)))
        assert reader.reads == 1
        assert {id(reading) for reading in (*readings, *again)} == {id(readings[0])}


async def test_reads_anew_for_who_wants_it_newer() -> None:
    reader = Reader()
    async with sampling(reader) as sampler:
        first = await sampler.look(30)
        await asyncio.sleep(0.06)
        assert await sampler.look(0.05) is not first
        assert reader.reads == 2


async def test_sleeps_when_nobody_asks() -> None:
    reader = Reader()
    async with sampling(reader) as sampler:
        await sampler.look()
        await asyncio.sleep(0.3)
        assert reader.reads == 1


async def test_watches_for_activity_with_little() -> None:
    reader = Reader()
    seen: list[Reading] = []
    async with sampling(reader, background_seconds=0.05, on_reading=seen.append) as sampler:
        sampler.start()
        await until(lambda: len(seen) >= 3)
    assert not any(reader.full)
    assert threading.get_ident() not in reader.threads


async def test_who_looks_gets_all_though_a_small_reading_is_under_way() -> None:
    reader = Reader()
    reader.let.clear()
    async with sampling(reader, background_seconds=60.0) as sampler:
        sampler.start()
        asked = asyncio.create_task(sampler.look())
        await asyncio.sleep(0.05)
        reader.let.set()
        assert (await asked).full
        assert reader.full == [False, True]


async def test_does_not_watch_while_someone_looks_anyway() -> None:
    reader = Reader()
    async with sampling(reader, background_seconds=0.2) as sampler:
        sampler.start()
        for _ in range(30):
            await sampler.look(0.02)
            await asyncio.sleep(0.02)
    assert reader.full.count(False) <= 1


async def test_a_driver_that_hangs_is_said_and_blocks_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(module, "HANG_SECONDS", 0.3)
    reader = Reader()
    reader.let.clear()
    async with sampling(reader) as sampler:
        assert (await sampler.look()).state is State.STARTING
        await asyncio.sleep(0.4)
        answers = await asyncio.gather(*(sampler.look() for _ in range(20)))
        assert {answer.state for answer in answers} == {State.DRIVER_HUNG}
        assert "has not answered" in answers[0].message
        reader.let.set()
        await until(lambda: reader.reads > 0)
        assert (await sampler.look()).state is State.OK
    assert len(reader.threads) == 1


async def test_ends_and_closes_the_driver() -> None:
    reader = Reader()
    async with sampling(reader) as sampler:
        await sampler.look()
    await until(reader.closed.is_set)


async def test_ends_before_it_began() -> None:
    reader = Reader()
    sampler = Sampler(reader, loop=asyncio.get_running_loop(), background_seconds=1.0)
    sampler.close()
    sampler.start()
    assert sampler._thread is None
