"""Stands between a client and the Kubernetes API and spoils what it is told to spoil."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from aiohttp import web

Fault = Callable[[web.BaseRequest, "FaultyProxy"], Awaitable[web.StreamResponse]]


@dataclass
class _Rule:
    request: re.Pattern[str]
    fault: Fault
    times: int
    holding: tuple[str, ...] = ()


class FaultyProxy:
    """Forwards everything; a fault is met by requests like "POST .*/pods$", so many times.

    ``holding``: only requests whose body has all these texts.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.seen: list[str] = []
        self.away = False
        self._rules: list[_Rule] = []
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        assert self._runner
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        self._runner = web.ServerRunner(
            web.Server(self._handle, access_log=None, handler_cancellation=False),
            shutdown_timeout=0.1,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
        if self._session:
            await self._session.close()

    def spoil(
        self, request: str, fault: Fault, *, times: int = 1, holding: tuple[str, ...] = ()
    ) -> None:
        self._rules.append(_Rule(re.compile(request), fault, times, holding))

    def mend(self) -> None:
        """Spoil nothing any more; what is being held stays held."""
        self._rules.clear()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        name = f"{request.method} {request.path}"
        self.seen.append(name)
        if self.away:
            return await cut(request, self)
        for rule in self._rules:
            if rule.times and rule.request.fullmatch(name) and await _holds(request, rule.holding):
                rule.times -= 1
                return await rule.fault(request, self)
        return await self.forward(request)

    async def forward(self, request: web.BaseRequest) -> web.StreamResponse:
        assert self._session
        body = await request.read()
        headers = {k: v for k, v in request.headers.items() if k not in {"Host", "Content-Length"}}
        url = self.target + request.path_qs
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._session.request(
            request.method, url, data=body or None, headers=headers, timeout=timeout
        ) as response:
            if "watch" not in request.query:
                content = await response.read()
                return web.Response(
                    body=content, status=response.status, content_type=response.content_type
                )
            stream = web.StreamResponse(status=response.status)
            await stream.prepare(request)
            async for chunk in response.content.iter_any():
                await stream.write(chunk)
            return stream


async def _holds(request: web.BaseRequest, texts: tuple[str, ...]) -> bool:
    body = await request.read() if texts else b""
    return all(text.encode() in body for text in texts)


class Held:
    """A request that is held, as an event: ``reached`` is set when it is there.

    ``done``: the API server has carried it out, and only the answer is held.  ``late``: it is
    carried out when it is let go, although nobody waits for the answer any more.
    """

    def __init__(self, *, done: bool = False, late: bool = False) -> None:
        self.reached = asyncio.Event()
        self.let_go = asyncio.Event()
        self.over = asyncio.Event()
        self._met = False
        self._done = done
        self._late = late

    async def __call__(self, request: web.BaseRequest, proxy: FaultyProxy) -> web.StreamResponse:
        await request.read()
        # Whoever asks again because no answer comes is held, too.
        first = not self._met
        self._met = True
        if self._done and first:
            await proxy.forward(request)
        self.reached.set()
        await self.let_go.wait()
        if self._late and first:
            await proxy.forward(request)
        self.over.set()
        return web.Response(status=503)


async def cut(request: web.BaseRequest, _proxy: FaultyProxy) -> web.StreamResponse:
    """No answer at all: the connection ends."""
    assert request.transport
    request.transport.abort()
    return web.Response()


def answers(status: int, text: str = "", **headers: str) -> Fault:
    """Answer without asking the API server."""

    async def fault(_request: web.BaseRequest, _proxy: FaultyProxy) -> web.StreamResponse:
        body = {"kind": "Status", "code": status, "message": text}
        return web.json_response(body, status=status, headers=headers)

    return fault


def late(seconds: float) -> Fault:
    """Have the API server do it, and tell much later."""

    async def fault(request: web.BaseRequest, proxy: FaultyProxy) -> web.StreamResponse:
        answer = await proxy.forward(request)
        await asyncio.sleep(seconds)
        return answer

    return fault
