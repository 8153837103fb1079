"""What was told to a user during one spawn, for any number of listeners; no I/O.

Every listener hears everything from the beginning, in order, and is woken by what is new; all end
when the journal is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from studiolo_spawner.progress import Message

MAX_MESSAGES = 500


class Journal:
    """The messages of one spawn; ``on_news`` is called whenever something was told."""

    def __init__(self, on_news: Callable[[], None] | None = None) -> None:
        self._on_news = on_news
        self._messages: list[Message] = []
        self._told: set[tuple[int, str]] = set()
        self._changed = asyncio.Event()
        self.closed = False

    def note(self, messages: Iterable[Message], *, chapter: int = 0) -> bool:
        """Add the messages that were not told yet, and tell whether there were any.

        In a new chapter the same words are new.
        """
        before = len(self._messages)
        for message in messages:
            key = (chapter, message.text)
            if self.closed or key in self._told or len(self._messages) >= MAX_MESSAGES:
                continue
            self._told.add(key)
            self._messages.append(replace(message, at=datetime.now(UTC)))
        if len(self._messages) == before:
            return False
        self._wake()
        return True

    @property
    def told(self) -> tuple[Message, ...]:
        """All that was told so far."""
        return tuple(self._messages)

    @property
    def last(self) -> Message | None:
        """What was told last."""
        return self._messages[-1] if self._messages else None

    def close(self) -> None:
        """End: listeners hear what is left and finish."""
        self.closed = True
        self._wake()

    async def follow(self) -> AsyncIterator[Message]:
        """Yield every message from the first on, until the journal is closed."""
        heard = 0
        while True:
            changed = self._changed
            while heard < len(self._messages):
                heard += 1
                yield self._messages[heard - 1]
            if self.closed:
                return
            # The event that was current before the messages were read: nothing can be missed.
            await changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        if self._on_news is not None:
            self._on_news()
