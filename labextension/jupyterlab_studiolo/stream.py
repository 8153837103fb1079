"""The state as server-sent events: put together and written as JSON once, for all who look. I/O.

Guarantees: while nobody is connected nothing happens; a client that takes its frames too slowly
gets fewer of them and holds up nobody; a stream ends after `LONGEST_SECONDS`, and who connects
again is authenticated again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

HEARTBEAT_SECONDS: Final = 15.0
LONGEST_SECONDS: Final = 600.0
EARLY: Final = 0.1
"""A part of a client's interval by which its next frame may come early."""

log = logging.getLogger("jupyterlab_studiolo")


class Listener(Protocol):
    """One client."""

    interval: float

    def send(self, frame: bytes) -> None:
        """Writes, or leaves the frame out when the last one is still on its way."""
        ...


class Broadcaster:
    """Sends frames for as long as there are listeners."""

    def __init__(self, state: Callable[[float], Awaitable[dict[str, Any]]]) -> None:
        self._state = state
        self._due: dict[Listener, float] = {}
        self._task: asyncio.Task[None] | None = None
        self._joined = asyncio.Event()

    def join(self, listener: Listener) -> None:
        """The first frame comes as soon as there is one."""
        self._due[listener] = float("-inf")
        self._joined.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def leave(self, listener: Listener) -> None:
        """No more frames."""
        self._due.pop(listener, None)

    async def _run(self) -> None:
        while self._due:
            self._joined.clear()
            interval = min(listener.interval for listener in self._due)
            began = time.monotonic()
            try:
                frame = frame_of(await self._state(interval))
            except Exception as error:  # noqa: BLE001 - others must get their next frame
                log.warning("The state could not be told: %s", type(error).__name__)
            else:
                self._send(frame)
            left = interval - (time.monotonic() - began)
            try:
                # Not less than a moment: also a slow machine has other things to do.
                await asyncio.wait_for(self._joined.wait(), max(0.05, left))
            except TimeoutError:
                continue

    def _send(self, frame: bytes) -> None:
        now = time.monotonic()
        for listener, due in list(self._due.items()):
            if now >= due:
                self._due[listener] = now + listener.interval * (1 - EARLY)
                listener.send(frame)


def frame_of(state: dict[str, Any]) -> bytes:
    """https://html.spec.whatwg.org/multipage/server-sent-events.html"""
    text = json.dumps(state, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return f"event: state\ndata: {text}\n\n".encode()
