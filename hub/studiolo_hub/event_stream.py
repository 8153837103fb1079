"""Server-sent events for open pages: sent when there is news, kept alive, ended now and then. I/O.

A stream ends after a while so that whoever reads on has to be let in again: who was signed out, or
lost a permission, hears nothing more. Browsers come back by themselves.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from weakref import WeakSet

from tornado.iostream import StreamClosedError

from studiolo_hub.answers import AnswerHandler

HEARTBEAT_SECONDS = 20.0
LONGEST_SECONDS = 300.0
AGAIN_MILLISECONDS = 2000

_open: WeakSet["EventStreamHandler"] = WeakSet()


class EventStreamHandler(AnswerHandler):
    """A handler whose answer is a stream of events."""

    async def stream(self, events: AsyncGenerator[str, None]) -> None:
        """Send the events, each a whole `data:` text, until the reader or the time is gone."""
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        # Proxies such as nginx would collect what is sent.
        self.set_header("X-Accel-Buffering", "no")
        ends = asyncio.get_running_loop().time() + LONGEST_SECONDS
        self.write(f"retry: {AGAIN_MILLISECONDS}\n\n")
        coming = asyncio.ensure_future(anext(events))
        self._reader = coming
        _open.add(self)
        try:
            await self.flush()
            while asyncio.get_running_loop().time() < ends:
                await asyncio.wait([coming], timeout=HEARTBEAT_SECONDS)
                if not coming.done():
                    self.write(":\n\n")
                else:
                    self.write(f"{coming.result()}\n\n")
                    coming = self._reader = asyncio.ensure_future(anext(events))
                await self.flush()
        except (StreamClosedError, StopAsyncIteration, asyncio.CancelledError):
            pass
        finally:
            _open.discard(self)
            coming.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await coming
            await events.aclose()

    def on_connection_close(self) -> None:
        """The reader has gone: nothing more is waited for."""
        super().on_connection_close()
        self.end_stream()

    def end_stream(self) -> None:
        """Send no more, and end the answer."""
        reader = getattr(self, "_reader", None)
        if reader is not None:
            reader.cancel()


def end_streams_of(user_name: str) -> None:
    """End a person's streams, as they sign out; who is still let in comes back by itself."""
    for handler in tuple(_open):
        user = handler.current_user
        if user is not None and user.name == user_name:
            handler.end_stream()


def data(text: str, event: str = "") -> str:
    """Return a text as one event, which `name`s its kind where it is not the usual one."""
    lines = [f"event: {event}"] if event else []
    return "\n".join([*lines, *(f"data: {line}" for line in text.split("\n"))])
