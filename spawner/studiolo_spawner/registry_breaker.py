"""One circuit breaker per registry: a registry that hangs costs its timeout once.

While a registry is known to be silent, checks are answered at once with what is known. It is asked
again in the background, at growing intervals, so that nobody's start pays for finding out that it
is still away; the first answer of any kind closes the breaker. Bounded: one entry and one task per
registry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from studiolo_spawner.registry_answer import Outcome
from studiolo_spawner.registry_cache import Clock, end_tasks

MAX_REGISTRIES: Final = 256
FIRST_INTERVAL: Final = 5.0
_LAST_INTERVAL: Final = 60.0
# A registry that nobody asks for is not asked for either
_IDLE_SECONDS: Final = 3600.0


@dataclass(slots=True)
class _Open:
    outcome: Outcome
    detail: str
    until: float | None
    asked_at: float


class Breakers:
    """Which registries are to be left alone, and why."""

    def __init__(self, clock: Clock, *, first_interval: float = FIRST_INTERVAL) -> None:
        self._clock = clock
        self._first_interval = first_interval
        self._open: dict[str, _Open] = {}
        self._probes: dict[str, asyncio.Task[None]] = {}

    def reason_of(self, registry: str) -> tuple[Outcome, str] | None:
        """Outcome and detail while the registry is to be left alone; None when it may be asked."""
        entry = self._open.get(registry)
        if entry is None:
            return None
        now = self._clock()
        if entry.until is not None and now >= entry.until:
            del self._open[registry]
            return None
        entry.asked_at = now
        return entry.outcome, entry.detail

    def wait(self, registry: str, detail: str, seconds: float) -> None:
        """Leave the registry alone for as long as it asked for."""
        if self._has_room(registry) and registry not in self._probes:
            now = self._clock()
            self._open[registry] = _Open(Outcome.RATE_LIMITED, detail, now + seconds, now)

    def trip(self, registry: str, detail: str, probe: Callable[[], Awaitable[bool]]) -> None:
        """Leave a silent registry alone until ``probe`` says that it answers again."""
        if registry in self._probes or not self._has_room(registry):
            return
        self._open[registry] = _Open(Outcome.UNREACHABLE, detail, None, self._clock())
        self._probes[registry] = asyncio.ensure_future(self._revive(registry, probe))

    async def close(self) -> None:
        """End all probing."""
        await end_tasks(self._probes.values())
        self._probes.clear()
        self._open.clear()

    def _has_room(self, registry: str) -> bool:
        return registry in self._open or len(self._open) < MAX_REGISTRIES

    async def _revive(self, registry: str, probe: Callable[[], Awaitable[bool]]) -> None:
        interval = self._first_interval
        try:
            while True:
                await asyncio.sleep(interval)
                entry = self._open.get(registry)
                if entry is None or self._clock() - entry.asked_at > _IDLE_SECONDS:
                    return
                if await probe():
                    return
                interval = min(interval * 2, _LAST_INTERVAL)
        finally:
            self._open.pop(registry, None)
            self._probes.pop(registry, None)
