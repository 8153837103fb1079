"""GET /hub/studiolo/events: a person's workspaces, told to their open pages at every change.

The usual event is JSON for programs (tests/contract/workspaces.json); `cards` are the home page's
own cards, made by the template that made the page, so that a page and its changes cannot differ.
"""

import json
from typing import Any, ClassVar

from jupyterhub.scopes import needs_scope
from jupyterhub.user import User
from studiolo_spawner.translation import translate as _
from tornado import web

from studiolo_hub.answers import VERSION, Refused
from studiolo_hub.event_stream import EventStreamHandler, data
from studiolo_hub.pages import Pages
from studiolo_hub.workspace_feed import TooManyStreams


class EventsHandler(EventStreamHandler):
    """The stream of one's own workspaces."""

    # As of JupyterHub's API: a page that reads by script has the token in the address.
    _xsrf_safe_methods: ClassVar[set[str]] = {"HEAD", "OPTIONS"}

    def initialize(self, pages: Pages) -> None:
        """Take what the pages know."""
        self.pages = pages

    async def get(self) -> None:
        """Stream until the reader goes."""
        if not isinstance(self.current_user, User):
            raise web.HTTPError(403)
        await self._stream(self.current_user.name)

    @needs_scope("read:servers")
    async def _stream(self, user_name: str) -> None:
        user = self.person_of(user_name)
        await self.pages.follow()
        try:
            events = self.pages.feed.open(user.name, lambda: self._text(user))
        except TooManyStreams:
            raise Refused(
                429, "too_many", _("Too many pages are open."), _("Close some.")
            ) from None
        await self.stream(events)

    async def _text(self, user: Any) -> str:
        views = self.pages.reader.views(user)
        told = {"version": VERSION, "workspaces": [view.to_json() for view in views]}
        template = self.get_template("workspace_cards.html")
        html = await template.render_async(
            workspaces=views,
            studiolo=self.pages,
            base_url=self.hub.base_url,
            prefix=self.base_url,
            # The pages have each their own; the script puts it in.
            xsrf_token="",
        )
        return f"{data(json.dumps(told))}\n\n{data(html, event='cards')}"
