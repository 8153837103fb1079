"""The embedded Kubernetes API for tests: started in the test's own event loop, on a free port.

Import the fixture in a conftest.py: `from tests.embedded import embedded_api  # noqa: F401`.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from studiolo_local.api import ApiServer, Store


@dataclass(frozen=True)
class EmbeddedApi:
    """A running API server and how to reach it."""

    url: str
    token: str
    kubeconfig: Path
    store: Store
    server: ApiServer
    session: aiohttp.ClientSession
    """A client that sends the token; its base URL is the server."""

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        media_type: str = "application/json",
        **query: str,
    ) -> tuple[int, Any]:
        """Make one request; returns the status and the JSON of the answer."""
        data = None if body is None else json.dumps(body).encode()
        async with self.session.request(
            method, path, data=data, params=query, headers={"Content-Type": media_type}
        ) as response:
            return response.status, await response.json()

    async def expect(self, method: str, path: str, body: Any = None, **options: str) -> Any:
        """Make one request that must succeed; returns the JSON of the answer."""
        status, answer = await self.call(method, path, body, **options)
        assert status < 400, answer
        return answer

    async def delete_all(self, collection: str) -> None:
        """Delete all objects of a collection at once, and wait until they are gone."""
        async with asyncio.timeout(20):
            while items := (await self.expect("GET", collection))["items"]:
                for item in items:
                    path = f"{collection}/{item['metadata']['name']}"
                    await self.call("DELETE", path, gracePeriodSeconds="0")


@asynccontextmanager
async def running_api(
    directory: Path, store: Store | None = None, **options: Any
) -> AsyncIterator[EmbeddedApi]:
    """Run a server over a store (by default an empty one in memory) until the block ends."""
    store = store or Store()
    token = secrets.token_urlsafe(24)
    server = ApiServer(store, token=token, **options)
    await server.start()
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(server.kubeconfig())
    kubeconfig.chmod(0o600)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with aiohttp.ClientSession(base_url=server.url, headers=headers) as session:
            yield EmbeddedApi(server.url, token, kubeconfig, store, server, session)
    finally:
        await server.stop()
        store.close()


@pytest.fixture
async def embedded_api(tmp_path: Path) -> AsyncIterator[EmbeddedApi]:
    """An empty cluster's API: url, token, kubeconfig (a path), store and a client session."""
    async with running_api(tmp_path) as api:
        yield api
