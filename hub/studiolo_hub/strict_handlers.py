"""JupyterHub's own addresses where what it answers is not good enough; each does one thing more.

- A form or a link whose bytes are not UTF-8 is a mistake of who sent it (400), no fault of the hub.
- So is a PATCH of a server that is no JSON object or names a field that does not exist.
- The waiting page of a workspace that has been stopped is there, though JupyterHub lets go of one
  that has a name; between the two halves of a restart it says that the workspace is restarting.
- Deleting a server or a person whose workspace is starting cancels the start first and waits until
  nothing of it is left, as the home page's button does; only then is something deleted.

They come before JupyterHub's, which `HubAuthenticator` sees to. I/O on JupyterHub's objects.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from jupyterhub.apihandlers import users as api
from jupyterhub.handlers import pages
from jupyterhub.scopes import needs_scope
from studiolo_spawner.plain_text import plain
from studiolo_spawner.spoken import listed
from studiolo_spawner.translation import translate as _
from tornado import web

from studiolo_hub.answers import Refused
from studiolo_hub.stopping import bring_to_rest, starts_to_come, stop_workspace

_MAY_CHANGE = ("name", "display_name", "user_options")

_being_deleted: set[str] = set()


class SpawnHandler(pages.SpawnHandler):
    """The menu's page."""

    async def prepare(self) -> None:
        """Refuse what is no text before anybody reads it."""
        await super().prepare()
        for fields in (self.request.query_arguments, self.request.body_arguments):
            _require_text(fields)


class SpawnPendingHandler(pages.SpawnPendingHandler):
    """The waiting page."""

    @web.authenticated
    @needs_scope("servers")
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Show how a start, a stop or a restart stands."""
        user = self.find_user(user_name)
        if user is not None and server_name in user.orm_spawners:
            spawner = user.spawners[server_name]  # made anew where JupyterHub has let go of it
            if not spawner.active and (user.name, server_name) in starts_to_come:
                page = self.render_template("stop_pending.html", user=user, spawner=spawner)
                self.finish(await page)
                return
        await super().get(user_name, server_name)


class UserHandler(api.UserAPIHandler):
    """One person, for programs."""

    @needs_scope("delete:users")
    async def delete(self, user_name: str) -> None:
        """Bring all of the person's workspaces to rest, then delete the person."""
        user = self.find_user(user_name)
        if user is None or user.name == self.current_user.name:
            await super().delete(user_name)
            return
        if user.name in _being_deleted:
            raise Refused(409, "busy", _("This person is being deleted already."))
        _being_deleted.add(user.name)
        try:
            for server_name in list(user.orm_spawners):
                await _at_rest(self, user, server_name)
            await super().delete(user_name)
        finally:
            _being_deleted.discard(user.name)


class ServerHandler(api.UserServerAPIHandler):
    """One workspace, for programs."""

    @needs_scope("start:servers")
    async def patch(self, user_name: str, server_name: str = "") -> None:
        """Change what can be changed of a workspace that does not run."""
        body = self.get_json_body()
        if body is not None and not isinstance(body, dict):
            raise Refused(400, "bad_request", _("The body must be a JSON object."))
        if unknown := sorted(body.keys() - set(_MAY_CHANGE)) if body else []:
            raise Refused(
                400,
                "bad_request",
                _("There is no field %(name)s.") % {"name": repr(plain(unknown[0], 60))},
                _("There are: %(names)s.") % {"names": listed(_MAY_CHANGE)},
            )
        await super().patch(user_name, server_name)

    @needs_scope("delete:servers")
    async def delete(self, user_name: str, server_name: str = "") -> None:
        """Cancel a start and wait until it is undone; then stop or delete as JupyterHub does."""
        user = self.find_user(user_name)
        known = user is not None and server_name in user.orm_spawners
        if known and user.spawners[server_name].pending == "spawn":
            await bring_to_rest(self, user, server_name)
        await super().delete(user_name, server_name)


async def _at_rest(handler: Any, user: Any, server_name: str) -> None:
    """Stop a workspace and wait for it as long as JupyterHub itself would."""
    stopping = await stop_workspace(handler, user, server_name)
    if stopping is not None:
        await asyncio.wait([stopping], timeout=handler.slow_stop_timeout)
    if user.spawners[server_name].active:
        raise Refused(
            409, "busy", _("A workspace is still being stopped."), _("Try again in a minute.")
        )


def _require_text(fields: Mapping[str, Iterable[bytes]]) -> None:
    for name, values in fields.items():
        for value in values:
            try:
                value.decode("utf-8")
            except UnicodeDecodeError:
                raise Refused(
                    400,
                    "not_text",
                    _("The field %(name)s is not UTF-8 text.") % {"name": repr(plain(name, 60))},
                ) from None


_IN_PLACE_OF: dict[type, type] = {
    pages.SpawnHandler: SpawnHandler,
    pages.SpawnPendingHandler: SpawnPendingHandler,
    api.UserAPIHandler: UserHandler,
    api.UserServerAPIHandler: ServerHandler,
}


def strict_handlers() -> list[tuple[Any, ...]]:
    """Return our handlers with the addresses of those of JupyterHub that they stand in for."""
    return [
        (address, _IN_PLACE_OF[handler])
        for address, handler, *_options in (*pages.default_handlers, *api.default_handlers)
        if handler in _IN_PLACE_OF
    ]
