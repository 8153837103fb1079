"""A real hub process, configured by our settings file, and a browser-like client for it."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
import psutil
import yaml
from yarl import URL

from tests.fakes.oidc import FakeIssuer
from tests.ports import free_port

REPOSITORY = Path(__file__).parents[2]
CATALOGUE = """
version: 1
defaults: {image: good, profile: gpu}
images:
  - {id: good, display_name: Good image, reference: "registry.example/image:1"}
profiles:
  - id: gpu
    display_name: One GPU
    cpu: 4
    memory: 16Gi
    resource: nvidia.com/gpu
    count: 1
    gpu: {model: NVIDIA L4, memory_gib: 24}
    idle: {timeout: 1h}
    max_lifetime: 12h
"""


@dataclass
class RunningHub:
    """A hub that was started; `log` grows while it runs."""

    url: str
    settings: dict[str, Any]
    folder: Path
    process: asyncio.subprocess.Process
    log: bytearray = field(default_factory=bytearray)

    def address(self, path: str) -> str:
        """The address of one of the hub's pages."""
        return f"{self.url}/hub/{path}"


def hub_settings(folder: Path, issuer: FakeIssuer, **sections: Any) -> dict[str, Any]:
    """Settings of a hub with stand-ins for the proxy and for workspaces."""
    (folder / "catalogue.yaml").write_text(CATALOGUE)
    base: dict[str, Any] = {
        "sign_in": {
            "issuer": issuer.issuer,
            "client_secret": issuer.client_secret,
            "allowed_groups": ["ml"],
            "admin_groups": ["ops"],
        },
        "hub": {
            "bind_url": f"http://127.0.0.1:{free_port()}",
            "port": free_port(),
            "state_dir": str(folder / "state"),
        },
        "workspaces": {"catalogue_path": str(folder / "catalogue.yaml")},
        "culling": {"enabled": False},
        "extra": {
            "JupyterHub": {
                "proxy_class": "tests.hub.page_spawner.MemoryProxy",
                "spawner_class": "tests.hub.page_spawner.PageSpawner",
            }
        },
    }
    for name, section in sections.items():
        base[name] = {**base.get(name, {}), **section}
    return base


@contextlib.asynccontextmanager
async def running_hub(
    folder: Path, settings: dict[str, Any], environment: Mapping[str, str] | None = None
) -> AsyncIterator[RunningHub]:
    """Run the hub as production does: hub/jupyterhub_config.py and one settings file."""
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "jupyterhub",
        f"--config={REPOSITORY / 'hub' / 'jupyterhub_config.py'}",
        cwd=folder,
        env={
            **os.environ,
            "STUDIOLO_SETTINGS": str(folder / "settings.yaml"),
            "PYTHONPATH": str(REPOSITORY),
            **(environment or {}),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    hub = RunningHub(f"http://127.0.0.1:{settings['hub']['port']}", settings, folder, process)
    reading = asyncio.create_task(_read(process, hub.log))
    try:
        await _until_healthy(hub)
        yield hub
    finally:
        family: list[psutil.Process] = []
        if process.returncode is None:
            family = psutil.Process(process.pid).children(recursive=True)
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 15)
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        # A hub that had to be killed leaves its culler, which holds its output open.
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        await reading


async def _read(process: asyncio.subprocess.Process, log: bytearray) -> None:
    assert process.stdout is not None
    while chunk := await process.stdout.read(4096):
        log.extend(chunk)


async def _until_healthy(hub: RunningHub) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(400):
            if hub.process.returncode is not None:
                raise AssertionError(f"the hub ended: {hub.log.decode()}")
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(hub.address("health")) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)
    raise AssertionError(f"the hub does not answer: {hub.log.decode()}")


@dataclass
class Page:
    """What came back: the last status, address and text."""

    status: int
    path: str
    text: str
    headers: Mapping[str, str]

    @property
    def words(self) -> str:
        """The text without markup."""
        main = re.search(r"<main.*?</main>", self.text, re.DOTALL)
        return " ".join(re.sub(r"<[^>]+>", " ", main[0] if main else self.text).split())


class Browser:
    """Keeps cookies, follows redirects and sends forms as a browser does."""

    def __init__(self, hub: RunningHub) -> None:
        self.hub = hub
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Sec-Fetch-Mode": "navigate"}
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, path: str) -> Page:
        return await self._follow("GET", self.hub.address(path))

    async def post(self, path: str, form: Mapping[str, str]) -> Page:
        return await self._follow("POST", self.hub.address(path), data=dict(form))

    async def _follow(self, method: str, address: str, **options: Any) -> Page:
        """Follow redirects, but not into a workspace: there is no proxy that leads there."""
        url = URL(address, encoded=True)
        for _ in range(12):
            async with self._session.request(
                method, url, allow_redirects=False, **options
            ) as answer:
                page = Page(answer.status, url.path, await answer.text(), answer.headers)
            if answer.status not in {301, 302, 303}:
                return page
            url = url.join(URL(answer.headers["Location"], encoded=True))
            if url.path.startswith("/user/"):
                return page
            method, options = "GET", {}
        raise AssertionError(f"redirected in circles at {url}")

    async def sign_in(self) -> Page:
        return await self.get("oauth_login?next=%2Fhub%2Fhome")

    async def press(self, page: Page, action: str, **fields: str) -> Page:
        """Send the form of a page whose action ends like that."""
        form = re.search(
            rf'<form[^>]*action="(?P<to>[^"]*{action})".*?</form>', page.text, re.DOTALL
        )
        assert form, f"no form for {action} in {page.text}"
        token = re.search(r'name="_xsrf" value="([^"]+)"', form[0])
        to = form["to"].replace("&amp;", "&")
        more = {"_xsrf": token[1]} if token else {}
        return await self._follow("POST", self.hub.url + to, data={**more, **fields})
