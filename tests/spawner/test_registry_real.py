"""The same checks against a real registry server (Debian's docker-registry)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from studiolo_spawner.reference import parse_reference
from studiolo_spawner.registry import Outcome, RegistryClient, RegistrySettings

pytestmark = pytest.mark.cluster

NAME = "registry.example"
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RealRegistry:
    """One server process with its own storage; images are pushed over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def push(self, repository: str, tag: str, *, machine: str = "amd64") -> str:
        """A tiny image; the digest that the server gives it."""
        config = {
            "os": "linux",
            "architecture": machine,
            "config": {"Labels": {"dev.studiolo.contract": "1"}, "Env": ["PATH=/bin"]},
        }
        async with aiohttp.ClientSession() as session:
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
            async with aiohttp.ClientSession() as session:
                url = f"{self.url}/v2/{repository}/manifests/{digest}"
                async with session.get(url, headers={"Accept": OCI_MANIFEST}) as response:
                    size = len(await response.read())
            platform = {"os": "linux", "architecture": machine}
            entries.append(
                {"digest": digest, "size": size, "mediaType": OCI_MANIFEST, "platform": platform}
            )
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        async with aiohttp.ClientSession() as session:
            return await self._manifest(session, repository, tag, index)

    async def _blob(
        self, session: aiohttp.ClientSession, repository: str, content: bytes, media_type: str
    ) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        async with session.post(f"{self.url}/v2/{repository}/blobs/uploads/") as response:
            assert response.status == 202
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


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[RealRegistry]:
    binary, port = server_binary(), free_port()
    config = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    path = tmp_path / "config.yml"
    path.write_text(json.dumps(config), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        binary,
        "serve",
        str(path),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await answers(f"http://127.0.0.1:{port}/v2/", process)
        yield RealRegistry(f"http://127.0.0.1:{port}")
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def answers(url: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(20), aiohttp.ClientSession() as session:
        while True:
            assert process.returncode is None, "docker-registry ended by itself"
            try:
                async with session.get(url):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


@pytest.fixture
async def client(registry: RealRegistry) -> AsyncIterator[RegistryClient]:
    settings = RegistrySettings(endpoint=registry.url, insecure=True, allow_private=True)
    made = RegistryClient({NAME: settings})
    yield made
    await made.close()


async def test_image(registry: RealRegistry, client: RegistryClient) -> None:
    digest = await registry.push("ml/pytorch", "2.9")
    answer = await client.check(parse_reference(f"{NAME}/ml/pytorch:2.9"))
    assert (answer.outcome, answer.digest) == (Outcome.FOUND, digest)
    assert answer.labels == {"dev.studiolo.contract": "1"}
    assert answer.environment == {"PATH": "/bin"}


async def test_index(registry: RealRegistry, client: RegistryClient) -> None:
    digest = await registry.push_index("ml/pytorch", "2.9")
    answer = await client.check(parse_reference(f"{NAME}/ml/pytorch:2.9"))
    assert (answer.outcome, answer.digest) == (Outcome.FOUND, digest)
    by_digest = await client.check(parse_reference(f"{NAME}/ml/pytorch@{digest}"))
    assert by_digest.outcome is Outcome.FOUND


async def test_other_platform(registry: RealRegistry, client: RegistryClient) -> None:
    await registry.push("ml/pytorch", "2.9", machine="arm64")
    answer = await client.check(parse_reference(f"{NAME}/ml/pytorch:2.9"))
    assert (answer.outcome, answer.reason) == (Outcome.WRONG, "wrong_platform")


@pytest.mark.parametrize(
    "name",
    ["ml/pytorch:2.8", "ml/nosuch:1", f"ml/pytorch@sha256:{'0' * 64}"],
    ids=["tag", "repository", "digest"],
)
async def test_missing(registry: RealRegistry, client: RegistryClient, name: str) -> None:
    await registry.push("ml/pytorch", "2.9")
    answer = await client.check(parse_reference(f"{NAME}/{name}"))
    assert answer.outcome is Outcome.MISSING
