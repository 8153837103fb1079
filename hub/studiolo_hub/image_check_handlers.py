"""POST /hub/studiolo/image-check: what is to be said of an image that somebody types; JSON.

For people who may start workspaces of their own, by cookie with XSRF token or by API token; each of
them so often and no more. What may be asked about is decided by the spawner's one resolver before
any registry is asked; the answer is always 200 with a decision, for a text that is not finished yet
is no mistake.
"""

import math
from typing import Any

from jupyterhub.user import User
from studiolo_spawner.plain_text import plain
from studiolo_spawner.translation import translate as _
from tornado import web

from studiolo_hub.answers import AnswerHandler, Refused
from studiolo_hub.rate_limit import RateLimit

AT_ONCE = 20
PER_SECOND = 1.0
"""Whoever types makes one request in every pause; a pause is less than a second long."""

_FIELDS = frozenset({"reference", "profile"})


class TooOften(Refused):
    """More requests than anybody types."""

    def __init__(self, seconds: float) -> None:
        super().__init__(429, "too_many", _("You ask too often."), _("Wait a moment."))
        self.headers = {"Retry-After": str(math.ceil(seconds))}


class ImageCheckHandler(AnswerHandler):
    """Checks a reference as a start would."""

    def initialize(self, limit: RateLimit) -> None:
        """Take the limit that all requests share."""
        self.limit = limit

    only_for_programs = True

    async def post(self) -> None:
        """Answer with a decision and its words."""
        user = self._starter()
        body = self.json_body()
        if unknown := sorted(body.keys() - _FIELDS):
            told = _("There is no field %(name)s.") % {"name": repr(plain(unknown[0], 60))}
            raise Refused(400, "bad_request", told, _("Send reference and profile."))
        if (seconds := self.limit.take(user.name)) > 0:
            raise TooOften(seconds)
        options = {"custom_image": body.get("reference") or "", "profile": body.get("profile")}
        found: dict[str, object] = await user.spawner.look_at_image(options)
        self.log.info(
            "%s asks about the image %s: %s",
            plain(user.name, 100),
            plain(str(body.get("reference", "")), 300),
            found["reason"],
        )
        self.write_json(found)

    def _starter(self) -> Any:
        """The person who asks, if they may start workspaces of their own."""
        user = self.current_user
        if not isinstance(user, User) or not self.has_scope(f"start:servers!user={user.name}"):
            raise web.HTTPError(403)
        return user


def image_check_handlers() -> list[tuple[Any, ...]]:
    """Return the handlers for JupyterHub's `extra_handlers`."""
    limit = RateLimit(at_once=AT_ONCE, per_second=PER_SECOND)
    return [(r"/studiolo/image-check", ImageCheckHandler, {"limit": limit})]
