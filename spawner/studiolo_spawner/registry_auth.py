"""Signing in to a registry: challenges, tokens, and where credentials may go.

I/O only through the exchange that is passed in. Guarantees: credentials and tokens go to the
registry's own origin and to sign-in hosts that were listed for it, over TLS unless the
administrator said otherwise; a realm anywhere else gets no request at all. Tokens are asked for
reading one repository. https://distribution.github.io/distribution/spec/auth/token/; identity
tokens are exchanged as in https://distribution.github.io/distribution/spec/auth/oauth/
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from yarl import URL

from studiolo_spawner.plain_text import plain
from studiolo_spawner.registry_answer import Outcome
from studiolo_spawner.registry_cache import Clock, ExpiringCache
from studiolo_spawner.registry_http import Exchange, Response, Trouble, trouble_of_status
from studiolo_spawner.registry_settings import Credentials, Endpoint

_TOKEN_BYTES: Final = 65_536
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,32768}")
# The specification's default life of a token, and how long before its end it is not used any more
_DEFAULT_LIFE: Final = 60
_MAX_LIFE: Final = 3600
_MARGIN: Final = 5
_MAX_TOKENS: Final = 512
_CLIENT: Final = "studiolo"

_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]{0,32})(?:\s+|$)")
_PARAMETER = re.compile(
    r"""\s*([A-Za-z_]{1,32})\s*=\s*(?:"((?:[^"\\]|\\.){0,2048})"|([^\s",]{1,2048}))\s*(?:,|$)"""
)


@dataclass(frozen=True, slots=True)
class Challenge:
    """How a registry wants to be signed in to: ``scheme`` is "bearer" or "basic"."""

    scheme: str
    realm: str = ""
    service: str = ""


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """The challenges of WWW-Authenticate headers that are understood here, in order."""
    found: list[Challenge] = []
    for header in headers:
        rest = header[:8192]
        while (scheme := _SCHEME.match(rest)) is not None:
            rest = rest[scheme.end() :]
            parameters: dict[str, str] = {}
            while (pair := _PARAMETER.match(rest)) is not None:
                value = pair[3] if pair[2] is None else re.sub(r"\\(.)", r"\1", pair[2])
                parameters.setdefault(pair[1].lower(), value)
                rest = rest[pair.end() :]
            if scheme[1].lower() in {"bearer", "basic"}:
                found.append(
                    Challenge(
                        scheme[1].lower(),
                        parameters.get("realm", ""),
                        parameters.get("service", ""),
                    )
                )
    return tuple(found)


class Authorizer:
    """Remembers how each registry wants to be signed in to, and tokens while they live.

    What was learned saves round trips: the first check of a registry takes three (refusal, token,
    manifest), the first of another repository two, and with a token it is one.
    """

    def __init__(self, exchange: Exchange, clock: Clock) -> None:
        self._exchange = exchange
        self._challenges: ExpiringCache[tuple[str, Credentials | None], Challenge] = ExpiringCache(
            _MAX_TOKENS, clock
        )
        self._tokens: ExpiringCache[tuple[str, str, Credentials | None], str] = ExpiringCache(
            _MAX_TOKENS, clock
        )

    async def headers(
        self, endpoint: Endpoint, repository: str, credentials: Credentials | None
    ) -> dict[str, str]:
        """The Authorization header to begin with; nothing when no sign-in is known to be needed."""
        challenge = self._challenges.get((endpoint.registry, credentials))
        if challenge is None:
            return {}
        return await self._answer(endpoint, repository, credentials, challenge)

    async def refused(
        self,
        endpoint: Endpoint,
        repository: str,
        credentials: Credentials | None,
        response: Response,
    ) -> dict[str, str]:
        """The Authorization header after a 401; Trouble when there is no way to sign in."""
        self._tokens.drop((endpoint.registry, repository, credentials))
        offered = parse_challenges(response.challenges)
        bearer = next((one for one in offered if one.scheme == "bearer"), None)
        challenge = bearer or next(iter(offered), None)
        if challenge is None:
            raise Trouble(Outcome.FORBIDDEN, "the registry refuses us and offers no sign-in")
        headers = await self._answer(endpoint, repository, credentials, challenge)
        self._challenges.put((endpoint.registry, credentials), challenge, _MAX_LIFE)
        return headers

    async def _answer(
        self,
        endpoint: Endpoint,
        repository: str,
        credentials: Credentials | None,
        challenge: Challenge,
    ) -> dict[str, str]:
        if challenge.scheme == "basic":
            if credentials is None:
                raise Trouble(Outcome.FORBIDDEN, "the registry wants credentials and we have none")
            if credentials.identity_token:
                raise Trouble(Outcome.FORBIDDEN, "the registry wants a password, not a token")
            return {"Authorization": basic(credentials)}
        key = (endpoint.registry, repository, credentials)
        token = self._tokens.get(key)
        if token is None:
            token, seconds = await self._fetch(endpoint, repository, credentials, challenge)
            self._tokens.put(key, token, seconds)
        return {"Authorization": f"Bearer {token}"}

    async def _fetch(
        self,
        endpoint: Endpoint,
        repository: str,
        credentials: Credentials | None,
        challenge: Challenge,
    ) -> tuple[str, float]:
        # The scope is ours, not the challenge's: we never hold a token for more than we need
        query = {"scope": f"repository:{repository}:pull"}
        if challenge.service:
            query["service"] = challenge.service
        realm = checked_realm(endpoint, challenge.realm)
        headers = {"Accept": "application/json"}
        if credentials is not None and credentials.identity_token:
            form = {
                **query,
                "grant_type": "refresh_token",
                "client_id": _CLIENT,
                "refresh_token": credentials.identity_token,
            }
            response = await self._exchange.get(
                endpoint, realm, headers, limit=_TOKEN_BYTES, method="POST", form=form
            )
        else:
            if credentials is not None:
                headers["Authorization"] = basic(credentials)
            url = realm.update_query(query)
            response = await self._exchange.get(endpoint, url, headers, limit=_TOKEN_BYTES)
        if response.status != 200:
            trouble = trouble_of_status(response, "image")
            if trouble.outcome is Outcome.MISSING:
                raise Trouble(Outcome.UNREACHABLE, "the registry's sign-in is not where it says")
            raise trouble
        return _token_of(response.body)


def checked_realm(endpoint: Endpoint, realm: str) -> URL:
    """The realm as a URL that may be asked; Trouble when its host was not listed."""
    try:
        url = URL(realm)
    except ValueError:
        url = URL()
    if not url.is_absolute() or not url.host or url.scheme not in {"http", "https"}:
        raise Trouble(Outcome.UNREACHABLE, "the registry's sign-in has no address that is a URL")
    if not endpoint.trusts(url):
        if not endpoint.scheme_fits(url):
            raise Trouble(Outcome.UNREACHABLE, "the registry's sign-in does not use TLS")
        host = plain(url.host, 100)
        raise Trouble(
            Outcome.UNREACHABLE,
            f"the registry's sign-in is at {host}, which is not among its trusted_hosts",
        )
    return url.with_fragment(None)


def basic(credentials: Credentials) -> str:
    """The value of an Authorization header; RFC 7617."""
    pair = f"{credentials.username}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _token_of(body: bytes) -> tuple[str, float]:
    """Token and seconds for which it is good; Trouble when the answer holds none."""
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    found = answer if isinstance(answer, Mapping) else {}
    token = found.get("token") or found.get("access_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Trouble(Outcome.UNREACHABLE, "the registry's sign-in answers with something else")
    life = found.get("expires_in")
    if not isinstance(life, int) or isinstance(life, bool) or life <= 0:
        life = _DEFAULT_LIFE
    return token, max(1.0, min(life, _MAX_LIFE) - _MARGIN)
