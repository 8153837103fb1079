"""A watch: every change since a version, as it happens, at the watcher's own pace. Async, no HTTP.

A watcher has no buffer of its own: it reads the store's history from where it stands. One that
falls so far behind that the history has gone is told so (410) and ended, so a slow client costs
nothing but its connection.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable

from studiolo_local.api.entries import Entry, encode, watch_frame
from studiolo_local.api.queries import WatchQuery
from studiolo_local.api.status_errors import ApiError, expired, version_too_large
from studiolo_local.api.store import Store, VersionGone

BOOKMARK_SECONDS = 60.0
_LONGEST_SECONDS = (1800, 3600)
"""How long a watch lasts that does not say: at random, so that clients do not return at once."""

Render = Callable[[Entry], bytes]


class WatchHub:
    """The watches of one store."""

    def __init__(self, store: Store, *, bookmark_seconds: float = BOOKMARK_SECONDS) -> None:
        self._store = store
        self._bookmark_seconds = bookmark_seconds
        self._waiting: set[asyncio.Event] = set()
        self._closed = False
        self._unsubscribe = store.subscribe(lambda _: self._wake())

    def close(self) -> None:
        """End every watch."""
        self._closed = True
        self._unsubscribe()
        self._wake()

    async def stream(
        self, query: WatchQuery, render: Render | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield chunks of whole lines until the watch's time is over.

        :param render: how an object is shown, when not as itself
        """
        loop = asyncio.get_running_loop()
        timeout = query.timeout or random.uniform(*_LONGEST_SECONDS)  # noqa: S311 (no secret)
        deadline = loop.time() + timeout
        lines = _Lines(self._store, query, render)
        wake = asyncio.Event()
        self._waiting.add(wake)
        try:
            bookmark_at = loop.time() + self._bookmark_seconds
            while not self._closed:
                wake.clear()
                if chunk := lines.read():
                    yield chunk
                now = loop.time()
                if lines.ended or now >= deadline:
                    break
                if query.bookmarks and now >= bookmark_at:
                    yield lines.bookmark()
                    bookmark_at = now + self._bookmark_seconds
                await _until(wake, min(deadline, bookmark_at) - now)
            if query.bookmarks and not lines.ended:
                yield lines.bookmark()
        finally:
            self._waiting.discard(wake)

    def _wake(self) -> None:
        for wake in self._waiting:
            wake.set()


class _Lines:
    """Where one watcher stands, and the lines it has not seen."""

    def __init__(self, store: Store, query: WatchQuery, render: Render | None) -> None:
        self._store = store
        self._query = query
        self._render = render
        self._cursor = query.version or 0
        self._begun = False
        self.ended = False

    def read(self) -> bytes:
        """Return the lines of all that happened since the last call."""
        begin = b"" if self._begun else self._begin()
        return begin if self.ended else begin + self._changes()

    def bookmark(self, *, initial_end: bool = False) -> bytes:
        """Return the line that tells the watcher how far it has seen."""
        metadata: dict[str, object] = {"resourceVersion": str(self._cursor)}
        if initial_end:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        resource = self._query.scope.resource
        return watch_frame("BOOKMARK", resource.head + encode({"metadata": metadata})[1:])

    def _begin(self) -> bytes:
        self._begun = True
        query, store = self._query, self._store
        if self._cursor > store.version:
            return self._end(version_too_large(self._cursor, store.version))
        if self._cursor and not query.initial_events:
            return b""
        # "Whatever there is": begin with the present objects as if they had just been made.
        self._cursor = store.version
        if query.initial_events is False:
            return b""
        present = store.entries(query.scope.resource, query.scope.namespace)
        lines = [self._line("ADDED", each) for each in present if query.scope.wants(each)]
        if query.initial_events and query.bookmarks:
            lines.append(self.bookmark(initial_end=True))
        return b"".join(lines)

    def _changes(self) -> bytes:
        scope = self._query.scope
        try:
            changes = self._store.changes(scope.resource, self._cursor)
        except VersionGone as error:
            return self._end(expired(str(error)))
        lines = []
        for change in changes:
            if self._render is None:
                if line := change.frame(scope.wants):
                    lines.append(line)
            elif seen := change.seen_through(scope.wants):
                lines.append(self._line(*seen))
        # Other kinds' changes move it on as well: there is nothing of ours before this version.
        self._cursor = self._store.version
        return b"".join(lines)

    def _line(self, kind: str, entry: Entry) -> bytes:
        return watch_frame(kind, self._render(entry) if self._render else entry.document)

    def _end(self, error: ApiError) -> bytes:
        self.ended = True
        return watch_frame("ERROR", encode(error.status()))


async def _until(wake: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await wake.wait()
    except TimeoutError:
        return
