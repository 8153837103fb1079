"""What the hub's log says when the Kubernetes API does not answer: enough to mend it."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from kubernetes_asyncio import client
from studiolo_local.api.certificate import open_certificate
from studiolo_spawner.cluster_api import ClusterApi
from studiolo_spawner.errors import ClusterFault

from tests.ports import free_port

log = logging.getLogger("tests.cluster_api")


async def _ask(url: str, trusted: Path | None = None) -> ClusterFault:
    there = client.Configuration()
    there.host = url
    there.ssl_ca_cert = str(trusted) if trusted else None
    async with client.ApiClient(there) as connection:
        api = ClusterApi(client.CoreV1Api(connection), timeout=2, patience=0.1, log=log)
        with pytest.raises(ClusterFault) as raised:
            await api.read("pod", "any", namespace="studiolo")
    return raised.value


@asynccontextmanager
async def _server(context: ssl.SSLContext) -> AsyncIterator[str]:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_closed_port_is_named(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    fault = await _ask(f"http://127.0.0.1:{port}")
    assert f"answered nothing (ClientConnectorError: Cannot connect to host 127.0.0.1:{port}" in (
        caplog.text
    )
    assert str(port) not in fault.user_message


async def test_an_untrusted_certificate_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trusted = tmp_path / "other.pem"
    trusted.write_text(open_certificate().authority)
    async with _server(open_certificate().context) as url:
        fault = await _ask(url, trusted)
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
    assert "CERTIFICATE" not in fault.user_message
