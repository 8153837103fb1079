"""The client's session is changed where nothing in the environment speaks against it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from studiolo_spawner.direct_connection import connect_directly


@pytest.fixture
async def core(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    rest = SimpleNamespace(pool_manager=aiohttp.ClientSession(trust_env=True))
    yield SimpleNamespace(api_client=SimpleNamespace(rest_client=rest))
    await rest.pool_manager.close()


async def test_session_changes_and_keeps_its_connections(core: Any) -> None:
    rest = core.api_client.rest_client
    before = rest.pool_manager
    connector = before.connector
    connect_directly(core)
    assert not rest.pool_manager.trust_env
    assert rest.pool_manager.connector is connector
    assert before.closed
    after = rest.pool_manager
    connect_directly(core)
    assert rest.pool_manager is after


async def test_a_proxy_in_the_environment_is_obeyed(
    core: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example.org:3128")
    before = core.api_client.rest_client.pool_manager
    connect_directly(core)
    assert core.api_client.rest_client.pool_manager is before
