"""The HTTP interface under `studiolo/api`. I/O edge: every handler is thin.

    GET  studiolo/api/gpus?window=600   the devices and the last `window` seconds
    GET  studiolo/api/gpus?since=TIME   the same, and only what is newer than TIME (Unix seconds)
    GET  studiolo/api/workspace         image, profile, rules; whether it can be stopped from here
    POST studiolo/api/stop              stops it through the hub: 202 {"state": "stopping"}

All are authenticated and authorised as jupyter_server's own routes are, POST needs the XSRF token,
and an error is {"reason": label, "message": words}. None of them counts as activity: a panel that
is left open must not keep a GPU.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict
from http.client import responses
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from jupyterlab_studiolo.devices import Reading, State
from jupyterlab_studiolo.errors import NotInHub, NotOwner, PanelError
from jupyterlab_studiolo.history import SECONDS, Past
from jupyterlab_studiolo.hub import HubStopper
from jupyterlab_studiolo.sampler import Sampler
from jupyterlab_studiolo.workspace import Workspace

VERSION: Final = 1
DEFAULT_WINDOW_SECONDS: Final = 600.0


class StudioloHandler(APIHandler):
    """What all routes have in common: who may call them, and how they say no."""

    auth_resource = "studiolo"
    _track_activity = False

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """JSON in our shape, with our own texts: others may hold what is nobody's business."""
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(error, PanelError):
            self.set_status(error.status)
            reply = {"reason": error.reason, "message": error.user_message}
        else:
            phrase = responses.get(status_code, "Unknown error")
            reply = {"reason": phrase.lower().replace(" ", "_"), "message": f"{phrase}."}
        self.finish(json.dumps(reply))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """An expected refusal is one line, not a traceback."""
        if isinstance(value, PanelError):
            self.log.info("%s %s: %s", self.request.method, self.request.path, value.reason)
        else:
            super().log_exception(typ, value, tb)

    def reply(self, body: dict[str, Any], status: int = 200) -> None:
        """Finishes with a JSON object that no cache keeps."""
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(body, allow_nan=False))


class GpusHandler(StudioloHandler):
    """The figures."""

    def initialize(self, sampler: Sampler | None, absent: Reading | None) -> None:
        """Either a sampler, or the one answer that is true for as long as this server runs."""
        self.sampler = sampler
        self.absent = absent

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """See the module."""
        since = self._since(time.time())
        if self.sampler is None:
            reading = self.absent or Reading(State.NO_GPU, time.time())
            self.reply(gpus_to_json(reading, Past((), {}), interval=None))
            return
        reading = await self.sampler.look()
        past = self.sampler.history.since(since)
        self.reply(gpus_to_json(reading, past, interval=self.sampler.interval))

    def _since(self, now: float) -> float:
        since = self._number("since")
        if since is not None:
            return since
        window = self._number("window")
        return now - min(DEFAULT_WINDOW_SECONDS if window is None else window, SECONDS)

    def _number(self, name: str) -> float | None:
        text = self.get_query_argument(name, None)
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 <= number < math.inf:
            raise PanelError("bad_request", f"{name} must be a number of seconds from 0 on.", 400)
        return number


class WorkspaceHandler(StudioloHandler):
    """What this workspace is."""

    def initialize(self, workspace: Workspace | None, stopper: HubStopper | None) -> None:
        """`stopper` is None outside a hub."""
        self.workspace = workspace
        self.stopper = stopper

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """See the module."""
        self.reply(
            {
                "version": VERSION,
                "workspace": None if self.workspace is None else self.workspace.to_json(),
                "can_stop": self.stopper is not None,
            }
        )


class StopHandler(StudioloHandler):
    """Gives the GPU back."""

    def initialize(self, stopper: HubStopper | None) -> None:
        """`stopper` is None outside a hub."""
        self.stopper = stopper

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """See the module."""
        if self.stopper is None:
            raise NotInHub
        # A hub lets administrators and people whom the owner invited in; stopping is the owner's.
        if self.current_user.username != self.stopper.connection.user:
            raise NotOwner
        await self.stopper.stop()
        self.reply({"state": "stopping"}, status=202)


def gpus_to_json(reading: Reading, past: Past, *, interval: float | None) -> dict[str, Any]:
    """The wire format of the figures; tests/contract/gpus.json is an example of it."""
    return {
        "version": VERSION,
        "state": reading.state.value,
        "message": reading.message,
        "hint": reading.hint,
        "driver_version": reading.driver_version,
        "sampled_at": reading.taken_at,
        "interval_seconds": interval,
        "devices": [asdict(sample) for sample in reading.samples],
        "history": {"times": list(past.times), "devices": past.devices},
    }


def routes(
    base_url: str,
    *,
    sampler: Sampler | None,
    absent: Reading | None,
    workspace: Workspace | None,
    stopper: HubStopper | None,
) -> list[tuple[str, type[StudioloHandler], dict[str, Any]]]:
    """The routes below a server's base URL."""

    def below(name: str) -> str:
        return str(url_path_join(base_url, "studiolo/api", name))

    return [
        (below("gpus"), GpusHandler, {"sampler": sampler, "absent": absent}),
        (below("workspace"), WorkspaceHandler, {"workspace": workspace, "stopper": stopper}),
        (below("stop"), StopHandler, {"stopper": stopper}),
    ]
