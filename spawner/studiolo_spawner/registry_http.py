"""One exchange with a registry over HTTP: bounded, guarded, and in our own words when it fails.

I/O. Guarantees: redirects are never followed by themselves; at most ``limit`` bytes are read of any
body; bytes come as they were sent (no decompression, digests are over them); every trouble is a
``Trouble`` whose detail holds nothing of what was sent or received.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from studiolo_spawner.addresses import AddressRule, ForbiddenAddress, guarded_connector, refusal_of
from studiolo_spawner.registry_answer import Outcome
from studiolo_spawner.registry_settings import Endpoint

MAX_RETRY_AFTER = 60.0
_DEFAULT_RETRY_AFTER = 10.0
_HEADER_BYTES = 16_384
_REFUSAL_BYTES = 8_192


class Trouble(Exception):  # noqa: N818
    """Why a check cannot go on.

    ``silent``: the registry could not be talked to at all, so that asking it again at once is vain.
    ``retry_after``: seconds for which it wants to be left alone.
    """

    def __init__(
        self,
        outcome: Outcome,
        detail: str,
        *,
        reason: str = "",
        silent: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
        self.reason = reason
        self.silent = silent
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    challenges: tuple[str, ...]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Exchange:
    """Two pools of connections: one that reaches public addresses only, one for listed registries.

    Sessions are made on the running loop when they are first needed.
    """

    def __init__(
        self,
        *,
        resolver: Callable[[], AbstractResolver] | None = None,
        rule: AddressRule = refusal_of,
    ) -> None:
        self._resolver = resolver
        self._rule = rule
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}

    async def get(
        self,
        endpoint: Endpoint,
        url: URL,
        headers: Mapping[str, str],
        *,
        limit: int,
        method: str = "GET",
        form: Mapping[str, str] | None = None,
    ) -> Response:
        """The answer to one request; Trouble when there is none. ``form``: fields to be sent along.

        Private addresses are within reach only if the registry may have one and the URL is its own
        or a listed one; blobs on other hosts are always fetched as a stranger would.
        """
        inside = endpoint.allow_private and endpoint.trusts(url)
        try:
            async with self._session(inside).request(
                method,
                url,
                headers=headers,
                data=form,
                allow_redirects=False,
                ssl=self._context(endpoint, url),
            ) as response:
                body = b"" if method == "HEAD" else await _read(response, limit)
                return Response(
                    response.status,
                    {name.lower(): value for name, value in response.headers.items()},
                    tuple(response.headers.getall("WWW-Authenticate", ())),
                    body,
                )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _trouble_of(error) from None

    async def close(self) -> None:
        """Close every connection."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    def _session(self, inside: bool) -> aiohttp.ClientSession:
        session = self._sessions.get(inside)
        if session is None or session.closed:
            session = aiohttp.ClientSession(
                connector=guarded_connector(
                    allow_private=inside,
                    resolver=self._resolver() if self._resolver else None,
                    rule=self._rule,
                ),
                # The whole check has one budget; a clock for each step would only hide it
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "studiolo", "Accept-Encoding": "identity"},
                auto_decompress=False,
                # A proxy from the environment would connect in our place, past the address rule
                trust_env=False,
                max_field_size=_HEADER_BYTES,
                max_line_size=_HEADER_BYTES,
            )
            self._sessions[inside] = session
        return session

    def _context(self, endpoint: Endpoint, url: URL) -> ssl.SSLContext | bool:
        """The administrator's certificates for the registry itself, the system's for the rest."""
        if endpoint.ca_file is None or not endpoint.trusts(url):
            return True
        context = self._contexts.get(endpoint.ca_file)
        if context is None:
            try:
                context = ssl.create_default_context(cafile=endpoint.ca_file)
            except OSError:
                detail = "the file with the registry's certificates (ca_file) cannot be read"
                raise Trouble(Outcome.UNREACHABLE, detail) from None
            self._contexts[endpoint.ca_file] = context
        return context


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, or Trouble as soon as it is known to be longer than the limit."""
    if response.status != 200:
        # Nothing of these is wanted but their status: a few bytes are read to keep the connection
        await response.content.read(_REFUSAL_BYTES)
        return b""
    if (response.content_length or 0) > limit:
        raise _too_long()
    parts: list[bytes] = []
    length = 0
    async for part in response.content.iter_chunked(65_536):
        length += len(part)
        if length > limit:
            raise _too_long()
        parts.append(part)
    return b"".join(parts)


def _too_long() -> Trouble:
    return Trouble(
        Outcome.WRONG, "the registry sends more than an image's description", reason="image_damaged"
    )


def _trouble_of(error: Exception) -> Trouble:
    """The failure in our own words: an exception's text may quote URLs and headers."""
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(inner, ForbiddenAddress):
        return Trouble(
            Outcome.UNREACHABLE,
            f"{inner}; list the registry with allow_private if it is meant to be reached",
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Trouble(
            Outcome.UNREACHABLE, "the registry's certificate is not trusted", silent=True
        )
    if isinstance(error, aiohttp.ClientSSLError):
        return Trouble(
            Outcome.UNREACHABLE, "the registry does not speak TLS as it should", silent=True
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Trouble(Outcome.UNREACHABLE, "the registry's name is not known", silent=True)
    if isinstance(error, aiohttp.ClientConnectorError):
        return Trouble(Outcome.UNREACHABLE, "no connection to the registry", silent=True)
    if isinstance(error, aiohttp.ClientPayloadError):
        return Trouble(Outcome.UNREACHABLE, "the registry's answer broke off")
    # Only now, because a certificate that is not trusted is a ValueError too
    if isinstance(error, aiohttp.InvalidURL | aiohttp.ClientResponseError | ValueError):
        return Trouble(Outcome.UNREACHABLE, "the registry's answer cannot be read as HTTP")
    return Trouble(Outcome.UNREACHABLE, "the registry broke off the connection")


def trouble_of_status(response: Response, what: str) -> Trouble:
    """What an answer without success means, for whatever was asked."""
    status = response.status
    if status == 404:
        return Trouble(Outcome.MISSING, f"the registry does not have the {what}")
    if status in {401, 403}:
        return Trouble(Outcome.FORBIDDEN, f"the registry does not let us read the {what}")
    if status == 429:
        return Trouble(
            Outcome.RATE_LIMITED,
            "the registry asks us to wait",
            retry_after=_retry_after(response.headers.get("retry-after", "")),
        )
    if 300 <= status < 400:
        return Trouble(Outcome.UNREACHABLE, f"the registry sends us elsewhere for the {what}")
    return Trouble(Outcome.UNREACHABLE, f"the registry answers with status {status}")


def _retry_after(value: str) -> float:
    """Seconds to wait; a date is not worth parsing, since no wait may be long anyway."""
    if value.isascii() and value.isdigit() and len(value) < 10:
        return min(float(value), MAX_RETRY_AFTER)
    return _DEFAULT_RETRY_AFTER
