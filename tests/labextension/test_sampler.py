"""One sampler for all: how often the driver is asked, by whom, and what is said when it hangs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from jupyterlab_studiolo import sampler as module
from jupyterlab_studiolo.devices import GpuSample, Reading, State
from jupyterlab_studiolo.sampler import Sampler


class Reader:
    """A driver that counts, and can be held."""

    def __init__(self) -> None:
        self.reads = 0
        self.threads: set[int] = set()
        self.closed = threading.Event()
        self.let = threading.Event()
        self.let.set()

    def read(self) -> Reading:
        self.threads.add(threading.get_ident())
        self.let.wait(20)
        self.reads += 1
        return Reading(State.OK, time.time(), samples=(GpuSample("a", f"read {self.reads}", 0),))

    def close(self) -> None:
        self.closed.set()


@asynccontextmanager
async def sampling(reader: Reader, **options: float | None) -> AsyncIterator[Sampler]:
    settings = {"interval": 0.05, "linger": 0.2, "watch_seconds": None} | options
    sampler = Sampler(reader, **settings)  # type: ignore[arg-type]
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
    async with sampling(reader, interval=30.0, linger=60.0) as sampler:
        readings = await asyncio.gather(*(sampler.look() for _ in range(50)))
        again = await asyncio.gather(*(sampler.look() for _ in range(50)))
        assert reader.reads == 1
        assert {id(reading) for reading in (*readings, *again)} == {id(readings[0])}


async def test_goes_on_while_someone_looks_and_sleeps_after() -> None:
    reader = Reader()
    async with sampling(reader) as sampler:
        while reader.reads < 4:
            await sampler.look()
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.4)  # linger is 0.2
        asleep = reader.reads
        await asyncio.sleep(0.3)
        assert reader.reads == asleep
        assert len(sampler.history.since(0).times) >= 3


async def test_wakes_for_who_looks_again() -> None:
    reader = Reader()
    async with sampling(reader, watch_seconds=60.0) as sampler:
        first = await sampler.look()
        await asyncio.sleep(0.4)
        second = await sampler.look()
        assert second is not first
        count = reader.reads
        await until(lambda: reader.reads > count)  # and not only in 60 seconds


async def test_reads_more_often_as_soon_as_someone_looks() -> None:
    reader = Reader()
    async with sampling(reader, interval=0.3, linger=5.0, watch_seconds=60.0) as sampler:
        sampler.start()
        await until(lambda: reader.reads == 1)
        await sampler.look()  # answered with what is there
        await until(lambda: reader.reads == 2)


async def test_watches_for_activity_unasked() -> None:
    reader = Reader()
    seen: list[Reading] = []
    sampler = Sampler(reader, on_reading=seen.append, interval=0.05, linger=0.2, watch_seconds=0.05)
    sampler.start()
    try:
        await until(lambda: len(seen) >= 3)
    finally:
        sampler.close()


async def test_a_driver_that_hangs_is_said_and_blocks_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FIRST_ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(module, "HANG_SECONDS", 0.3)
    reader = Reader()
    reader.let.clear()
    async with sampling(reader) as sampler:
        assert (await sampler.look()).state is State.STARTING
        await asyncio.sleep(0.4)
        assert (await sampler.look()).state is State.DRIVER_ERROR
        reader.let.set()
        await until(lambda: reader.reads > 0)
        assert (await sampler.look()).state is State.OK


async def test_ends_and_closes_the_driver() -> None:
    reader = Reader()
    async with sampling(reader) as sampler:
        await sampler.look()
    await until(reader.closed.is_set)


def test_ends_before_it_began() -> None:
    reader = Reader()
    sampler = Sampler(reader, watch_seconds=1.0)
    sampler.close()
    sampler.start()
    assert sampler._thread is None
