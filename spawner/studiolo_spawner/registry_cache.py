"""Remembering answers for a while, and asking once where many ask at the same time.

No I/O. Everything here is bounded; the clock is passed in.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Clock = Callable[[], float]


class ExpiringCache(Generic[K, V]):
    """The most recently used values, each for as long as it was given; None lives for ever."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._entries: OrderedDict[K, tuple[V, float | None]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The value, if it is there and still alive."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, dies_at = entry
        if dies_at is not None and self._clock() >= dies_at:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V, seconds: float | None) -> None:
        """Keep the value; the one that was not used for longest makes room."""
        self._entries[key] = (value, None if seconds is None else self._clock() + seconds)
        self._entries.move_to_end(key)
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forget the value."""
        self._entries.pop(key, None)


class SingleFlight(Generic[K, V]):
    """One task for each key at a time; all who ask meanwhile get its result.

    Who stops waiting does not stop the task: the others still wait for it.
    """

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[V]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    async def run(self, key: K, start: Callable[[], Awaitable[V]]) -> V:
        """The result of the task under way for the key, or of a new one."""
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.ensure_future(self._land(key, start))
            self._tasks[key] = task
        return await asyncio.shield(task)

    async def _land(self, key: K, start: Callable[[], Awaitable[V]]) -> V:
        try:
            return await start()
        finally:
            self._tasks.pop(key, None)

    async def close(self) -> None:
        """End what is under way."""
        await end_tasks(self._tasks.values())
        self._tasks.clear()


async def end_tasks(tasks: Iterable[asyncio.Task[V]]) -> None:
    """Cancel tasks and wait until they are gone; what they raised is of no interest any more."""
    ending = [task for task in tuple(tasks) if not task.done()]
    for task in ending:
        task.cancel()
    # gather, unlike await in a loop, tells the tasks' cancellation apart from our own
    await asyncio.gather(*ending, return_exceptions=True)
