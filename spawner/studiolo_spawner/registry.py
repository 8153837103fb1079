"""Ask OCI registries whether an image can be pulled, before a pod is made for it.

I/O. ``check`` never raises for a registry's trouble: missing, forbidden, rate-limited, unreachable
and wrong are different outcomes, said in our own words. Guarantees: one check takes at most the
budget; many checks of one reference at the same time ask once; a silent registry costs its timeout
once; answers are kept in bounded caches; addresses, redirects and sign-in hosts obey the rules
of ``addresses``, ``registry_fetch`` and ``registry_auth``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from aiohttp.abc import AbstractResolver

from studiolo_spawner.addresses import AddressRule, refusal_of
from studiolo_spawner.metrics import count_check, observe_check
from studiolo_spawner.reference import ImageReference
from studiolo_spawner.registry_answer import NODES_ONLY, Outcome, RegistryAnswer
from studiolo_spawner.registry_auth import Authorizer
from studiolo_spawner.registry_breaker import FIRST_INTERVAL, Breakers
from studiolo_spawner.registry_cache import Clock, ExpiringCache, SingleFlight
from studiolo_spawner.registry_fetch import Fetcher, Source
from studiolo_spawner.registry_http import Exchange, Trouble
from studiolo_spawner.registry_manifest import BadContent, Platform
from studiolo_spawner.registry_settings import (
    Credentials,
    Endpoint,
    RegistrySettings,
    endpoint_of,
)

__all__ = ["LINUX_AMD64", "Outcome", "RegistryAnswer", "RegistryClient", "RegistrySettings"]

LINUX_AMD64: Final[Platform] = ("linux", "amd64")
BUDGET_SECONDS: Final = 5.0
FOUND_SECONDS: Final = 60.0
OTHERWISE_SECONDS: Final = 10.0
_MAX_ANSWERS: Final = 2048

# Who may read a repository says nothing of who else may: credentials are part of every key
_Key = tuple[ImageReference, Platform, Credentials | None]


class RegistryClient:
    """One for the whole process, used from one event loop; ``close`` it at the end."""

    def __init__(
        self,
        settings: Mapping[str, RegistrySettings] | None = None,
        *,
        budget: float = BUDGET_SECONDS,
        found_seconds: float = FOUND_SECONDS,
        otherwise_seconds: float = OTHERWISE_SECONDS,
        probe_interval: float = FIRST_INTERVAL,
        resolver: Callable[[], AbstractResolver] | None = None,
        rule: AddressRule = refusal_of,
        clock: Clock = time.monotonic,
    ) -> None:
        self._settings = dict(settings or {})
        self._budget = budget
        self._found_seconds = found_seconds
        self._otherwise_seconds = otherwise_seconds
        self._clock = clock
        self._exchange = Exchange(resolver=resolver, rule=rule)
        self._fetcher = Fetcher(self._exchange, Authorizer(self._exchange, clock))
        self._breakers = Breakers(clock, first_interval=probe_interval)
        self._flights: SingleFlight[_Key, RegistryAnswer] = SingleFlight()
        self._recent: ExpiringCache[_Key, RegistryAnswer] = ExpiringCache(_MAX_ANSWERS, clock)
        # What a digest names never changes, so these have no end
        self._known: ExpiringCache[_Key, RegistryAnswer] = ExpiringCache(_MAX_ANSWERS, clock)

    async def check(
        self,
        reference: ImageReference,
        *,
        platform: Platform = LINUX_AMD64,
        credentials: Credentials | None = None,
    ) -> RegistryAnswer:
        """What the registry says about the reference, from the cache where it was asked lately.

        ``credentials`` (from the image's pull secret) go before those of the registry's settings.
        """
        key = (reference, platform, credentials)
        answer = self._recent.get(key)
        if answer is None:
            answer = self._left_alone(reference)
        if answer is None:
            answer = await self._flights.run(key, partial(self._ask, key))
        count_check(answer.outcome)
        return answer

    async def close(self) -> None:
        """End what is under way and close every connection."""
        await self._flights.close()
        await self._breakers.close()
        await self._exchange.close()

    def _left_alone(self, reference: ImageReference) -> RegistryAnswer | None:
        why = self._breakers.reason_of(reference.registry)
        return RegistryAnswer(why[0], detail=why[1]) if why else None

    async def _ask(self, key: _Key) -> RegistryAnswer:
        reference = key[0]
        endpoint = endpoint_of(reference.registry, self._settings.get(reference.registry))
        began = self._clock()
        try:
            async with asyncio.timeout(self._budget):
                answer = await self._look_up(key, endpoint)
        except TimeoutError:
            self._silent(endpoint, "the registry does not answer in time")
            answer = RegistryAnswer(
                Outcome.UNREACHABLE, detail="the registry does not answer in time"
            )
        except BadContent as bad:
            answer = RegistryAnswer(Outcome.WRONG, reason=bad.reason, detail=bad.detail)
        except Trouble as trouble:
            if trouble.silent:
                self._silent(endpoint, trouble.detail)
            if trouble.retry_after is not None:
                self._breakers.wait(endpoint.registry, trouble.detail, trouble.retry_after)
            answer = self._answer_of(trouble, key)
        observe_check(self._clock() - began)
        found = answer.outcome is Outcome.FOUND
        self._recent.put(key, answer, self._found_seconds if found else self._otherwise_seconds)
        return answer

    async def _look_up(self, key: _Key, endpoint: Endpoint) -> RegistryAnswer:
        """From what is known of the digest if that is enough, else from the registry."""
        reference, platform, credentials = key
        settings = self._settings.get(reference.registry)
        signed_in_as = credentials or (settings.credentials if settings else None)
        source = Source(endpoint, reference.repository, signed_in_as)
        known = self._known.get(key)
        if known is not None:
            if reference.pinned:
                return known
            digest = await self._fetcher.digest(source, reference.tag or "")
            if digest == known.digest:
                return replace(known, checked_at=datetime.now(UTC))
        answer = await self._fetcher.image(source, reference, platform)
        if not answer.detail:
            self._known.put(key, answer, None)
            if answer.digest is not None:
                self._known.put((reference.with_digest(answer.digest), *key[1:]), answer, None)
        return answer

    def _answer_of(self, trouble: Trouble, key: _Key) -> RegistryAnswer:
        reason = trouble.reason
        settings = self._settings.get(key[0].registry)
        if settings and settings.nodes_sign_in and not (key[2] or settings.credentials):
            reason = NODES_ONLY if trouble.outcome is Outcome.FORBIDDEN else reason
        return RegistryAnswer(trouble.outcome, reason=reason, detail=trouble.detail)

    def _silent(self, endpoint: Endpoint, detail: str) -> None:
        self._breakers.trip(endpoint.registry, detail, partial(self._answers, endpoint))

    async def _answers(self, endpoint: Endpoint) -> bool:
        """Whether the registry answers anything at all again."""
        url = endpoint.base.with_path(f"{endpoint.base.path.rstrip('/')}/v2/")
        try:
            async with asyncio.timeout(self._budget):
                await self._exchange.get(endpoint, url, {}, limit=65_536)
        except TimeoutError:
            return False
        except Trouble as trouble:
            return not trouble.silent
        return True
