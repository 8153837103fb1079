"""Pulls an image from a registry, in containerd's words when it fails. I/O: HTTP and files.

A registry is reached at the endpoint that the operator mapped its name to, as containerd's
hosts.toml does; a name without a mapping is not looked up at all, so that nothing leaves this
machine. Every blob is checked against its digest before it is kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from studiolo_spawner.errors import InvalidReference
from studiolo_spawner.reference import ImageReference, parse_reference

from studiolo_local.kubelet.image_root import BadLayer
from studiolo_local.kubelet.image_store import ImageStore, StoredImage

_INDEX_TYPES: Final = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
_MANIFEST_TYPES: Final = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)
_ACCEPT: Final = ", ".join([*sorted(_MANIFEST_TYPES), *sorted(_INDEX_TYPES)])
_MAX_MANIFEST: Final = 4 * 1024 * 1024
_TIMEOUT: Final = aiohttp.ClientTimeout(total=600, sock_connect=5, sock_read=30)
_CHALLENGE: Final = re.compile(r'(\w+)="([^"]*)"')
PLATFORM: Final = ("linux", "amd64")
"""Of the simulated nodes, whatever this machine is: nothing of an image is executed but scripts."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a password for one registry."""

    username: str
    password: str


class PullError(Exception):
    """The pull failed; the message is what the runtime tells the kubelet."""


def reference_of(text: str) -> ImageReference:
    """The reference that a container names; InvalidReference when it is none."""
    return parse_reference(text, default_tag="latest")


def name_problem(text: str) -> str | None:
    """What a kubelet says about a container's image that is no reference."""
    try:
        reference_of(text)
    except InvalidReference:
        return (
            f'Failed to apply default image tag "{text}": couldn\'t parse image name "{text}": '
            "invalid reference format"
        )
    return None


class ImagePuller:
    """Pulls into one store, each image once at a time."""

    def __init__(
        self, store: ImageStore, endpoints: Mapping[str, str], http: aiohttp.ClientSession
    ) -> None:
        self._store = store
        self._endpoints = {name: url.rstrip("/") for name, url in endpoints.items()}
        self._http = http
        self._locks: dict[str, asyncio.Lock] = {}

    async def pull(self, text: str, credentials: Mapping[str, Credentials]) -> StoredImage:
        """Bring the image here and list it; PullError when that is not possible."""
        reference = reference_of(text)
        full = str(reference)
        async with self._locks.setdefault(full, asyncio.Lock()):
            fetch = _Fetch(self._http, self._store, reference, self._endpoints, credentials)
            try:
                image = await fetch.run()
                await asyncio.to_thread(self._store.keep, full, image)
            except BadLayer as error:
                raise fetch.failure(f"failed to extract layer: {error}") from error
        return image


class _Fetch:
    """One pull of one image."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        store: ImageStore,
        reference: ImageReference,
        endpoints: Mapping[str, str],
        credentials: Mapping[str, Credentials],
    ) -> None:
        self._http = http
        self._store = store
        self._reference = reference
        self._endpoint = endpoints.get(reference.registry)
        self._credentials = credentials.get(reference.registry)
        self._authorization = ""

    async def run(self) -> StoredImage:
        """Resolve the reference, then fetch what it names."""
        wanted = self._reference.digest or self._reference.tag or "latest"
        document, digest, media_type = await self._manifest(wanted)
        size = 0
        if media_type in _INDEX_TYPES:
            child = _for_platform(document)
            if child is None:
                raise self.failure("no match for platform in manifest: not found", "NotFound")
            document, _, media_type = await self._manifest(child)
        if media_type not in _MANIFEST_TYPES:
            raise self.failure(f'media type "{media_type}" is no longer supported')
        blobs = [document["config"], *document["layers"]]
        for blob in blobs:
            size += int(blob["size"])
            await self._blob(str(blob["digest"]), int(blob["size"]))
        config_digest = str(document["config"]["digest"])
        self._check_platform(config_digest, digest)
        layers = tuple(str(layer["digest"]) for layer in document["layers"])
        name = f"{self._reference.registry}/{self._reference.repository}"
        return StoredImage(name, digest, config_digest, layers, size)

    def failure(self, detail: str, code: str = "Unknown") -> PullError:
        """The runtime's error about the pull as a whole."""
        subject = f'failed to pull and unpack image "{self._reference}"'
        return PullError(f"rpc error: code = {code} desc = {subject}: {detail}")

    def _unresolved(self, detail: str, code: str = "Unknown") -> PullError:
        return self.failure(f'failed to resolve reference "{self._reference}": {detail}', code)

    def _check_platform(self, config_digest: str, digest: str) -> None:
        try:
            config = json.loads(self._store.blob(config_digest).read_bytes())
            platform = (config["os"], config["architecture"])
        except (ValueError, KeyError, TypeError) as error:
            raise self.failure(f"unmarshal image config: {error}") from error
        if platform != PLATFORM:
            raise self.failure(f"no match for platform in manifest {digest}: not found", "NotFound")

    async def _manifest(self, wanted: str) -> tuple[dict[str, Any], str, str]:
        """A manifest or index with its digest and type."""
        path = f"/manifests/{wanted}"
        content, headers = await self._small(path, {"Accept": _ACCEPT})
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        if wanted.startswith("sha256:") and wanted != digest:
            raise self.failure(
                f"failed commit on ref: unexpected commit digest {digest}, expected {wanted}: "
                "failed precondition",
                "FailedPrecondition",
            )
        try:
            document = json.loads(content)
            media_type = document.get("mediaType") or headers.get("Content-Type", "")
        except (ValueError, AttributeError) as error:
            raise self.failure(f"unmarshal manifest: {error}") from error
        return document, digest, str(media_type).split(";")[0]

    async def _small(self, path: str, headers: dict[str, str]) -> tuple[bytes, Mapping[str, str]]:
        async with await self._get(path, headers) as answer:
            if answer.status == 404:
                raise self._unresolved(f"{self._reference}: not found", "NotFound")
            if answer.status >= 400:
                status = f"{answer.status} {answer.reason}"
                raise self._unresolved(
                    f"unexpected status from HEAD request to {answer.url}: {status}"
                )
            return await answer.content.read(_MAX_MANIFEST), answer.headers

    async def _blob(self, digest: str, size: int) -> None:
        """Fetch a blob that is not here yet."""
        if self._store.has_blob(digest):
            return
        target = self._store.new_blob()
        checksum = hashlib.sha256()
        written = 0
        try:
            async with await self._get(f"/blobs/{digest}", {}) as answer:
                if answer.status >= 400:
                    raise self.failure(
                        "failed to copy: httpReadSeeker: failed open: unexpected status code "
                        f"{answer.url}: {answer.status} {answer.reason}"
                    )
                with target.open("wb") as file:
                    async for data in answer.content.iter_chunked(256 * 1024):
                        checksum.update(data)
                        written += len(data)
                        await asyncio.to_thread(file.write, data)
            found = "sha256:" + checksum.hexdigest()
            if found != digest or written != size:
                raise self.failure(
                    f'failed to copy: failed commit on ref "layer-{digest}": unexpected commit '
                    f"digest {found}, expected {digest}: failed precondition",
                    "FailedPrecondition",
                )
            target.replace(self._store.blob(digest))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self.failure(f"failed to copy: httpReadSeeker: failed open: {error}") from error
        finally:
            target.unlink(missing_ok=True)

    async def _get(self, path: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
        """One request, with credentials when they are asked for."""
        url = f"{self._base(path)}/v2/{self._reference.repository}{path}"
        try:
            answer = await self._send(url, headers)
            if answer.status != 401:
                return answer
            challenge = answer.headers.get("WWW-Authenticate", "")
            answer.release()
            self._authorization = await self._authorize(challenge)
            answer = await self._send(url, headers)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unresolved(f'failed to do request: Head "{url}": {_go_words(error)}') from (
                error
            )
        if answer.status == 401:
            answer.release()
            raise self._denied("insufficient_scope: authorization failed")
        return answer

    async def _send(self, url: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
        if self._authorization:
            headers = {**headers, "Authorization": self._authorization}
        return await self._http.get(url, headers=headers, timeout=_TIMEOUT, allow_redirects=False)

    async def _authorize(self, challenge: str) -> str:
        """What the registry wants to see, for our credentials."""
        kind = challenge.partition(" ")[0].lower()
        if self._credentials is None:
            raise self._denied("authorization failed: no basic auth credentials")
        basic = aiohttp.encode_basic_auth(self._credentials.username, self._credentials.password)
        if kind == "basic":
            return basic
        words = dict(_CHALLENGE.findall(challenge))
        realm = words.pop("realm", "")
        # A realm elsewhere would be handed the password
        if kind != "bearer" or urlsplit(realm).netloc != urlsplit(self._endpoint or "").netloc:
            raise self._denied("authorization failed: the realm is not the registry's own")
        async with self._http.get(
            realm, params=words, headers={"Authorization": basic}, timeout=_TIMEOUT
        ) as answer:
            if answer.status != 200:
                raise self._unresolved(
                    "failed to authorize: failed to fetch oauth token: unexpected status from GET "
                    f"request to {realm}: {answer.status} {answer.reason}"
                )
            body = await answer.json()
        return f"Bearer {body.get('token') or body.get('access_token')}"

    def _denied(self, detail: str) -> PullError:
        return self._unresolved(
            f"pull access denied, repository does not exist or may require authorization: {detail}"
        )

    def _base(self, path: str) -> str:
        if self._endpoint is not None:
            return self._endpoint
        registry = self._reference.registry
        url = f"https://{registry}/v2/{self._reference.repository}{path}"
        raise self._unresolved(
            f'failed to do request: Head "{url}": dial tcp: lookup {registry}: no such host'
        )


def _for_platform(index: Mapping[str, Any]) -> str | None:
    for entry in index.get("manifests", ()):
        platform = entry.get("platform") or {}
        if (platform.get("os"), platform.get("architecture")) == PLATFORM:
            return str(entry["digest"])
    return None


def _go_words(error: Exception) -> str:
    """A failed connection as Go's net package tells it."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"dial tcp {error.host}:{error.port}: connect: connection refused"
    if isinstance(error, TimeoutError):
        return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "EOF"
    return f"read tcp: {error}"
