"""Asks the hub to stop or restart this workspace. I/O: HTTP requests.

Guarantees: the server's own token is all that is used, and it leaves this process towards the hub
only (redirects are not followed); neither the token nor the text of the hub's answer reaches a
message or a log, but for refusals in Studiolo's own envelope, which are written for people; however
often it is asked to stop, one request is under way at a time.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from jupyterlab_studiolo.errors import HubFault
from jupyterlab_studiolo.said import Said

REQUEST_SECONDS: Final = 20.0
# The hub answers a stop when the pod is gone or after 10 s; by then this process may have been told
# to end. What speaks against a stop is told at once.
REFUSAL_SECONDS: Final = 0.5
LARGEST_ANSWER: Final = 1 << 20
LONGEST_WORDS: Final = 600

log = logging.getLogger("jupyterlab_studiolo")


class HubConnection:
    """Where the hub is and who we are there, from the environment that the hub gives a server.

    No data class: what is printed of it must not hold the token.
    """

    def __init__(
        self,
        *,
        api_url: str,
        token: str,
        user: str,
        server_name: str = "",
        tls: Mapping[str, str] | None = None,
        base_url: str = "/",
    ) -> None:
        self.api_url = api_url
        self.token = token
        self.user = user
        self.server_name = server_name
        self.tls = tls or {}
        self.base_url = base_url

    @property
    def home_url(self) -> str:
        """The hub's home page, for a browser."""
        return f"{self.base_url.rstrip('/')}/hub/home"

    @property
    def workspace_url(self) -> str:
        """This workspace among Studiolo's own routes on the hub."""
        hub = self.api_url.removesuffix("/api")
        url = f"{hub}/studiolo/workspaces/{quote(self.user, safe='@~')}"
        return f"{url}/{quote(self.server_name, safe='@~')}" if self.server_name else url

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
        base_url=environment.get("JUPYTERHUB_BASE_URL", "/") or "/",
    )


class HubClient:
    """What this server can have its hub do for it."""

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

    async def choices(self) -> dict[str, Any]:
        """What the workspace could be restarted with, as the hub answers. Raises HubFault."""
        code, answer = await self._fetch("GET", f"{self.connection.workspace_url}/choices")
        _check(code, answer)
        return answer

    async def restart(self, wish: Mapping[str, Any]) -> str:
        """Where to follow the start. The hub checks the wish before it stops anything."""
        url = f"{self.connection.workspace_url}/restart"
        code, answer = await self._fetch("POST", url, wish)
        _check(code, answer)
        where = answer.get("url")
        # A path on the hub's own origin, and nothing that a browser would take for another.
        if not isinstance(where, str) or not where.startswith("/") or where[1:2] in ("/", "\\"):
            return self.connection.home_url
        return where

    async def report_use(self, use: Mapping[str, Any]) -> bool:
        """Tells what the GPUs do; False when the hub does not take it. Raises HubFault."""
        url = f"{self.connection.workspace_url}/use"
        code, _answer = await self._fetch("POST", url, use)
        return code == 200 or code >= 500

    async def _ask(self) -> None:
        code, _ = await self._fetch("DELETE", self.connection.server_url)
        fault = fault_of_status(code)
        if fault is not None:
            log.warning("The hub answered %s to a stop.", code)
            raise fault
        log.info("The hub stops this workspace, as its owner asked.")

    async def _fetch(
        self, method: str, url: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON object (empty when it is none)."""
        tls: dict[str, Any] = dict(self.connection.tls)
        headers = {
            "Authorization": f"token {self.connection.token}",
            "Accept": "application/json",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = HTTPRequest(
            url,
            method=method,
            headers=headers,
            body=None if body is None else json.dumps(body),
            request_timeout=REQUEST_SECONDS,
            connect_timeout=REQUEST_SECONDS / 2,
            follow_redirects=False,
            **tls,
        )
        try:
            response = await AsyncHTTPClient().fetch(request, raise_error=False)
        except Exception as error:  # noqa: BLE001 - tornado, ssl and socket errors have no common base
            log.warning("The hub could not be asked: %s", type(error).__name__)
            raise _unreachable(method) from None
        if response.code == 599:  # tornado's own: no answer
            raise _unreachable(method)
        return response.code, _object(response.body)


def _unreachable(method: str) -> HubFault:
    words = Said("The hub does not answer. Try again in a moment.")
    if method == "DELETE":
        words = Said(
            "The hub does not answer, so it is not sure that the workspace stops. Try again in a "
            "moment."
        )
    return HubFault("hub_unreachable", words, 503)


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > LARGEST_ANSWER:
        return {}
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _check(code: int, answer: Mapping[str, Any]) -> None:
    """Raises HubFault unless the hub did as it was asked."""
    if code in (200, 202) and answer.get("version") == 1:
        return
    log.warning("The hub answered %s to a wish of this workspace.", code)
    if answer.get("version") == 1 and _words(answer, "message"):
        status = code if 400 <= code < 500 else 502
        raise HubFault(
            _words(answer, "reason") or "hub_refused",
            _words(answer, "message"),
            status,
            _words(answer, "hint"),
        )
    if code in (401, 403):
        raise HubFault(
            "hub_forbidden",
            Said(
                "The hub does not let this workspace do that. Use the hub's home page, and tell "
                "your administrator that the server's token lacks a scope."
            ),
            403,
        )
    raise HubFault(
        "hub_error",
        Said("The hub could not do it. Try again in a moment, or use its home page."),
        502,
    )


def _words(answer: Mapping[str, Any], key: str) -> str:
    value = answer.get(key)
    return value[:LONGEST_WORDS] if isinstance(value, str) else ""


def fault_of_status(code: int) -> HubFault | None:
    """None when the hub agreed to stop, otherwise what to tell a person."""
    if code in (200, 202, 204):
        return None
    if code == 404:  # also its answer to a token that is for another server
        return HubFault(
            "hub_unknown",
            Said(
                "The hub does not know this workspace by its token. Stop it on the hub's home page."
            ),
            502,
        )
    if code in (401, 403):
        return HubFault(
            "hub_forbidden",
            Said(
                "The hub does not let this workspace stop itself. Stop it on the hub's home page, "
                "and tell your administrator that the server's token lacks delete:servers!server."
            ),
            403,
        )
    if code == 400:
        return HubFault(
            "hub_busy",
            Said("The hub is changing this workspace already. Try again in a moment."),
            409,
        )
    return HubFault(
        "hub_error",
        Said(
            "The hub could not stop the workspace. Try again in a moment, or stop it on the hub's "
            "home page."
        ),
        502,
    )


def _failed(task: asyncio.Task[None]) -> bool:
    return task.cancelled() or task.exception() is not None
