"""One sampler for all who look. I/O: one worker thread that calls a `GpuReader`.

Guarantees: the event loop never calls a driver; the number of driver calls does not grow with the
number of clients; while nobody has looked for `linger` seconds the thread sleeps and wakes once
each `watch_seconds` for the activity (never, when that is None); a driver that hangs blocks this
thread alone, and those who look are told so.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from jupyterlab_studiolo.devices import GpuReader, Reading, State
from jupyterlab_studiolo.history import History

INTERVAL_SECONDS: Final = 2.0
LINGER_SECONDS: Final = 15.0
WATCH_SECONDS: Final = 30.0
FIRST_ANSWER_SECONDS: Final = 2.0
HANG_SECONDS: Final = 8.0

log = logging.getLogger("jupyterlab_studiolo")

Waiter = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class Sampler:
    """Reads by demand. `on_reading` is called in the worker thread with each new reading."""

    def __init__(
        self,
        reader: GpuReader,
        *,
        on_reading: Callable[[Reading], None] = lambda _reading: None,
        watch_seconds: float | None = WATCH_SECONDS,
        interval: float = INTERVAL_SECONDS,
        linger: float = LINGER_SECONDS,
    ) -> None:
        self.interval = interval
        self.history = History(spacing=interval)
        self._reader = reader
        self._on_reading = on_reading
        self._watch_seconds = watch_seconds
        self._linger = linger
        self._latest: Reading | None = None
        self._read_at = float("-inf")
        self._asked_since: float | None = None  # a read is under way since then
        self._looked_at = float("-inf")
        self._waiters: list[Waiter] = []
        self._closed = False
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to watch for activity; without `watch_seconds` it waits for the first look."""
        if self._watch_seconds is not None:
            with self._wake:
                self._ensure_thread()

    async def look(self) -> Reading:
        """The newest reading, and the wish for more of them. Answers within seconds, always."""
        now = time.monotonic()
        with self._wake:
            if now - self._looked_at >= self._linger:
                self._wake.notify()  # from now on the thread is to read more often
            self._looked_at = now
            self._ensure_thread()
            fresh = self._latest is not None and now - self._read_at < 2 * self.interval
            if fresh and self._latest is not None:
                return self._latest
            loop = asyncio.get_running_loop()
            waiter: Waiter = (loop, loop.create_future())
            self._waiters.append(waiter)
            self._wake.notify()
        try:
            await asyncio.wait_for(waiter[1], FIRST_ANSWER_SECONDS)
        except TimeoutError:
            with self._wake:
                self._waiters = [other for other in self._waiters if other is not waiter]
        return self._best_answer()

    def close(self) -> None:
        """Ends the thread after the read that is under way, and closes the driver."""
        with self._wake:
            self._closed = True
            self._wake.notify()

    def _best_answer(self) -> Reading:
        with self._wake:
            latest, since = self._latest, self._asked_since
        if since is not None and time.monotonic() - since > HANG_SECONDS:
            return Reading(
                State.DRIVER_ERROR,
                time.time(),
                "The GPU driver has not answered for some seconds.",
                "If it stays so, save your work, stop the workspace and start it again.",
            )
        return latest or Reading(State.STARTING, time.time(), "The GPU driver is being asked.")

    def _ensure_thread(self) -> None:
        if self._thread is None and not self._closed:
            # A daemon: a driver call that hangs must not keep the server from ending.
            self._thread = threading.Thread(target=self._run, name="studiolo-gpu", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while self._wait_until_due():
            self._read()
        self._reader.close()

    def _wait_until_due(self) -> bool:
        """Blocks until a reading is wanted. False when it is time to end."""
        with self._wake:
            while not self._closed:
                now = time.monotonic()
                delay = self._seconds_until_due(now)
                if delay is not None and delay <= 0:
                    self._asked_since = now
                    return True
                self._wake.wait(delay)
            return False

    def _seconds_until_due(self, now: float) -> float | None:
        if now - self._looked_at < self._linger:
            return self._read_at + self.interval - now
        if self._watch_seconds is None:
            return None
        return self._read_at + self._watch_seconds - now

    def _read(self) -> None:
        started = time.monotonic()
        reading = self._reader.read()
        self.history.add(reading)
        with self._wake:
            self._latest = reading
            self._read_at = started
            self._asked_since = None
            waiters, self._waiters = self._waiters, []
        for loop, future in waiters:
            try:
                loop.call_soon_threadsafe(_resolve, future)
            except RuntimeError:  # the loop has ended; nobody waits any more
                log.debug("A client went away before its GPU reading came.")
        self._on_reading(reading)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
