"""The embedded Kubernetes API as an HTTP server on a loopback address. I/O.

One kind of client: kubelet, scheduler, hub, kubectl and tests all come in over HTTP with the
token. See `guard` for who is let in, `operations` for what can be done, `watch` for watches.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from contextlib import suppress
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from studiolo_local.api import controllers
from studiolo_local.api.certificate import open_certificate
from studiolo_local.api.controllers import Controllers
from studiolo_local.api.entries import Key
from studiolo_local.api.handlers import BODY_LIMIT, Handlers
from studiolo_local.api.journal import JournalError
from studiolo_local.api.kubeconfig import kubeconfig
from studiolo_local.api.logs import LogProvider
from studiolo_local.api.operations import Clock, Operations, now_utc
from studiolo_local.api.store import Store
from studiolo_local.api.watch import BOOKMARK_SECONDS, WatchHub

log = logging.getLogger(__name__)

_SWEEP_SECONDS = 60.0
_CLOSE_SECONDS = 2.0


class ApiServer:
    """Serves a store; several may be started in one process, each on its own port."""

    def __init__(
        self,
        store: Store,
        *,
        token: str,
        host: str = "127.0.0.1",
        port: int = 0,
        tls_port: int = 0,
        certificate: Path | None = None,
        bookmark_seconds: float = BOOKMARK_SECONDS,
        clock: Clock = now_utc,
    ) -> None:
        """Prepare a server.

        :param token: what clients must send as their bearer token
        :param host: a loopback address; anything else is refused
        :param port: of plain HTTP, for the cluster's own parts; 0 takes a free one, see `url`
        :param tls_port: of HTTPS, for everyone with a kubeconfig; see `secure_url`
        :param certificate: the file that keeps the certificate; None makes a new one at each start
        """
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(
                f"the embedded API serves this machine only: {host} is no loopback address"
            )
        if len(token) < 16:
            raise ValueError("the token of the embedded API must have 16 characters or more")
        self._store = store
        self._token = token
        self._host, self._port, self._tls_port = host, port, tls_port
        self._certificate_file = certificate
        self._authority = ""
        self._clock = clock
        self._operations = Operations(store, clock)
        self._watches = WatchHub(store, bookmark_seconds=bookmark_seconds)
        self._handlers = Handlers(store, self._operations, self._watches, token=token, clock=clock)
        self._controllers: Controllers | None = None
        self._runner: web.ServerRunner | None = None
        self._sweeper: asyncio.Task[None] | None = None

    def provide_logs(self, provider: LogProvider | None) -> None:
        """Say where containers' output comes from, for `kubectl logs`."""
        self._handlers.logs = provider

    @property
    def url(self) -> str:
        """The address that clients use; valid once started."""
        return f"http://{self._shown_host}:{self._port}"

    @property
    def secure_url(self) -> str:
        """The address that kubeconfigs name; valid once started."""
        return f"https://{self._shown_host}:{self._tls_port}"

    def kubeconfig(self, *, namespace: str = "default") -> str:
        """Return the text of a kubeconfig, with the token in it; valid once started."""
        return kubeconfig(self.secure_url, self._authority, self._token, namespace=namespace)

    @property
    def _shown_host(self) -> str:
        return f"[{self._host}]" if ":" in self._host else self._host

    async def start(self) -> None:
        """Listen, and take up what a former process left undone."""
        self._controllers = Controllers(
            self._store,
            self._operations,
            wake=self._wake_controllers,
        )
        for resource, content in controllers.initial_objects():
            if self._store.get(resource, Key("", content["metadata"]["name"])) is None:
                self._operations.create(resource, "", content)
        self._controllers.resume()
        try:
            await self._listen()
        except BaseException:
            await self.stop()
            raise
        self._sweeper = asyncio.create_task(self._sweep())
        log.info("the embedded Kubernetes API listens on %s", self.url)

    async def stop(self) -> None:
        """End every watch and stop listening; the store stays open."""
        self._watches.close()
        if self._controllers:
            self._controllers.close()
        if self._sweeper:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
        if self._runner:
            await self._runner.cleanup()

    async def _listen(self) -> None:
        # A watch whose client has gone must end at once, not at its next line.
        self._runner = web.ServerRunner(
            web.Server(
                self._handlers.handle,
                access_log=None,
                handler_cancellation=True,
                request_factory=_request,
            ),
            shutdown_timeout=_CLOSE_SECONDS,
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        certificate = open_certificate(self._certificate_file)
        self._authority = certificate.authority
        secure = web.TCPSite(
            self._runner, self._host, self._tls_port, ssl_context=certificate.context
        )
        await secure.start()
        self._port, self._tls_port = (address[1] for address in self._runner.addresses)

    def _wake_controllers(self) -> None:
        # After the change and its watchers' wake-up, before the next request.
        asyncio.get_running_loop().call_soon(self._run_controllers)

    def _run_controllers(self) -> None:
        if self._controllers:
            self._controllers.run_pending()

    async def _sweep(self) -> None:
        while self._controllers:
            await asyncio.sleep(_SWEEP_SECONDS)
            self._controllers.retry()
            try:
                self._controllers.expire_events(self._clock())
            except JournalError as error:
                log.warning("cannot remove old events: %s", error)


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """Make a request that may have as large a body as a real API server takes."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(
        message, payload, protocol, writer, task, loop, client_max_size=BODY_LIMIT
    )
