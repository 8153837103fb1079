"""Tells people's open pages what became of their workspaces, when it changes. No I/O of its own.

A page subscribes and gets a stream of texts: how things stand, and then each change. Guarantees:
one text is made for each change and person, however many pages are open; changes that come together
make one text; a slow reader skips to the newest; nobody listening costs nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self

from jupyterhub import orm
from sqlalchemy import event
from studiolo_spawner.changes import Changes, changes

#: What happens at once is told as one change.
SETTLE_SECONDS = 0.1

#: Open pages of one person; more are told to come again.
MAX_STREAMS = 20

Render = Callable[[], Awaitable[str]]


class TooManyStreams(Exception):  # noqa: N818 - a refusal
    """This person has too many pages open."""


@dataclass
class _Reader:
    text: str = ""
    new: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, text: str) -> None:
        self.text = text
        self.new.set()


@dataclass
class _Topic:
    """One person whose pages are open."""

    render: Render
    readers: list[_Reader] = field(default_factory=list)
    latest: str = ""
    telling: asyncio.Task[None] | None = None
    stale: bool = True


class WorkspaceFeed:
    """The streams of all people. `follow` begins to listen for changes."""

    def __init__(self, source: Changes = changes) -> None:
        self._topics: dict[str, _Topic] = {}
        self._source = source
        self._end: Callable[[], None] | None = None

    def __deepcopy__(self, _memo: object) -> Self:
        """Stay one: JupyterHub copies its configuration."""
        return self

    def tell(self, user_name: str, _server_name: str = "") -> None:
        """Have the pages of this person told how things stand, in a moment."""
        topic = self._topics.get(user_name)
        if topic is None:
            return
        topic.stale = True
        if topic.telling is None or topic.telling.done():
            topic.telling = asyncio.create_task(self._tell(topic), name="tell a person's pages")

    def tell_all(self) -> None:
        """The same for everybody, when what changed is everybody's (the catalogue, the cluster)."""
        for user_name in self._topics:
            self.tell(user_name)

    def open(self, user_name: str, render: Render) -> AsyncGenerator[str, None]:
        """Return a stream of how things stand, and of each change. Raises TooManyStreams."""
        if self._end is None:
            self._end = self._source.subscribe(self.tell)
        topic = self._topics.setdefault(user_name, _Topic(render))
        if len(topic.readers) >= MAX_STREAMS:
            raise TooManyStreams
        topic.render = render
        reader = _Reader()
        topic.readers.append(reader)
        if topic.latest and not topic.stale:
            reader.offer(topic.latest)
        else:
            self.tell(user_name)
        return self._read(user_name, topic, reader)

    async def _read(
        self, user_name: str, topic: _Topic, reader: _Reader
    ) -> AsyncGenerator[str, None]:
        try:
            while True:
                await reader.new.wait()
                reader.new.clear()
                yield reader.text
        finally:
            topic.readers.remove(reader)
            if not topic.readers and self._topics.get(user_name) is topic:
                del self._topics[user_name]

    async def _tell(self, topic: _Topic) -> None:
        while topic.stale and topic.readers:
            if topic.latest:
                await asyncio.sleep(SETTLE_SECONDS)
            topic.stale = False
            text = await topic.render()
            if text == topic.latest:
                continue
            topic.latest = text
            for reader in topic.readers:
                reader.offer(text)


@cache
def hear_database() -> None:
    """Have what JupyterHub writes about workspaces told, too: activity, new names, new ones.

    Names are set and rows come and go by its own API as well as by our pages.
    """
    for attribute in (orm.Spawner.display_name, orm.Spawner.last_activity):
        event.listen(attribute, "set", _row_changed)
    for happening in ("after_insert", "after_delete"):
        event.listen(orm.Spawner, happening, lambda _mapper, _link, row: _row_changed(row))


def _row_changed(row: Any, *_rest: Any) -> None:
    # Only what is loaded is asked, as this is called amid the writing.
    user = row.__dict__.get("user")
    if user is not None:
        changes.tell(user.name, row.name or "")
