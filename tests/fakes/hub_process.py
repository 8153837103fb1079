"""A real JupyterHub in a process of its own, without a proxy, and clients that talk to it.

Whoever gives a name is signed in under it.  Everything is in one folder and on loopback.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web

from tests.ports import free_port

ADMIN_TOKEN = "a-token-of-the-test-service"

_CONFIG = """
from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    should_start = False
    routes = {{}}
    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {{"routespec": routespec, "target": target, "data": data}}
    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)
    async def get_all_routes(self):
        return self.routes

c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.allow_all = True
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.allow_named_servers = True
c.JupyterHub.cleanup_servers = False
c.JupyterHub.concurrent_spawn_limit = 0
c.JupyterHub.services = [{{"name": "tests", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [{{
    "name": "tests", "services": ["tests"],
    "scopes": [
        "admin:users", "admin:servers", "admin:groups", "admin:server_state", "proxy", "tokens",
    ],
}}]
"""


@dataclass
class HubProcess:
    """The hub; ``config`` is Python that comes after what is set here."""

    folder: Path
    kubeconfig: Path
    config: str
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None
    _read_from: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hub"

    @property
    def log(self) -> str:
        """What it has said; of a hub that tests share, since the last one's end."""
        return (self.folder / "hub.log").read_bytes()[self._read_from :].decode(errors="replace")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        text = _CONFIG.format(port=self.port, folder=self.folder, token=ADMIN_TOKEN)
        file = self.folder / "jupyterhub_config.py"
        file.write_text(text + self.config)
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        with (self.folder / "hub.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "jupyterhub", "-f", str(file)),
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        async with aiohttp.ClientSession() as session:
            while not await self._answers(session):
                if self.process.returncode is not None:
                    raise RuntimeError(f"the hub ended:\n{self.log[-4000:]}")
                await asyncio.sleep(0.1)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process and self.process.returncode is None:
            self.process.send_signal(how)
            await self.process.wait()

    async def forget_everybody(self) -> None:
        """Be as new for the next test: without people, their servers, groups and log."""
        async with asyncio.timeout(60):
            while users := (await self.rest("GET", "/users"))[1]:
                for user in users:
                    path = f"/users/{user['name']}"
                    for name in user["servers"]:
                        await self.rest(
                            "DELETE", path + (f"/servers/{name}" if name else "/server")
                        )
                    if not user["servers"]:
                        await self.rest("DELETE", path)
                await asyncio.sleep(0.05)  # what is under way is refused until it is over
            for group in (await self.rest("GET", "/groups"))[1]:
                await self.rest("DELETE", f"/groups/{group['name']}")
        self._read_from = (self.folder / "hub.log").stat().st_size

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self.url}/api/") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    # -- clients -------------------------------------------------------------------------------

    async def rest(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request to the REST API as an administrator's service."""
        headers = {"Authorization": f"token {ADMIN_TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"{self.url}/api{path}", json=body) as response,
        ):
            kind = response.content_type
            return response.status, await (
                response.json() if kind == "application/json" else response.text()
            )

    async def browser(self, name: str) -> aiohttp.ClientSession:
        """A session that is signed in; close it."""
        session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        async with session.get(f"{self.url}/login") as page:
            await page.read()
        data = {"username": name, "password": secrets.token_hex(4), "_xsrf": xsrf_of(session)}
        async with session.post(f"{self.url}/login", data=data) as answer:
            assert answer.status == 200, await answer.text()
        return session


def xsrf_of(session: aiohttp.ClientSession) -> str:
    """The token that a form of this session carries."""
    return {cookie.key: cookie.value for cookie in session.cookie_jar}["_xsrf"]


class AnswersForPods:
    """A web server that answers for every pod at whatever path, as a started workspace would."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        async def answer(_request: web.BaseRequest) -> web.Response:
            return web.json_response({"version": "2"}, headers={"X-JupyterHub-Version": "6.1.1"})

        self._runner = web.ServerRunner(web.Server(answer, access_log=None))
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
