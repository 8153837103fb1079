"""GET /hub/studiolo/capacity: what is free, for everybody who is signed in; JSON or a stream.

Shown are the profiles that one may use and the quotas that one is bound by, and nothing of anybody
else. With `Accept: text/event-stream` the same document comes again whenever it changes. A menu
names whom and which workspace it is for (`user`, `server`).
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from jupyterhub.user import User
from studiolo_spawner.errors import StudioloError
from studiolo_spawner.shared_parts import SharedParts
from studiolo_spawner.translation import translate as _
from tornado import web

from studiolo_hub.answers import Refused
from studiolo_hub.capacity_feed import CapacityFeed, TooManyPages
from studiolo_hub.event_stream import EventStreamHandler, data
from studiolo_hub.workspace_reading import person_of


class CapacityHandler(EventStreamHandler):
    """What is free now."""

    def initialize(self, feed: CapacityFeed) -> None:
        """Take the hub's one feed."""
        self.feed = feed

    only_for_programs = True

    async def get(self) -> None:
        """Answer with the document, or with a stream of it."""
        reader = self.current_user
        if not isinstance(reader, User):
            raise web.HTTPError(403)
        user = self._chooser(reader)
        parts, person = await self._parts(user), person_of(user)
        server = self.get_argument("server", "")
        if "text/event-stream" not in self.request.headers.get("Accept", ""):
            self.set_header("Content-Type", "application/json")
            self.set_header("Cache-Control", "no-store")
            self.finish(self.feed.board(parts, self.db).text_for(person, server))
            return
        try:
            texts = self.feed.open(parts, person, self.db, server=server, reader=reader.name)
        except TooManyPages:
            raise Refused(
                429,
                "too_many",
                _("Too many pages are open."),
                _("Close some, or look again later."),
            ) from None
        await self.stream(_events(texts))

    def _chooser(self, reader: User) -> User:
        """Who the open menu is for: whoever may start for others is told what holds for those."""
        name = self.get_argument("user", reader.name)
        if name == reader.name:
            return reader
        user = self.find_user(name)
        if user is None or not self.get_scope_filter("start:servers")(user.orm_user, "user"):
            raise web.HTTPError(404)
        return user

    async def _parts(self, user: Any) -> SharedParts:
        try:
            parts: SharedParts = await user.spawner.parts()
        except StudioloError:
            raise Refused(
                503,
                "no_catalogue",
                _("There is no catalogue to start from."),
                _("Tell an administrator."),
            ) from None
        return parts


async def _events(texts: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    async with aclosing(texts):
        async for text in texts:
            yield data(text)


def capacity_handlers() -> list[tuple[Any, ...]]:
    """Return the handlers for JupyterHub's `extra_handlers`."""
    return [(r"/studiolo/capacity", CapacityHandler, {"feed": CapacityFeed()})]
