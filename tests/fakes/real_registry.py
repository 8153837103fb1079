"""Debian's docker-registry as a process of a test, with images that the test pushes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.ports import free_port

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


def server_binary() -> str:
    """The server, or a skip that says what to install; where it is required, a failure."""
    found = shutil.which("docker-registry")
    if found is None:
        missing = "docker-registry is not on the PATH: install Debian's package docker-registry"
        if os.environ.get("CI") or os.environ.get("STUDIOLO_REQUIRE_REAL"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


class RealRegistry:
    """One server process with its own storage; images are pushed over HTTP.

    ``headers``: what pushing needs, by repository.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.headers: Callable[[str], Mapping[str, str]] = lambda _repository: {}
        self.ssl: ssl.SSLContext | bool = True

    def session(self, repository: str) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=self.ssl)
        return aiohttp.ClientSession(headers=self.headers(repository), connector=connector)

    async def push(self, repository: str, tag: str, *, machine: str = "amd64") -> str:
        """A tiny image; the digest that the server gives it."""
        config = {
            "os": "linux",
            "architecture": machine,
            "config": {"Labels": {"dev.studiolo.contract": "1"}, "Env": ["PATH=/bin"]},
        }
        async with self.session(repository) as session:
            manifest = {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": await self._blob(
                    session,
                    repository,
                    json.dumps(config).encode(),
                    "application/vnd.oci.image.config.v1+json",
                ),
                "layers": [
                    await self._blob(
                        session,
                        repository,
                        b"not really a layer",
                        "application/vnd.oci.image.layer.v1.tar+gzip",
                    )
                ],
            }
            return await self._manifest(session, repository, tag, manifest)

    async def push_index(self, repository: str, tag: str) -> str:
        """An index over two tiny images."""
        entries = []
        for machine in ("arm64", "amd64"):
            digest = await self.push(repository, f"{tag}-{machine}", machine=machine)
            async with self.session(repository) as session:
                url = f"{self.url}/v2/{repository}/manifests/{digest}"
                async with session.get(url, headers={"Accept": OCI_MANIFEST}) as response:
                    size = len(await response.read())
            platform = {"os": "linux", "architecture": machine}
            entries.append(
                {"digest": digest, "size": size, "mediaType": OCI_MANIFEST, "platform": platform}
            )
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        async with self.session(repository) as session:
            return await self._manifest(session, repository, tag, index)

    async def _blob(
        self, session: aiohttp.ClientSession, repository: str, content: bytes, media_type: str
    ) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        async with session.post(f"{self.url}/v2/{repository}/blobs/uploads/") as response:
            assert response.status == 202, await response.text()
            location = response.headers["Location"]
        joint = "&" if "?" in location else "?"
        async with session.put(f"{location}{joint}digest={digest}", data=content) as response:
            assert response.status == 201
        return {"digest": digest, "size": len(content), "mediaType": media_type}

    async def _manifest(
        self, session: aiohttp.ClientSession, repository: str, tag: str, document: dict[str, Any]
    ) -> str:
        url = f"{self.url}/v2/{repository}/manifests/{tag}"
        headers = {"Content-Type": document["mediaType"]}
        async with session.put(
            url, data=json.dumps(document).encode(), headers=headers
        ) as response:
            assert response.status == 201, await response.text()
            return response.headers["Docker-Content-Digest"]


@asynccontextmanager
async def serving(where: Path, http: dict[str, Any], **more: Any) -> AsyncIterator[RealRegistry]:
    """A server process with these settings, ended at the end."""
    binary, port = server_binary(), free_port()
    config = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(where / "data")}},
        "http": {"addr": f"127.0.0.1:{port}", **http},
        **more,
    }
    path = where / "config.yml"
    path.write_text(json.dumps(config), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        binary,
        "serve",
        str(path),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    scheme = "https" if "tls" in http else "http"
    try:
        await _listens(port, process)
        yield RealRegistry(f"{scheme}://127.0.0.1:{port}")
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _listens(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(20):
        while True:
            assert process.returncode is None, "docker-registry ended by itself"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
