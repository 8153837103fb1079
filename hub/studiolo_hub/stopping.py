"""Stop one workspace within a request, or cancel its start. I/O on JupyterHub's objects.

The home page, the administration and signing out all stop in this one way. A restart, too, stops
in it, and enters its further task in `starts_to_come`, so that who stops for good stops that.
"""

import asyncio
from typing import Any

from studiolo_spawner.translation import translate as _

from studiolo_hub.answers import Refused

#: How long a start that is cancelled may take to come to rest before the person is told to wait.
CANCEL_SECONDS = 20

#: By person and workspace, what will start a workspace again as soon as it is stopped.
starts_to_come: dict[tuple[str, str], asyncio.Task[None]] = {}


async def stop_workspace(handler: Any, user: Any, server_name: str) -> asyncio.Future[None] | None:
    """Stop what runs, starts or is to start again; what does not run is left alone.

    Returns what to wait for until it is stopped, None if it is.

    `handler` is the request's, whose person was found to be allowed to do this. Raises HTTPError
    409 while a start is still being undone.
    """
    again = starts_to_come.pop((user.name, server_name), None)
    if again is not None:
        again.cancel()
        await asyncio.wait([again])
    return await bring_to_rest(handler, user, server_name)


async def bring_to_rest(handler: Any, user: Any, server_name: str) -> asyncio.Future[None] | None:
    """Stop what runs or starts; return what to wait for until it is stopped, None if it is."""
    spawner = user.spawners[server_name]
    if spawner.pending == "spawn":
        await _cancel(handler, spawner)
    if spawner.pending == "stop":
        future: asyncio.Future[None] | None = spawner._stop_future  # noqa: SLF001
        return future
    if spawner.pending:
        raise Refused(
            409, "busy", _("The start is still being undone."), _("Try again in a minute.")
        )
    if not spawner.active:
        return None
    stopping: asyncio.Future[None] = await handler.stop_single_user(user, server_name)
    return None if stopping.done() else stopping


async def _cancel(handler: Any, spawner: Any) -> None:
    handler.log.info("%s cancels the start of %r", handler.current_user.name, spawner.name)
    start = spawner._spawn_future  # noqa: SLF001 - as JupyterHub's own API handler does
    if start is not None and not start.done():
        start.cancel()
        await asyncio.wait([start], timeout=CANCEL_SECONDS)
