"""Asks the hub to stop this workspace. I/O: one HTTP request.

Guarantees: the server's own token is all that is used, and it leaves this process towards the hub
only (redirects are not followed); neither the token nor the hub's answer reaches a message or a
log; however often it is asked, one request is under way at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from jupyterlab_studiolo.errors import HubFault

REQUEST_SECONDS: Final = 20.0
# The hub answers a stop when the pod is gone or after 10 s; by then this process may have been told
# to end. What speaks against a stop is told at once.
REFUSAL_SECONDS: Final = 0.5

log = logging.getLogger("jupyterlab_studiolo")


@dataclass(frozen=True, slots=True)
class HubConnection:
    """Where the hub is and who we are there, from the environment that the hub gives a server."""

    api_url: str
    token: str = field(repr=False)
    user: str
    server_name: str = ""
    tls: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def server_url(self) -> str:
        """This server in the Hub's REST API.

        https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html
        """
        user = quote(self.user, safe="@~")
        if self.server_name:
            return f"{self.api_url}/users/{user}/servers/{quote(self.server_name, safe='@~')}"
        return f"{self.api_url}/users/{user}/server"


def hub_from_environment(environment: Mapping[str, str]) -> HubConnection | None:
    """The connection, or None when this server was not started by a hub."""
    api_url = environment.get("JUPYTERHUB_API_URL", "").rstrip("/")
    token = environment.get("JUPYTERHUB_API_TOKEN", "")
    user = environment.get("JUPYTERHUB_USER", "")
    if not (api_url and token and user):
        return None
    tls = {
        "client_key": environment.get("JUPYTERHUB_SSL_KEYFILE", ""),
        "client_cert": environment.get("JUPYTERHUB_SSL_CERTFILE", ""),
        "ca_certs": environment.get("JUPYTERHUB_SSL_CLIENT_CA", ""),
    }
    return HubConnection(
        api_url=api_url,
        token=token,
        user=user,
        server_name=environment.get("JUPYTERHUB_SERVER_NAME", ""),
        tls={name: path for name, path in tls.items() if path},
    )


class HubStopper:
    """Stops this server through its hub."""

    def __init__(
        self, connection: HubConnection, *, refusal_seconds: float = REFUSAL_SECONDS
    ) -> None:
        self.connection = connection
        self._refusal_seconds = refusal_seconds
        self._stopping: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """Returns once the hub has agreed, or has not refused for a moment. Raises HubFault."""
        if self._stopping is None or (self._stopping.done() and _failed(self._stopping)):
            self._stopping = asyncio.create_task(self._ask())
        done, _pending = await asyncio.wait({self._stopping}, timeout=self._refusal_seconds)
        for task in done:
            task.result()

    async def _ask(self) -> None:
        tls: dict[str, Any] = dict(self.connection.tls)
        request = HTTPRequest(
            self.connection.server_url,
            method="DELETE",
            headers={"Authorization": f"token {self.connection.token}"},
            request_timeout=REQUEST_SECONDS,
            connect_timeout=REQUEST_SECONDS / 2,
            follow_redirects=False,
            **tls,
        )
        try:
            response = await AsyncHTTPClient().fetch(request, raise_error=False)
        except Exception as error:  # noqa: BLE001 - tornado, ssl and socket errors have no common base
            log.warning("The hub could not be asked to stop: %s", type(error).__name__)
            raise HubFault(
                "hub_unreachable",
                "The hub does not answer, so it is not sure that the workspace stops. Try again in "
                "a moment.",
                503,
            ) from None
        fault = fault_of_status(response.code)
        if fault is not None:
            log.warning("The hub answered %s to a stop.", response.code)
            raise fault
        log.info("The hub stops this workspace, as its owner asked.")


def fault_of_status(code: int) -> HubFault | None:
    """None when the hub agreed to stop, otherwise what to tell a person."""
    if code in (200, 202, 204):
        return None
    if code == 404:  # also its answer to a token that is for another server
        return HubFault(
            "hub_unknown",
            "The hub does not know this workspace by its token. Stop it on the hub's home page.",
            502,
        )
    if code in (401, 403):
        return HubFault(
            "hub_forbidden",
            "The hub does not let this workspace stop itself. Stop it on the hub's home page, and "
            "tell your administrator that the server's token lacks delete:servers!server.",
            403,
        )
    if code == 400:
        return HubFault(
            "hub_busy", "The hub is changing this workspace already. Try again in a moment.", 409
        )
    return HubFault(
        "hub_error",
        "The hub could not stop the workspace. Try again in a moment, or stop it on the hub's "
        "home page.",
        502,
    )


def _failed(task: asyncio.Task[None]) -> bool:
    return task.cancelled() or task.exception() is not None
