"""What the administration finds out: whether Kubernetes answers, and when to check images."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from kubernetes_asyncio import client
from studiolo_hub.administration import CHECKS_APART, Administration, ClusterProbe
from studiolo_hub.answers import Refused

from tests.embedded import running_api


async def test_kubernetes_answers(tmp_path: Path) -> None:
    async with (
        running_api(tmp_path) as api,
        client.ApiClient(client.Configuration(host=api.url)) as link,
    ):
        # Without a token it says 401, which is an answer.
        link.configuration.verify_ssl = False
        assert not await ClusterProbe().away(client.CoreV1Api(link))


async def test_kubernetes_hangs_is_away_and_comes_back() -> None:
    hung, asked = asyncio.Event(), 0

    async def answer(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if not hung.is_set():
            await hung.wait()
        return web.json_response({"major": "1"})

    app = web.Application()
    app.router.add_get("/version/", answer)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    settings = client.Configuration(host=f"http://{host}:{port}")
    async with client.ApiClient(settings) as link:
        core = client.CoreV1Api(link)
        patient = ClusterProbe(timeout=0.1)
        assert await patient.away(core)
        assert await patient.away(core)
        assert asked == 1  # what was just asked is not asked again
        hung.set()
        assert not await ClusterProbe(timeout=5).away(core)
        await runner.cleanup()
        assert await ClusterProbe(timeout=5).away(core)


class _Link:
    """A catalogue that is followed, with a watch of images that counts."""

    def __init__(self, *, watched: bool = True) -> None:
        self.checks = 0
        self.problem = None
        watch = SimpleNamespace(check_now=self._check) if watched else None
        self.parts: Any = SimpleNamespace(watch=watch, cluster=None)

    def _check(self) -> None:
        self.checks += 1

    async def follow(self) -> None:
        """Nothing to follow."""


async def test_checks_are_asked_for_now_and_then() -> None:
    now, link = 100.0, _Link()
    administration = Administration(None, link, clock=lambda: now)  # type: ignore[arg-type]
    await administration.check_images(None)
    with pytest.raises(Refused, match="a moment ago") as refused:
        await administration.check_images(None)
    assert refused.value.status_code == 429
    assert refused.value.hint == "Ask again in 15 seconds."
    now += CHECKS_APART
    await administration.check_images(None)
    assert link.checks == 2


async def test_no_checks_without_a_watch() -> None:
    administration = Administration(None, _Link(watched=False))  # type: ignore[arg-type]
    with pytest.raises(Refused, match="not checked here"):
        await administration.check_images(None)
