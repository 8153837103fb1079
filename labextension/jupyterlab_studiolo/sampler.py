"""One sampler for all who look. I/O: one worker thread that calls a `GpuReader`.

Guarantees: the event loop never calls a driver; one reading is under way at a time, and who asks
meanwhile shares it, so the number of driver calls does not grow with the number of clients; while
nobody asks the thread sleeps and wakes once each `background_seconds` for the activity (never, when
that is None); a driver that hangs blocks this thread alone, and those who look are told so.

Everything but `_run` happens on the event loop, so there are no locks.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from jupyterlab_studiolo.devices import GpuReader, Reading, State
from jupyterlab_studiolo.said import Said

INTERVAL_SECONDS: Final = 2.0
BACKGROUND_SECONDS: Final = 30.0
ANSWER_SECONDS: Final = 2.0
HANG_SECONDS: Final = 8.0
FRESH: Final = 0.9
"""A reading serves whoever asks within this part of their interval."""

log = logging.getLogger("jupyterlab_studiolo")


class Sampler:
    """Reads by demand. `on_reading` is called on the event loop with each new reading."""

    def __init__(
        self,
        reader: GpuReader,
        *,
        loop: asyncio.AbstractEventLoop,
        on_reading: Callable[[Reading], None] = lambda _reading: None,
        background_seconds: float | None = BACKGROUND_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._loop = loop
        self.on_reading = on_reading
        self._background_seconds = background_seconds
        self._clock = clock
        self._latest: Reading | None = None
        self._latest_at = float("-inf")
        self._pending: asyncio.Future[None] | None = None
        self._pending_since = 0.0
        self._closed = False
        self._orders: SimpleQueue[bool | None] = SimpleQueue()  # full or not; None: end
        self._thread: threading.Thread | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def latest(self) -> Reading | None:
        """The newest reading, of whatever age, also one that is not full."""
        return self._latest

    def start(self) -> None:
        """Begins to watch for activity; without `background_seconds` it waits to be asked."""
        if self._background_seconds is not None and not self._closed:
            self._in_background()

    async def look(self, interval: float = INTERVAL_SECONDS) -> Reading:
        """A full reading no older than `interval`. Answers within seconds, always."""
        deadline = self._clock() + ANSWER_SECONDS
        while not self._is_fresh(interval * FRESH):
            left = deadline - self._clock()
            if left <= 0 or self._closed:
                break
            # A reading for the background alone may be under way: then there is a second round.
            await asyncio.wait({self._ask(full=True)}, timeout=left)
        return self._best_answer()

    def close(self) -> None:
        """Ends the thread after the read that is under way, and closes the driver."""
        self._closed = True
        self._orders.put(None)
        if self._timer is not None:
            self._timer.cancel()

    def _is_fresh(self, age: float) -> bool:
        latest = self._latest
        return latest is not None and latest.full and self._clock() - self._latest_at < age

    def _ask(self, *, full: bool) -> asyncio.Future[None]:
        """Orders a reading, or joins the one that is under way."""
        if self._pending is None:
            self._pending = self._loop.create_future()
            self._pending_since = self._clock()
            self._orders.put(full)
            if self._thread is None:
                # A daemon: a driver call that hangs must not keep the server from ending.
                self._thread = threading.Thread(target=self._run, name="studiolo-gpu", daemon=True)
                self._thread.start()
        return self._pending

    def _in_background(self) -> None:
        if self._closed or self._background_seconds is None:
            return
        if self._clock() - self._latest_at >= self._background_seconds * FRESH:
            self._ask(full=False)
        self._timer = self._loop.call_later(self._background_seconds, self._in_background)

    def _run(self) -> None:
        while (full := self._orders.get()) is not None:
            reading = self._reader.read(full=full)
            try:
                self._loop.call_soon_threadsafe(self._done, reading)
            except RuntimeError:  # the server has ended; nobody waits any more
                break
        self._reader.close()

    def _done(self, reading: Reading) -> None:
        self._latest = reading
        self._latest_at = self._pending_since
        pending, self._pending = self._pending, None
        if pending is not None and not pending.done():
            pending.set_result(None)
        self.on_reading(reading)

    def _best_answer(self) -> Reading:
        if self._pending is not None:
            waited = self._clock() - self._pending_since
            if waited > HANG_SECONDS:
                return Reading(
                    State.DRIVER_HUNG,
                    time.time(),
                    Said("The GPU driver has not answered for %1 seconds.", round(waited)),
                    Said("If it stays so, save your work, stop the workspace and start it again."),
                )
        latest = self._latest
        if latest is not None and latest.full:
            return latest
        return Reading(State.STARTING, time.time(), Said("The GPU driver is being asked."))
