"""Stop one workspace within a request, or cancel its start. I/O on JupyterHub's objects.

The home page, the administration and signing out all stop in this one way.
"""

import asyncio
from typing import Any

from tornado import web

#: How long a start that is cancelled may take to come to rest before the person is told to wait.
CANCEL_SECONDS = 20


async def stop_workspace(handler: Any, user: Any, server_name: str) -> None:
    """Stop what runs or starts; what does not run is left alone.

    `handler` is the request's, whose person was found to be allowed to do this. Raises HTTPError
    409 while a start is still being undone.
    """
    spawner = user.spawners[server_name]
    if spawner.pending == "spawn":
        await _cancel(handler, spawner)
    if spawner.pending:
        if spawner.pending != "stop":
            raise web.HTTPError(409, "The start is still being undone. Try again in a minute.")
    elif spawner.active:
        await handler.stop_single_user(user, server_name)


async def _cancel(handler: Any, spawner: Any) -> None:
    handler.log.info("%s cancels the start of %r", handler.current_user.name, spawner.name)
    start = spawner._spawn_future  # noqa: SLF001 - as JupyterHub's own API handler does
    if start is not None and not start.done():
        start.cancel()
        await asyncio.wait([start], timeout=CANCEL_SECONDS)
