"""Tells open pages what is free and what of their quotas is in use, when it changes. No I/O.

Guarantees: everything is counted once for each change, at most once a second, however many pages
are open, and not at all while none is; whoever sees the same gets the same text, made once; a slow
reader skips to the newest. Nothing asks the cluster: the hub's one watch is all there is. While the
hub's database is away, pages keep what they have, and hear the rest when it is back.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy.exc import SQLAlchemyError
from studiolo_spawner.capacity_view import Board
from studiolo_spawner.offer import Person
from studiolo_spawner.quotas import Held
from studiolo_spawner.shared_parts import SharedParts

log = logging.getLogger(__name__)

PACE_SECONDS = 1.0
"""Least time between two changes that are told."""

LOOK_SECONDS = 5.0
"""How often it is looked for what nothing tells: a new catalogue, a watch that has been cut."""

MAX_STREAMS = 2000
MAX_STREAMS_EACH = 10
"""Open pages of all people, and of one."""


class TooManyPages(Exception):  # noqa: N818 - a refusal
    """This person, or all together, have too many pages open."""


class CapacityFeed:
    """The streams of all people."""

    def __init__(self, *, pace: float = PACE_SECONDS) -> None:
        self._pace = pace
        self._readers: set[asyncio.Event] = set()
        self._open: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self._board: Board | None = None
        self._basis: tuple[object, ...] = ()
        self._telling: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def __deepcopy__(self, _memo: object) -> Self:
        """Stay one: JupyterHub copies its configuration."""
        return self

    def board(self, parts: SharedParts, session: Any) -> Board:
        """How things stand now; counted anew only if something has changed since."""
        cluster, catalogue = parts.cluster, parts.catalogue.snapshot
        changes = (cluster.changes, cluster.known) if cluster else (0, False)
        # Who is in a group changes what its quota says, and nothing in the cluster tells it.
        basis = (catalogue, changes, parts.gate.changes, parts.gate.members(catalogue, session))
        if self._board is None or basis != self._basis:
            seen = cluster.holders() if cluster and catalogue.quotas else ()
            self._board = Board(
                catalogue,
                cluster.capacity(catalogue) if cluster else None,
                Held(parts.gate.holders(seen, catalogue, session)),
                datetime.now(UTC),
            )
            self._basis = basis
        return self._board

    def open(
        self,
        parts: SharedParts,
        person: Person,
        session: Any,
        *,
        server: str = "",
        reader: str = "",
    ) -> AsyncGenerator[str, None]:
        """Return a stream of this person's documents: now, and at each change of what they see.

        ``server``: the workspace that is chosen for; ``reader``: who looks, if it is somebody else.
        Raises TooManyPages.
        """
        reader = reader or person.name
        full = len(self._readers) >= MAX_STREAMS
        if full or self._open[reader] >= MAX_STREAMS_EACH:
            raise TooManyPages
        news = asyncio.Event()
        news.set()
        self._readers.add(news)
        self._open[reader] += 1
        self._listen(parts, session)

        def text() -> str:
            return self.board(parts, session).text_for(person, server)

        return self._read(text, reader, news)

    async def _read(
        self, document: Callable[[], str], reader: str, news: asyncio.Event
    ) -> AsyncGenerator[str, None]:
        told = None
        try:
            while True:
                await news.wait()
                news.clear()
                text = document()
                # Changes of what somebody else sees make a new board, and no news for this one.
                if text[_STAMPED:] != told:
                    told = text[_STAMPED:]
                    yield text
        finally:
            self._close(reader, news)

    def _close(self, name: str, news: asyncio.Event) -> None:
        self._readers.discard(news)
        self._open[name] -= 1
        if not self._open[name]:
            del self._open[name]
        if not self._readers and self._telling is not None:
            self._telling.cancel()
            self._telling = None
            if self._unsubscribe is not None:
                self._unsubscribe()

    def _listen(self, parts: SharedParts, session: Any) -> None:
        if self._telling is None or self._telling.done():
            if parts.cluster is not None:
                self._unsubscribe = parts.cluster.subscribe(self._changed.set)
            task = self._tell(parts, session)
            self._telling = asyncio.create_task(task, name="tell what is free")

    async def _tell(self, parts: SharedParts, session: Any) -> None:
        """Wake the readers when there is a new board, never faster than the pace."""
        last, away = self._board, False
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._changed.wait()
            self._changed.clear()
            try:
                board = self.board(parts, session)
            except SQLAlchemyError as error:
                # As JupyterHub itself does in a request: the next question begins anew.
                session.rollback()
                if not away:
                    log.warning("Quotas are not counted now: %s", type(error).__name__)
                away = True
                await asyncio.sleep(self._pace)
                continue
            away = False
            if board is last:
                continue
            last = board
            for number, news in enumerate(tuple(self._readers)):
                news.set()
                if number % 50 == 49:
                    await asyncio.sleep(0)
            await asyncio.sleep(self._pace)


_STAMPED = len('{"version":1,"at":"2026-03-01T09:30:00Z"')
"""So far a document tells when it was made; what follows is what it says."""
