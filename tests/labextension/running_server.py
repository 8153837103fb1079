"""A real Jupyter server with the extension in a process of its own, and a hub at HTTP level."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

HUB_TOKEN = "canary-token-of-this-server"
OWNER = {"Authorization": "token ada"}
GUEST = {"Authorization": "token eve"}

# Who calls is told by a token or, as a browser does it, by a cookie (which XSRF is about).
_CONFIG = """
from jupyter_server.auth.identity import IdentityProvider, User

class ByName(IdentityProvider):
    def get_user(self, handler):
        scheme, _, name = handler.request.headers.get("Authorization", "").partition(" ")
        if scheme == "token" and name in ("ada", "eve"):
            handler._token_authenticated = True
            return User(name)
        return User("ada") if handler.get_cookie("signed_in") == "ada" else None

c.ServerApp.identity_provider_class = ByName
c.ServerApp.jpserver_extensions = {
    "jupyterlab": False, "notebook_shim": False, "jupyter_lsp": False,
    "jupyter_server_terminals": True, "jupyterlab_studiolo": True,
}
"""


@dataclass
class RunningServer:
    """A server and how to ask it."""

    process: subprocess.Popen[bytes]
    url: str
    log_path: Path
    folder: Path = Path()

    @property
    def log(self) -> str:
        """Everything that it has written so far."""
        return self.log_path.read_text("utf-8")

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        cookies: dict[str, str] | None = None,
        body: str | None = None,
    ) -> tuple[int, Any]:
        """Status and JSON (or text) of one request."""
        async with (
            aiohttp.ClientSession(cookies=cookies) as session,
            session.request(method, self.url + path, headers=headers, data=body) as response,
        ):
            text = await response.text()
            try:
                return response.status, json.loads(text)
            except ValueError:
                return response.status, text

    async def last_activity(self) -> str:
        """What the culler would see."""
        status, body = await self.ask("GET", "api/status", headers=OWNER)
        assert status == 200
        return str(body["last_activity"])


@dataclass
class Servers:
    """Starts servers, and ends them on leaving."""

    folder: Path
    running: dict[str, RunningServer] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        for server in self.running.values():
            server.process.terminate()
        for server in self.running.values():
            server.process.wait(60)  # a machine that is busy takes its time to end them all

    def get(self, name: str, environment: dict[str, str]) -> RunningServer:
        """The server of this name; started when it is asked for the first time."""
        if name not in self.running:
            self.running[name] = self._start(name, environment)
        return self.running[name]

    def _start(self, name: str, environment: dict[str, str]) -> RunningServer:
        for attempt in range(3):
            server = _start_once(self.folder / f"{name}-{attempt}", environment)
            if server is not None:
                return server
        raise AssertionError(f"The server did not start; see the logs in {self.folder}.")


def _start_once(home: Path, environment: dict[str, str]) -> RunningServer | None:
    """None when the port was lost: Jupyter finds a free one, lets go of it, and then binds it."""
    home.mkdir()
    (home / "jupyter_server_config.py").write_text(_CONFIG, "utf-8")
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("JUPYTER", "STUDIOLO", "NVIDIA"))
    }
    own = {"HOME": str(home), "JUPYTER_CONFIG_DIR": str(home), "JUPYTER_RUNTIME_DIR": str(home)}
    log_path = home / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                *("-m", "jupyter_server", "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1"),
                *("--ServerApp.open_browser=False", "--ServerApp.allow_root=True"),
                *("--ServerApp.base_url=/user/ada/", f"--ServerApp.root_dir={home}"),
            ],
            env=inherited | own | environment,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    for _ in range(600):
        if process.poll() is not None:
            return None
        url = _url_if_up(home)
        if url is not None:
            return RunningServer(process, url, log_path)
        time.sleep(0.05)
    process.kill()
    process.wait()
    return None


def _url_if_up(home: Path) -> str | None:
    """The address that the server has written down, once someone listens there."""
    for path in home.glob("jpserver-*.json"):
        text = path.read_text("utf-8")
        if text:
            url: str = json.loads(text)["url"]
            parts = urlsplit(url)
            try:
                socket.create_connection((parts.hostname or "", parts.port or 0), 5).close()
            except OSError:
                return None
            return url
    return None


@dataclass
class FakeHub:
    """A Hub API: remembers what it was asked, and answers as it is told."""

    status: int = 204
    delay: float = 0.0
    location: str = ""
    body: dict[str, Any] | None = None
    port: int = 0
    bodies: list[str] = field(default_factory=list)
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/hub/api"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "")
        self.seen.append((request.method, request.raw_path, token))
        self.bodies.append(await request.text())
        await asyncio.sleep(self.delay)
        headers = {"Location": self.location} if self.location else {}
        if self.body is not None:
            return web.json_response(self.body, status=self.status, headers=headers)
        return web.Response(status=self.status, text=f"{HUB_TOKEN} Traceback", headers=headers)


async def xsrf_token(server: RunningServer, cookies: dict[str, str]) -> str:
    """As a browser gets it: with the first page."""
    async with (
        aiohttp.ClientSession(cookies=cookies) as session,
        session.get(server.url + "login") as page,
    ):
        return page.cookies["_xsrf"].value


def environment_in_hub(api_url: str) -> dict[str, str]:
    """What a hub gives a server of ada's."""
    return {
        "JUPYTERHUB_API_URL": api_url,
        "JUPYTERHUB_API_TOKEN": HUB_TOKEN,
        "JUPYTERHUB_USER": "ada",
        "JUPYTERHUB_SERVER_NAME": "",
    }
