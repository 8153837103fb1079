"""A Kubernetes list and watch over HTTP with scripted faults: cuts, 410, long lines, silence."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

Object = dict[str, Any]


class WatchApi:
    """Serves one collection; remembers every list and watch it was asked for."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.version = 100
        self.oldest = 0
        self.status: int | None = None
        self.forbidden = ""
        """What paths end with that may not be read."""
        self.lists: list[dict[str, str]] = []
        self.watches: list[dict[str, str]] = []
        self.watching = asyncio.Event()
        self._log: list[tuple[int, bytes]] = []
        self._streams: set[web.StreamResponse] = set()
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._get)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def stop(self) -> None:
        """Go away; a later start answers at the same address with everything kept."""
        self.cut()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    # -- the script ------------------------------------------------------------------------

    def put(self, item: Object, kind: str = "MODIFIED") -> None:
        """Add or change an object and tell whoever watches."""
        self.version += 1
        item["metadata"]["resourceVersion"] = str(self.version)
        key = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        if kind == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = item
        self.say({"type": kind, "object": item}, remember=True)

    def say(self, message: Object, *, remember: bool = False) -> None:
        """Write any message to the open watches."""
        line = json.dumps(message).encode() + b"\n"
        if remember:
            self._log.append((self.version, line))
        for stream in self._streams:
            assert stream._payload_writer is not None
            stream._payload_writer.transport.write(  # type: ignore[union-attr]
                f"{len(line):x}\r\n".encode() + line + b"\r\n"
            )

    def bookmark(self) -> None:
        self.version += 1
        version = str(self.version)
        self.say({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}})

    def expire(self) -> None:
        """Forget history: watches from before now are answered 410."""
        self.oldest = self.version + 1
        self._log.clear()

    def cut(self) -> None:
        """Drop the open watches without a word."""
        self.watching.clear()
        for stream in self._streams:
            assert stream._payload_writer is not None
            transport = stream._payload_writer.transport
            if transport is not None:
                transport.abort()
        self._streams.clear()

    # -- HTTP ------------------------------------------------------------------------------

    async def _get(self, request: web.Request) -> web.StreamResponse:
        query = dict(request.query)
        watch = query.get("watch") in {"true", "True"}
        (self.watches if watch else self.lists).append(query)
        if self.forbidden and request.path.endswith(self.forbidden):
            return web.json_response({"kind": "Status", "code": 403}, status=403)
        if self.status is not None:
            return web.json_response({"kind": "Status", "code": self.status}, status=self.status)
        return await self._watch(request, query) if watch else self._list(query)

    def _list(self, query: dict[str, str]) -> web.Response:
        start = int(query.get("continue") or 0)
        size = int(query.get("limit") or len(self.objects) or 1)
        page = list(self.objects.values())[start : start + size]
        metadata = {"resourceVersion": str(self.version)}
        if start + size < len(self.objects):
            metadata["continue"] = str(start + size)
        return web.json_response({"metadata": metadata, "items": page})

    async def _watch(self, request: web.Request, query: dict[str, str]) -> web.StreamResponse:
        since = int(query["resourceVersion"])
        if since < self.oldest:
            return web.json_response({"kind": "Status", "code": 410}, status=410)
        stream = web.StreamResponse()
        stream.enable_chunked_encoding()
        await stream.prepare(request)
        for version, line in self._log:
            if version > since:
                await stream.write(line)
        self._streams.add(stream)
        self.watching.set()
        try:
            await asyncio.sleep(float(query.get("timeoutSeconds") or 3600))
        finally:
            self._streams.discard(stream)
        return stream
