"""An OCI registry over HTTP for tests, with everything that can go wrong with one.

Serves what is added to it on a loopback address and remembers every request. Faults are put in by
path: ``registry.fault("/manifests/", registry.hang)``. It speaks only as much of the distribution
API as reading needs.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"

Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass
class FakeRegistry:
    """Start it with ``async with``; ``auth`` is "", "token" or "basic"."""

    host: str = "127.0.0.1"
    auth: str = ""
    realm: str = ""
    users: dict[str, str] = field(default_factory=dict)
    anonymous: bool = True
    token_life: int | None = 300
    requests: list[Seen] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._manifests: dict[tuple[str, str], tuple[bytes, str]] = {}
        self._blobs: dict[str, bytes] = {}
        self._faults: list[tuple[re.Pattern[str], Fault]] = []
        self._tokens: dict[str, str] = {}
        self._hanging = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hanging.set()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def paths(self, method: str = "GET") -> list[str]:
        """The paths that were asked for, in order."""
        return [seen.path for seen in self.requests if seen.method == method]

    # --- content

    def blob(self, content: bytes) -> str:
        digest = digest_of(content)
        self._blobs[digest] = content
        return digest

    def put(self, repository: str, name: str, content: bytes, media_type: str) -> str:
        """Put any bytes where a manifest stands, by name and by digest."""
        digest = digest_of(content)
        self._manifests[repository, name] = (content, media_type)
        self._manifests[repository, digest] = (content, media_type)
        return digest

    def image(
        self,
        repository: str = "ml/pytorch",
        tag: str = "2.9",
        *,
        platform: tuple[str, str] | None = ("linux", "amd64"),
        labels: Mapping[str, str] | None = None,
        environment: tuple[str, ...] = ("PATH=/usr/bin",),
        layers: tuple[int, ...] = (1000, 2000),
        docker: bool = False,
    ) -> str:
        """One image for one platform; its digest."""
        config: dict[str, Any] = {"config": {"Labels": dict(labels or {}), "Env": [*environment]}}
        if platform is not None:
            config["os"], config["architecture"] = platform
        content = json.dumps(config).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST if docker else OCI_MANIFEST,
            "config": self._descriptor(content, DOCKER_CONFIG if docker else OCI_CONFIG),
            "layers": [
                {"digest": digest_of(str(n).encode()), "size": size, "mediaType": OCI_LAYER}
                for n, size in enumerate(layers)
            ],
        }
        media_type = str(manifest["mediaType"])
        return self.put(repository, tag, json.dumps(manifest).encode(), media_type)

    def index(
        self,
        repository: str = "ml/pytorch",
        tag: str = "2.9",
        *,
        platforms: tuple[tuple[str, str], ...] = (("linux", "amd64"), ("linux", "arm64")),
        docker: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> str:
        """An index over one image for each platform, and an attestation; its digest."""
        entries = []
        for system, machine in (*platforms, ("unknown", "unknown")):
            digest = self.image(
                repository,
                f"{tag}-{machine}",
                platform=(system, machine),
                docker=docker,
                labels=labels,
            )
            content = self._manifests[repository, digest][0]
            described = self._descriptor(content, DOCKER_MANIFEST if docker else OCI_MANIFEST)
            entries.append({**described, "platform": {"os": system, "architecture": machine}})
        media_type = DOCKER_INDEX if docker else OCI_INDEX
        index = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
        return self.put(repository, tag, json.dumps(index).encode(), media_type)

    def _descriptor(self, content: bytes, media_type: str) -> dict[str, Any]:
        return {"digest": self.blob(content), "size": len(content), "mediaType": media_type}

    # --- faults

    def fault(self, path: str, fault: Fault) -> None:
        """From now on, requests whose path matches meet this fault."""
        self._faults.append((re.compile(path), fault))

    def heal(self) -> None:
        """Take all faults away."""
        self._faults.clear()
        self._hanging.set()
        self._hanging = asyncio.Event()

    async def hang(self, _: web.Request) -> None:
        """A fault: no answer until the registry is healed or stopped."""
        await self._hanging.wait()

    # --- serving

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(
            Seen(request.method, request.path, dict(request.query), dict(request.headers))
        )
        for pattern, fault in self._faults:
            if pattern.search(request.path):
                answer = await fault(request)
                if answer is not None:
                    return answer
        if request.path == "/token":
            return self._token(request)
        if (refusal := self._refusal(request)) is not None:
            return refusal
        return self._content(request)

    def _content(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/v2/":
            return web.json_response({})
        found = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", request.path)
        if found is None:
            return web.Response(status=404)
        repository, kind, name = found.groups()
        if kind == "blobs":
            blob = self._blobs.get(name)
            return web.Response(status=404) if blob is None else web.Response(body=blob)
        manifest = self._manifests.get((repository, name))
        if manifest is None:
            error = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "canary-in-a-body"}]}
            return web.json_response(error, status=404)
        content, media_type = manifest
        headers = {"Docker-Content-Digest": digest_of(content), "Content-Type": media_type}
        return web.Response(body=content, headers=headers)

    def _refusal(self, request: web.Request) -> web.Response | None:
        given = request.headers.get("Authorization", "")
        if self.auth == "basic" and not self._knows(given):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="registry"'})
        if self.auth != "token":
            return None
        repository = request.path.removeprefix("/v2/").split("/manifests/")[0].split("/blobs/")[0]
        scheme, _, token = given.partition(" ")
        if scheme == "Bearer" and self._tokens.get(token) == f"repository:{repository}:pull":
            return None
        realm = self.realm or f"{self.url}/token"
        challenge = (
            f'Bearer realm="{realm}",service="fake",scope="repository:{repository}:pull,push"'
        )
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    def _token(self, request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "")
        if (given or not self.anonymous) and not self._knows(given):
            return web.json_response({"details": "canary-in-a-body"}, status=401)
        token = f"token-{len(self._tokens)}"
        self._tokens[token] = request.query["scope"]
        answer = {"token": token}
        if self.token_life is not None:
            return web.json_response({**answer, "expires_in": self.token_life})
        return web.json_response(answer)

    def _knows(self, authorization: str) -> bool:
        scheme, _, value = authorization.partition(" ")
        if scheme != "Basic":
            return False
        user, _, password = base64.b64decode(value).decode().partition(":")
        return self.users.get(user) == password

    def forget_tokens(self) -> None:
        """Refuse every token that was handed out."""
        for token in self._tokens:
            self._tokens[token] = ""


def answers(status: int, body: bytes = b"", **headers: str) -> Fault:
    """A fault: this status, whatever was asked; header names with _ for -."""

    async def fault(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=named)

    return fault


def redirects(location: str, status: int = 307) -> Fault:
    """A fault: everything is elsewhere."""
    return answers(status, Location=location)


async def breaks_off(request: web.Request) -> web.StreamResponse:
    """A fault: the connection ends in the middle of the body."""
    response = web.StreamResponse(headers={"Content-Length": "10000", "Content-Type": OCI_MANIFEST})
    await response.prepare(request)
    await response.write(b'{"schemaVersion": 2,')
    assert request.transport is not None
    request.transport.abort()
    return response


async def hangs_up(request: web.Request) -> web.StreamResponse | None:
    """A fault: the connection ends before any answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def never_ends(request: web.Request) -> web.StreamResponse:
    """A fault: an endless body without a length."""
    response = web.StreamResponse(headers={"Content-Type": OCI_MANIFEST})
    await response.prepare(request)
    try:
        while True:
            await response.write(b" " * 65_536)
    except ConnectionError:
        return response
