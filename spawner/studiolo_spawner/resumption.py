"""Finish what an earlier hub process began with a server: its start, its undoing or its stop; I/O.

When a hub starts it asks the spawner of every server in its database, once, whether it is there
(``poll``), and stops what is not.  A start that was going on when the hub was killed is neither.
This module answers that question only when the start has come to its end, and meanwhile has
JupyterHub see what it sees in a start of its own: pending, with progress, that can be cancelled,
with its failure to show.

The one place that touches what JupyterHub keeps for itself of a start (``_spawn_future`` and the
flags around it; handlers/base.py, ``finish_user_spawn``, and user.py, ``spawn`` and ``stop``).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyterhub import orm
from jupyterhub.utils import url_escape_path, url_path_join
from sqlalchemy import inspect

from studiolo_spawner import metrics
from studiolo_spawner.errors import StudioloError
from studiolo_spawner.liveness import address_of
from studiolo_spawner.own_pod import OwnPod
from studiolo_spawner.refused_start import to_spawn_exception
from studiolo_spawner.server_identity import revoke_other_identities
from studiolo_spawner.translation import translate as _

if TYPE_CHECKING:
    from studiolo_spawner.spawner import WorkspaceSpawner

STOP_SECONDS = 30.0
"""How long to wait for who cancelled a start to clear away what is left of the server."""


def nothing_there() -> StudioloError:
    """What is told of a start of which nothing was made."""
    return StudioloError(
        _(
            "The hub was restarted before the start of your workspace had really begun. Nothing "
            "was made and your files are untouched: start it again."
        ),
        reason="hub_restarted",
        status=503,
    )


async def take_up(spawner: WorkspaceSpawner) -> None:
    """Finish what was begun; afterwards the server runs or it does not, and nothing is pending."""
    state = spawner.workspace_state
    if state.phase in ("starting", "ending"):
        await _finish_start(spawner)
    elif state.phase == "stopping":
        spawner.log.info("%s: finishing the stop of an earlier hub process", spawner._log_name)  # noqa: SLF001
        # What cannot be deleted now is reported, and the hub asks again for what is there.
        with suppress(Exception):
            await spawner.stop()
    elif not state.spawn_id and spawner.server is not None:
        await _tell_if_nothing_is_there(spawner)


def leave_to_the_next_hub(spawner: WorkspaceSpawner) -> None:
    """Have a stop that this hub process cannot finish found by the next one.

    JupyterHub takes a server that it stops off its database whatever came of it; the next hub
    process asks only about what stands there.
    """
    row = spawner.orm_spawner
    if row.server is None:
        path = url_path_join(spawner.user.base_url, url_escape_path(spawner.name), "/")
        row.server = orm.Server(base_url=path)


async def _finish_start(spawner: WorkspaceSpawner) -> None:
    start = asyncio.create_task(_as_jupyterhub_does(spawner), name="resume a start")
    _show_as_pending(spawner, start)
    await asyncio.wait([start])
    if start.cancelled():
        # Who cancelled it stops the server now, and must not meet the hub doing the same.
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await spawner.cleared.wait()


def _show_as_pending(spawner: Any, start: asyncio.Task[None]) -> None:
    spawner._spawn_pending = spawner._start_pending = True  # noqa: SLF001
    spawner._check_pending = False  # noqa: SLF001
    spawner._spawn_future = start  # noqa: SLF001

    def over(_start: asyncio.Task[None]) -> None:
        if start.cancelled() or start.exception() is None:
            spawner._spawn_future = None  # noqa: SLF001
        spawner._spawn_pending = spawner._start_pending = False  # noqa: SLF001

    start.add_done_callback(over)


async def _as_jupyterhub_does(spawner: WorkspaceSpawner) -> None:
    """The rest of a start: the pod, the address, the hub's own look, the route."""
    user, hub_side = spawner.user, _HubSide(spawner)
    try:
        url = await spawner.resume()
        hub_side.note_address(url)
        await spawner.save_state()
    except Exception:
        metrics.count_resumed("undone")
        await hub_side.stop()
        raise
    hub_side.expect_answer()
    # Stops the server by itself when there is no answer.
    await user._wait_up(spawner)  # noqa: SLF001
    revoke_other_identities(spawner)
    await hub_side.add_route()
    metrics.count_resumed("resumed")


class _HubSide:
    """What JupyterHub's own start does around a spawner's."""

    def __init__(self, spawner: Any) -> None:
        self._spawner = spawner

    def note_address(self, url: str) -> None:
        server = self._spawner.server
        server.proto = urlsplit(url).scheme
        server.ip, server.port = address_of(url)
        inspect(self._spawner.orm_spawner).session.commit()

    def expect_answer(self) -> None:
        self._spawner._waiting_for_response = True  # noqa: SLF001

    async def stop(self) -> None:
        try:
            await self._spawner.user.stop(self._spawner.name)
        except Exception:
            self._spawner.log.exception("Clearing %s away failed", self._spawner._log_name)  # noqa: SLF001

    async def add_route(self) -> None:
        proxy = self._spawner.user.settings.get("proxy")
        try:
            if proxy is not None:
                await proxy.add_user(self._spawner.user, self._spawner.name)
        except Exception:
            # The hub compares routes and servers again and again, and adds what is missing.
            self._spawner.log.exception("No route yet for %s", self._spawner._log_name)  # noqa: SLF001


async def _tell_if_nothing_is_there(spawner: Any) -> None:
    """A row in the database and nothing else: the hub was killed between the two."""
    await spawner.watch()
    own = OwnPod(spawner, spawner.cluster)
    if own.seen() is None and await own.find() is None:
        spawner.log.warning("%s: its start had not begun when the hub ended", spawner._log_name)  # noqa: SLF001
        metrics.count_resumed("not_begun")
        told = asyncio.get_running_loop().create_future()
        told.set_exception(to_spawn_exception(nothing_there()))
        told.exception()
        spawner._spawn_future = told  # noqa: SLF001
