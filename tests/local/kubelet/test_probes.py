"""Probes: what counts as an answer, in the kubelet's words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from studiolo_local.kubelet.probes import Answer, Probe, Prober


async def no_command(command: list[str], seconds: float) -> tuple[int, str]:
    return (0, "fine") if command == ["true"] else (3, "not fine")


class Stage:
    def __init__(self, port: int, http: aiohttp.ClientSession) -> None:
        self.port = port
        self.prober = Prober(http, "127.0.0.1", no_command)
        self.url = f"http://127.0.0.1:{port}"

    async def ask(self, **action: Any) -> Answer:
        probe = Probe.read("Readiness", {"timeoutSeconds": 1, **action})
        assert probe is not None
        return await self.prober.ask(probe, {"http": self.port})

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask(httpGet={"path": path, "port": "http", **more})


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async def serve(request: web.Request) -> web.Response:
        match request.path:
            case "/redirect":
                return web.Response(status=302, headers={"Location": "/ok"})
            case "/away":
                return web.Response(status=302, headers={"Location": "http://elsewhere.test/"})
            case "/round":
                return web.Response(status=302, headers={"Location": "/round"})
            case "/echo":
                return web.Response(text=request.headers.get("X-Word", ""))
            case "/slow":
                await asyncio.sleep(5)
        return web.Response(status=503 if request.path == "/bad" else 200, text="hello")

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as http:
        yield Stage(runner.addresses[0][1], http)
    await runner.cleanup()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/ok", Answer(True, "hello")),
        ("ok", Answer(True, "hello")),
        ("/bad", Answer(False, "HTTP probe failed with statuscode: 503")),
        ("/redirect", Answer(True, "hello")),
        ("/away", Answer(True, "Probe terminated redirects")),
    ],
)
async def test_http(stage: Stage, path: str, expected: Answer) -> None:
    assert await stage.get(path) == expected


async def test_redirects_come_to_an_end(stage: Stage) -> None:
    answer = await stage.get("/round")
    assert answer == Answer(False, f'Get "{stage.url}/round": stopped after 10 redirects')


async def test_headers(stage: Stage) -> None:
    answer = await stage.get("/echo", httpHeaders=[{"name": "X-Word", "value": "please"}])
    assert answer.output == "please"


async def test_a_slow_answer_is_none(stage: Stage) -> None:
    assert await stage.get("/slow") == Answer(
        False,
        f'Get "{stage.url}/slow": context deadline exceeded (Client.Timeout exceeded while '
        "awaiting headers)",
    )


async def test_nobody_listens(stage: Stage) -> None:
    answer = await stage.ask(httpGet={"path": "/", "port": 1})
    assert answer == Answer(
        False, 'Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused'
    )


async def test_tcp(stage: Stage) -> None:
    assert (await stage.ask(tcpSocket={"port": "http"})).good
    answer = await stage.ask(tcpSocket={"port": 1})
    assert answer == Answer(False, "dial tcp 127.0.0.1:1: connect: connection refused")


async def test_a_command(stage: Stage) -> None:
    assert await stage.ask(exec={"command": ["true"]}) == Answer(True, "fine")
    assert await stage.ask(exec={"command": ["false"]}) == Answer(False, "not fine")


async def test_a_kind_that_there_is_not(stage: Stage) -> None:
    assert not (await stage.ask(grpc={"port": 1})).good


def test_defaults_of_kubernetes() -> None:
    probe = Probe.read("Liveness", {"tcpSocket": {"port": 1}})
    assert probe is not None
    assert (probe.delay, probe.period, probe.timeout) == (0, 10, 1)
    assert (probe.successes, probe.failures, probe.grace) == (1, 3, None)
    assert Probe.read("Liveness", None) is None
