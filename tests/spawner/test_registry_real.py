"""The same checks against a real registry server (Debian's docker-registry)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from studiolo_spawner.reference import parse_reference
from studiolo_spawner.registry import Outcome, RegistryClient, RegistrySettings
from studiolo_spawner.registry_auth import basic
from studiolo_spawner.registry_settings import Credentials

pytestmark = pytest.mark.cluster

NAME = "registry.example"
ADA = Credentials("ada", "s3cret-canary")
# The password above as htpasswd -B writes it; the server knows no other form
HTPASSWD = "ada:$2b$05$XyfcRgDDegIbQa7zuBdhdO3pk5PdNcvj8K2fm.upZ7HILgSjViZsm\n"
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
        self.headers: dict[str, str] = {}
        self.ssl: ssl.SSLContext | bool = True

    def session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=self.ssl)
        return aiohttp.ClientSession(headers=self.headers, connector=connector)

    async def push(self, repository: str, tag: str, *, machine: str = "amd64") -> str:
        """A tiny image; the digest that the server gives it."""
        config = {
            "os": "linux",
            "architecture": machine,
            "config": {"Labels": {"dev.studiolo.contract": "1"}, "Env": ["PATH=/bin"]},
        }
        async with self.session() as session:
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
            async with self.session() as session:
                url = f"{self.url}/v2/{repository}/manifests/{digest}"
                async with session.get(url, headers={"Accept": OCI_MANIFEST}) as response:
                    size = len(await response.read())
            platform = {"os": "linux", "architecture": machine}
            entries.append(
                {"digest": digest, "size": size, "mediaType": OCI_MANIFEST, "platform": platform}
            )
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        async with self.session() as session:
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
        await listens(port, process)
        yield RealRegistry(f"{scheme}://127.0.0.1:{port}")
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def listens(port: int, process: asyncio.subprocess.Process) -> None:
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


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[RealRegistry]:
    async with serving(tmp_path, {}) as served:
        yield served


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


# --- with credentials -----------------------------------------------------------------------------


async def test_credentials(tmp_path: Path) -> None:
    (tmp_path / "htpasswd").write_text(HTPASSWD, encoding="ascii")
    auth = {"htpasswd": {"realm": "ours", "path": str(tmp_path / "htpasswd")}}
    async with serving(tmp_path, {}, auth=auth) as registry:
        registry.headers = {"Authorization": basic(ADA)}
        await registry.push("ml/pytorch", "2.9")
        settings = RegistrySettings(endpoint=registry.url, insecure=True, allow_private=True)
        client = RegistryClient({NAME: settings})
        reference = parse_reference(f"{NAME}/ml/pytorch:2.9")
        signed_in = await client.check(reference, credentials=ADA)
        stranger = await client.check(reference)
        guessing = await client.check(reference, credentials=Credentials("ada", "guess"))
        await client.close()
    outcomes = [answer.outcome for answer in (signed_in, stranger, guessing)]
    assert outcomes == [Outcome.FOUND, Outcome.FORBIDDEN, Outcome.FORBIDDEN]


# --- with TLS -------------------------------------------------------------------------------------


def write_certificate(where: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody but its owner trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "registry of a test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = where / "registry.crt", where / "registry.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.mark.parametrize(
    ("trusted", "outcome"), [(True, Outcome.FOUND), (False, Outcome.UNREACHABLE)]
)
async def test_tls(tmp_path: Path, trusted: bool, outcome: Outcome) -> None:
    certificate, key = write_certificate(tmp_path)
    tls = {"certificate": str(certificate), "key": str(key)}
    async with serving(tmp_path, {"tls": tls}) as registry:
        registry.ssl = ssl.create_default_context(cafile=str(certificate))
        await registry.push("ml/pytorch", "2.9")
        settings = RegistrySettings(
            endpoint=registry.url,
            allow_private=True,
            ca_file=str(certificate) if trusted else None,
        )
        client = RegistryClient({NAME: settings})
        answer = await client.check(parse_reference(f"{NAME}/ml/pytorch:2.9"))
        await client.close()
    assert answer.outcome is outcome
    assert trusted or "certificate" in answer.detail


async def test_tls_is_not_given_up_for_plain_http(registry: RealRegistry) -> None:
    settings = RegistrySettings(
        endpoint=registry.url.replace("http://", "https://"), allow_private=True
    )
    client = RegistryClient({NAME: settings})
    answer = await client.check(parse_reference(f"{NAME}/ml/pytorch:2.9"))
    await client.close()
    assert answer.outcome is Outcome.UNREACHABLE
