"""Bring workspaces to rest, and start them again with another choice. I/O on JupyterHub's objects.

A restart outlives the request that asked for it: it waits until the old pod is gone, then starts.
Guarantees: one restart of a workspace at a time; nothing is stopped unless the start was found
possible by whoever calls `begin`; a hub that is too busy to start is asked again for a while; what
went wrong is remembered until the next start, for the pages to tell.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from studiolo_spawner.translation import translate as _
from tornado import web

from studiolo_hub.answers import Refused
from studiolo_hub.error_words import words_for_error
from studiolo_hub.stopping import bring_to_rest, starts_to_come

#: How long a hub that has too many starts under way is asked again, and how often.
BUSY_SECONDS = 120.0
BUSY_AGAIN_SECONDS = 5.0


@dataclass
class Restart:
    """One restart: the options of the new start, and what became of it."""

    options: dict[str, object]
    task: asyncio.Task[None] | None = None
    trouble: str = ""
    """Why the workspace was not started again, in words for people."""


class Restarts:
    """The restarts under way, and the trouble with earlier ones; the oldest make room."""

    def __init__(self, *, limit: int = 10_000) -> None:
        self._restarts: OrderedDict[tuple[str, str], Restart] = OrderedDict()
        self._limit = limit

    def __deepcopy__(self, _memo: object) -> Self:
        """Stay one: JupyterHub copies its configuration."""
        return self

    def under_way(self, user_name: str, server_name: str) -> bool:
        """Whether a workspace is being stopped in order to be started again."""
        found = self._restarts.get((user_name, server_name))
        return found is not None and found.task is not None

    def trouble(self, user_name: str, server_name: str) -> str:
        """Return why a workspace was not started again; empty when it was."""
        found = self._restarts.get((user_name, server_name))
        return found.trouble if found else ""

    def forget(self, user_name: str, server_name: str) -> None:
        """Tell no more of a restart, because something newer has happened."""
        if not self.under_way(user_name, server_name):
            self._restarts.pop((user_name, server_name), None)

    def begin(
        self, handler: Any, user: Any, server_name: str, options: Mapping[str, object]
    ) -> None:
        """Save the choice, stop the workspace and start it with that choice, in the background.

        The same wish again joins the one under way; another one is refused meanwhile.
        """
        key = (user.name, server_name)
        if self.under_way(*key):
            if self._restarts[key].options == dict(options):
                return
            raise Refused(
                409,
                "restarting",
                _("The workspace is being restarted already."),
                _("Wait a moment."),
            )
        spawner = user.spawners[server_name]
        spawner.orm_spawner.user_options = dict(options)
        handler.db.commit()
        restart = Restart(dict(options))
        self._restarts.pop(key, None)
        self._restarts[key] = restart
        while len(self._restarts) > self._limit:
            self._restarts.popitem(last=False)
        restart.task = starts_to_come[key] = asyncio.create_task(
            self._run(handler, user, server_name, restart), name="restart a workspace"
        )

    async def _run(self, handler: Any, user: Any, server_name: str, restart: Restart) -> None:
        try:
            stopping = await bring_to_rest(handler, user, server_name)
            if stopping is not None:
                await asyncio.wait([stopping])
            await _start(handler, user, server_name, restart.options)
        except web.HTTPError as error:
            # A start that failed has told its story to JupyterHub; the pages show that one first.
            restart.trouble = words_for_error(error.status_code, "", error).text
            handler.log.warning("%s:%s was not restarted: %s", user.name, server_name, error)
        except Exception as error:
            restart.trouble = words_for_error(500, "", error).text
            handler.log.exception("%s:%s was not restarted", user.name, server_name)
        finally:
            restart.task = None
            starts_to_come.pop((user.name, server_name), None)


async def _start(handler: Any, user: Any, server_name: str, options: Mapping[str, object]) -> None:
    """Start the workspace; ask again while the hub has too many starts under way."""
    again_until = asyncio.get_running_loop().time() + BUSY_SECONDS
    while True:
        # A failed spawner would be replaced in the midst of the start otherwise.
        spawner = user.get_or_create_spawner(server_name, server_name, replace_failed=True)
        if spawner.active:
            # Somebody else's start was quicker.
            return
        try:
            await handler.spawn_single_user(user, server_name, options=dict(options))
        except web.HTTPError as error:
            late = asyncio.get_running_loop().time() > again_until
            if error.status_code != 429 or spawner.active or late:
                raise
        else:
            return
        await asyncio.sleep(BUSY_AGAIN_SECONDS)
