"""Fetching what a reference names: manifest, index, configuration; in few round trips.

I/O through the exchange and the authorizer. A cold check takes: the refusal, the token, the
manifest (3); one more for the manifest behind an index, one more for the configuration. With a
token it begins at the manifest. The manifest is got, not only looked at (HEAD): its bytes are what
the digest is verified over, so looking first would be one trip more. Once a tag's content is
known, looking is all that is needed to see that the tag has not moved, and public registries do
not count it as a pull.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from yarl import URL

from studiolo_spawner.reference import ImageReference
from studiolo_spawner.registry_answer import Outcome, RegistryAnswer
from studiolo_spawner.registry_auth import Authorizer
from studiolo_spawner.registry_http import Exchange, Response, Trouble, trouble_of_status
from studiolo_spawner.registry_manifest import (
    ACCEPT,
    BadContent,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    Platform,
    choose,
    digest_of,
    is_digest,
    read_config,
    read_manifest,
    verify,
)
from studiolo_spawner.registry_settings import Credentials, Endpoint, same_origin

MAX_MANIFEST: Final = 4 * 1024 * 1024
MAX_CONFIG: Final = 4 * 1024 * 1024
# The configuration is worth waiting for, but not worth losing the manifest's answer over
_CONFIG_SECONDS: Final = 2.0
_REDIRECTS: Final = 3


@dataclass(frozen=True, slots=True)
class Source:
    """One repository, as it is asked: where, what and as whom."""

    endpoint: Endpoint
    repository: str
    credentials: Credentials | None

    def url(self, kind: str, name: str) -> URL:
        """The URL of a manifest or blob; names come out of strict grammars and need no escaping."""
        path = f"{self.endpoint.base.path.rstrip('/')}/v2/{self.repository}/{kind}/{name}"
        return self.endpoint.base.with_path(path)


class Fetcher:
    """Asks registries about references."""

    def __init__(self, exchange: Exchange, authorizer: Authorizer) -> None:
        self._exchange = exchange
        self._authorizer = authorizer

    async def digest(self, source: Source, tag: str) -> str | None:
        """The digest that a tag has now, by looking only; None when the registry does not say."""
        response = await self._ask(source, source.url("manifests", tag), limit=0, method="HEAD")
        if response.status == 200:
            digest = response.headers.get("docker-content-digest")
            return digest if is_digest(digest) else None
        # Some registries answer HEAD with what they would not answer GET with
        if response.status in {404, 429}:
            raise trouble_of_status(response, "image")
        return None

    async def image(
        self, source: Source, reference: ImageReference, platform: Platform
    ) -> RegistryAnswer:
        """FOUND with all that is known; Trouble or BadContent for everything else."""
        name = reference.digest or reference.tag or ""
        content, response = await self._manifest(source, name)
        digest = reference.digest or _stated_or_computed(response, content)
        verify(content, digest, "manifest")
        found = read_manifest(content, response.content_type)
        index_size = 0
        if isinstance(found, Index):
            index_size = len(content)
            found = await self._behind(source, found, platform)
        config = await self._config(source, found.config, platform)
        return RegistryAnswer(
            Outcome.FOUND,
            digest=digest,
            size=index_size + found.size,
            labels=config.labels if config else {},
            environment=config.environment if config else {},
            detail="" if config else "the image's configuration could not be read",
            created=config.created if config else None,
        )

    async def _manifest(self, source: Source, name: str) -> tuple[bytes, Response]:
        response = await self._ask(source, source.url("manifests", name), limit=MAX_MANIFEST)
        if response.status != 200:
            raise trouble_of_status(response, "image")
        if response.content_type == "text/html":
            raise Trouble(Outcome.UNREACHABLE, "a web page answers in the registry's place")
        return response.body, response

    async def _behind(self, source: Source, index: Index, platform: Platform) -> Manifest:
        """The manifest for the platform behind an index."""
        entry = choose(index, platform)
        try:
            content, response = await self._manifest(source, entry.digest)
        except Trouble as trouble:
            raise _as_damage(trouble, "the index names a manifest that is not there") from None
        verify(content, entry.digest, "manifest")
        found = read_manifest(content, response.content_type)
        if isinstance(found, Index):
            raise BadContent("image_format", "the index names another index")
        return found

    async def _config(
        self, source: Source, config: Descriptor, platform: Platform
    ) -> ImageConfig | None:
        """The configuration; None when it is out of reach, which says nothing of the image."""
        if config.size > MAX_CONFIG:
            return None
        try:
            async with asyncio.timeout(_CONFIG_SECONDS):
                content = await self._blob(source, config.digest)
        except TimeoutError:
            return None
        except Trouble as trouble:
            if trouble.outcome is Outcome.MISSING:
                raise _as_damage(trouble, "the image's configuration is not there") from None
            return None
        verify(content, config.digest, "configuration")
        return read_config(content, platform)

    async def _blob(self, source: Source, digest: str) -> bytes:
        """A blob's bytes, from wherever the registry keeps them."""
        url = source.url("blobs", digest)
        response = await self._ask(source, url, limit=MAX_CONFIG)
        for _ in range(_REDIRECTS):
            if response.status not in {301, 302, 303, 307, 308}:
                break
            url = _next_url(url, response)
            if not source.endpoint.scheme_fits(url) or url.user or url.password:
                raise Trouble(Outcome.UNREACHABLE, "the registry sends us to an unsafe address")
            # Storage hosts get no header of ours: the way in is in the URL that they were given
            response = await self._exchange.get(source.endpoint, url, {}, limit=MAX_CONFIG)
        if response.status != 200:
            raise trouble_of_status(response, "image's configuration")
        return response.body

    async def _ask(self, source: Source, url: URL, *, limit: int, method: str = "GET") -> Response:
        """One answer of the registry itself, signed in as it wishes, within its own origin."""
        endpoint, repository, credentials = source.endpoint, source.repository, source.credentials
        sign_in = await self._authorizer.headers(endpoint, repository, credentials)
        response = await self._send(source, url, sign_in, limit, method)
        if response.status == 401:
            sign_in = await self._authorizer.refused(endpoint, repository, credentials, response)
            response = await self._send(source, url, sign_in, limit, method)
        return response

    async def _send(
        self, source: Source, url: URL, sign_in: Mapping[str, str], limit: int, method: str
    ) -> Response:
        headers = {"Accept": ACCEPT, **sign_in}
        for _ in range(_REDIRECTS):
            response = await self._exchange.get(
                source.endpoint, url, headers, limit=limit, method=method
            )
            if response.status not in {301, 302, 303, 307, 308}:
                return response
            target = _next_url(url, response)
            # To another host only blobs may lead, and without our headers: the caller sees to it
            if not same_origin(target, url):
                return response
            url = target
        return response


def _next_url(url: URL, response: Response) -> URL:
    try:
        target = url.join(URL(response.headers.get("location", ""), encoded=True))
    except ValueError:
        raise Trouble(Outcome.UNREACHABLE, "the registry sends us nowhere") from None
    if not target.host or target.scheme not in {"http", "https"}:
        raise Trouble(Outcome.UNREACHABLE, "the registry sends us nowhere")
    return target


def _stated_or_computed(response: Response, content: bytes) -> str:
    """The digest that the registry states, to be verified; our own where it states none."""
    return response.headers.get("docker-content-digest") or digest_of(content)


def _as_damage(trouble: Trouble, detail: str) -> Exception:
    """What is missing behind a manifest that is there is damage, not a missing image."""
    return BadContent("image_damaged", detail) if trouble.outcome is Outcome.MISSING else trouble
