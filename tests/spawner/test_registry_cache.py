"""Caches that forget, flights that are shared, breakers that close again."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.registry_answer import Outcome
from studiolo_spawner.registry_breaker import MAX_REGISTRIES, Breakers
from studiolo_spawner.registry_cache import ExpiringCache, SingleFlight


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_cache_forgets_in_time() -> None:
    clock = Clock()
    cache: ExpiringCache[str, int] = ExpiringCache(8, clock)
    cache.put("short", 1, 10)
    cache.put("for ever", 2, None)
    clock.now = 9.9
    assert (cache.get("short"), cache.get("for ever")) == (1, 2)
    clock.now = 10
    assert (cache.get("short"), cache.get("for ever")) == (None, 2)
    assert len(cache) == 1


def test_cache_forgets_what_was_not_used() -> None:
    cache: ExpiringCache[str, int] = ExpiringCache(2, Clock())
    cache.put("a", 1, None)
    cache.put("b", 2, None)
    assert cache.get("a") == 1
    cache.put("c", 3, None)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)


@given(st.lists(st.tuples(st.integers(0, 50), st.none() | st.floats(0, 10)), max_size=200))
def test_cache_is_bounded(puts: list[tuple[int, float | None]]) -> None:
    cache: ExpiringCache[int, int] = ExpiringCache(16, Clock())
    for key, seconds in puts:
        cache.put(key, key, seconds)
        assert len(cache) <= 16


async def test_flight_is_shared_and_then_over() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    starts = 0

    async def start() -> int:
        nonlocal starts
        starts += 1
        await asyncio.sleep(0)
        return starts

    assert await asyncio.gather(*(flights.run("a", start) for _ in range(50))) == [1] * 50
    assert len(flights) == 0
    assert await flights.run("a", start) == 2


async def test_failure_reaches_everybody_and_is_not_kept() -> None:
    flights: SingleFlight[str, int] = SingleFlight()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise RuntimeError("a bug")

    results = await asyncio.gather(
        *(flights.run("a", fail) for _ in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [RuntimeError] * 3
    assert len(flights) == 0


async def test_breaker_closes_when_the_registry_answers() -> None:
    breakers = Breakers(Clock(), first_interval=0.001)
    answers = [False, False, True]
    asked = asyncio.Event()

    async def probe() -> bool:
        if len(answers) == 1:
            asked.set()
        return answers.pop(0)

    breakers.trip("a.example", "away", probe)
    breakers.trip("a.example", "away", probe)
    assert breakers.reason_of("a.example") == (Outcome.UNREACHABLE, "away")
    assert breakers.reason_of("b.example") is None
    async with asyncio.timeout(5):
        await asked.wait()
        while breakers.reason_of("a.example") is not None:
            await asyncio.sleep(0)
    assert answers == []
    await breakers.close()


async def test_nobody_asks_so_nobody_probes() -> None:
    clock = Clock()
    breakers = Breakers(clock, first_interval=0.001)
    probes = 0

    async def probe() -> bool:
        nonlocal probes
        probes += 1
        return False

    breakers.trip("a.example", "away", probe)
    clock.now = 3601
    async with asyncio.timeout(5):
        while breakers._probes:
            await asyncio.sleep(0.001)
    assert probes == 0
    # Whoever comes next finds out for himself
    assert breakers.reason_of("a.example") is None
    await breakers.close()


async def test_breakers_are_bounded() -> None:
    breakers = Breakers(Clock())
    for number in range(MAX_REGISTRIES + 5):
        breakers.wait(f"{number}.example", "asked to wait", 10)
    open_now = [n for n in range(MAX_REGISTRIES + 5) if breakers.reason_of(f"{n}.example")]
    assert len(open_now) == MAX_REGISTRIES
    await breakers.close()


async def test_waiting_is_over_in_time() -> None:
    clock = Clock()
    breakers = Breakers(clock)
    breakers.wait("a.example", "asked to wait", 10)
    assert breakers.reason_of("a.example") == (Outcome.RATE_LIMITED, "asked to wait")
    clock.now = 10
    assert breakers.reason_of("a.example") is None
    await breakers.close()


@pytest.mark.parametrize("tasks", [0, 3])
async def test_close_leaves_no_task(tasks: int) -> None:
    flights: SingleFlight[int, None] = SingleFlight()
    waiting = [
        asyncio.ensure_future(flights.run(n, lambda: asyncio.sleep(60))) for n in range(tasks)
    ]
    await asyncio.sleep(0)
    await flights.close()
    assert len(flights) == 0
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
