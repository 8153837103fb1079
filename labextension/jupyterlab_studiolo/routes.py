"""The HTTP interface. I/O edge: every handler is thin.

Below `jupyterlab_studiolo/api/v1`, as openapi.json describes it: state, stream, history, choices,
openapi.json, and by POST stop, keep-alive, restart and park.

All are authenticated and authorised as jupyter_server's own routes are, requests from another
origin are refused, POST needs the XSRF token unless a token is in the header, and an error is
`Error` in openapi.json. None of them counts as activity: a panel that is left open must not keep a
GPU.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from http.client import responses
from pathlib import Path
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.iostream import StreamClosedError

from jupyterlab_studiolo.errors import BadRequest, NotInHub, NotOwner, PanelError
from jupyterlab_studiolo.history import SECONDS
from jupyterlab_studiolo.hub import HubClient
from jupyterlab_studiolo.panel import VERSION, Panel
from jupyterlab_studiolo.said import Said, with_parts
from jupyterlab_studiolo.sampler import INTERVAL_SECONDS
from jupyterlab_studiolo.stream import HEARTBEAT_SECONDS, LONGEST_SECONDS, Broadcaster

LARGEST_WISH: Final = 4096
WISHES: Final = {"profile": str, "image": str, "first_choice": bool}


class StudioloHandler(APIHandler):
    """What all routes have in common: who may call them, and how they say no."""

    auth_resource = "studiolo"
    _track_activity = False

    def initialize(self, panel: Panel, hub: HubClient | None, stream: Broadcaster) -> None:
        """`hub` is None outside a hub."""
        self.panel = panel
        self.hub = hub
        self.stream = stream

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """JSON in our shape, with our own texts: others may hold what is nobody's business."""
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(error, PanelError):
            self.set_status(error.status)
            reply = {"reason": error.reason, "message": error.user_message, "hint": error.hint}
        else:
            phrase = responses.get(status_code, "Unknown error")
            reason = phrase.lower().replace(" ", "_")
            words = Said("The workspace answers with an error: %1.", phrase)
            reply = {"reason": reason, "message": words, "hint": ""}
        self.finish(json.dumps(with_parts({"version": VERSION, **reply})))

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

    def number(self, name: str, *, least: float, most: float = math.inf) -> float | None:
        """A number from the query, None when it is not there."""
        text = self.get_query_argument(name, None)
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not least <= number <= most or math.isinf(number):
            bounds = f"from {least:g} on" if math.isinf(most) else f"from {least:g} to {most:g}"
            raise BadRequest(f"{name} must be a number {bounds}.")
        return number

    def wish(self, known: dict[str, Any]) -> dict[str, Any]:
        """The JSON object of a POST, whose keys must be known and of the right kind."""
        body = self.request.body
        if not body.strip():
            return {}
        try:
            data = json.loads(body) if len(body) <= LARGEST_WISH else None
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise BadRequest("The body must be a small JSON object.")
        for key, value in data.items():
            if key not in known:
                raise BadRequest(f"{key[:40]!r} is not known here; known are: {', '.join(known)}.")
            if not isinstance(value, known[key]) or (
                isinstance(value, bool) and known[key] is not bool
            ):
                raise BadRequest(f"{key} is not of the right kind.")
        return data

    def owners_hub(self) -> HubClient:
        """The hub, if it is the owner who asks."""
        if self.hub is None:
            raise NotInHub
        # A hub lets administrators and people whom the owner invited in; these are the owner's.
        if self.current_user.username != self.hub.connection.user:
            raise NotOwner
        return self.hub


class StateHandler(StudioloHandler):
    """Everything at one moment."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """See the module."""
        self.reply(await self.panel.state())


class StreamHandler(StudioloHandler):
    """The same, again and again."""

    interval: float = INTERVAL_SECONDS
    _sent: asyncio.Future[None] | None = None
    _sent_at = 0.0

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Until the client goes away, or for `LONGEST_SECONDS`."""
        self.interval = self.number("interval", least=0.5, most=60) or INTERVAL_SECONDS
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")  # nginx would keep frames back
        self._gone = asyncio.Event()
        self._sent_at = time.monotonic()
        self.write("retry: 3000\n\n")
        try:
            await self.flush()
        except StreamClosedError:
            return  # it has gone before it was answered
        self.stream.join(self)
        try:
            await self._stay()
        finally:
            self.stream.leave(self)
        if not self._gone.is_set():
            await self.finish(set_content_type="text/event-stream")

    async def _stay(self) -> None:
        end = time.monotonic() + LONGEST_SECONDS
        while (left := end - time.monotonic()) > 0:
            try:
                await asyncio.wait_for(self._gone.wait(), min(left, HEARTBEAT_SECONDS))
            except TimeoutError:
                if time.monotonic() - self._sent_at >= HEARTBEAT_SECONDS:
                    self.send(b": still here\n\n")
            else:
                return

    def send(self, frame: bytes) -> None:
        """For the broadcaster."""
        if self._gone.is_set() or (self._sent is not None and not self._sent.done()):
            return
        self._sent_at = time.monotonic()
        self.write(frame)
        self._sent = asyncio.ensure_future(self.flush())
        self._sent.add_done_callback(_take_result)

    def on_connection_close(self) -> None:
        """The client went away."""
        super().on_connection_close()
        if hasattr(self, "_gone"):
            self._gone.set()


class HistoryHandler(StudioloHandler):
    """What was."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """See the module."""
        minutes = self.number("minutes", least=0.01, most=SECONDS / 60) or 10.0
        points = self.number("points", least=2, most=1800) or 360
        self.reply(self.panel.past(time.time() - 60 * minutes, points=int(points)))


class ChoicesHandler(StudioloHandler):
    """What the workspace could be restarted with."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """See the module."""
        self.reply(await self.owners_hub().choices())


class OpenApiHandler(StudioloHandler):
    """The description of all this."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Read when it is asked for: hardly anyone does."""
        self.finish((Path(__file__).parent / "openapi.json").read_bytes())


class StopHandler(StudioloHandler):
    """Gives the GPU back."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """See the module."""
        await self.owners_hub().stop()
        self.reply(
            {"version": VERSION, "state": "stopping", "url": self.panel.home_url}, status=202
        )


class KeepAliveHandler(StudioloHandler):
    """Counts as active for a while."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """See the module."""
        self.owners_hub()
        seconds = self.wish({"seconds": int | float}).get("seconds")
        if seconds is not None and not 0 < seconds < math.inf:
            raise BadRequest("seconds must be a number above 0.")
        self.reply(self.panel.keep_alive(seconds))


class RestartHandler(StudioloHandler):
    """Stops, and starts with another profile, another image or the first choice."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """See the module."""
        url = await self.owners_hub().restart(self.wish(WISHES))
        self.reply({"version": VERSION, "url": url}, status=202)


class ParkHandler(StudioloHandler):
    """Restarts on the CPU profile with the same home."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """See the module."""
        hub = self.owners_hub()
        self.wish({})
        url = await hub.restart({"park": True})
        self.reply({"version": VERSION, "url": url}, status=202)


def _take_result(sent: asyncio.Future[None]) -> None:
    """A client that went away while a frame was sent is no error."""
    if not sent.cancelled():
        error = sent.exception()
        if error is not None and not isinstance(error, StreamClosedError):
            raise error


BELOW: Final = "jupyterlab_studiolo/api/v1"
HANDLERS: Final[dict[str, type[StudioloHandler]]] = {
    "state": StateHandler,
    "stream": StreamHandler,
    "history": HistoryHandler,
    "choices": ChoicesHandler,
    "openapi\\.json": OpenApiHandler,
    "stop": StopHandler,
    "keep-alive": KeepAliveHandler,
    "restart": RestartHandler,
    "park": ParkHandler,
}

Route = tuple[str, type[StudioloHandler], dict[str, Any]]


def routes(base_url: str, *, panel: Panel, hub: HubClient | None) -> list[Route]:
    """The routes below a server's base URL."""
    shared = {"panel": panel, "hub": hub, "stream": Broadcaster(panel.state)}
    return [
        (str(url_path_join(base_url, BELOW, path)), handler, shared)
        for path, handler in HANDLERS.items()
    ]
