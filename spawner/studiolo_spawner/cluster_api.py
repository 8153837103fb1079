"""Create, read and delete single Kubernetes objects, patiently; I/O.

Guarantees: a busy or absent API server (429, 5xx, time-out, no connection) is tried again with
jitter, after ``Retry-After`` where it says so, until ``patience`` seconds are over.  Then, and for
every other refusal, a ClusterFault in our own words is raised; nothing that the API server sent
(headers, bodies, names of service accounts) is in it.  Answers are plain JSON objects: the
generated client's models take many times longer to build and nothing here needs them.

An attempt that timed out may have succeeded.  ``create`` therefore raises AlreadyThere on 409 and
leaves it to the caller to find out whose object that is.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
from kubernetes_asyncio import client

from studiolo_spawner.backoff import Backoff
from studiolo_spawner.causes import Cause
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.plain_text import plain
from studiolo_spawner.refusals import cause_of_refusal
from studiolo_spawner.translation import joined

KubernetesObject = dict[str, Any]

LONGEST_RETRY_AFTER = 30.0

AT_ONCE = 16
"""Requests in flight at most: beyond that each would only open one more TLS connection."""

_turns: WeakKeyDictionary[Any, asyncio.Semaphore] = WeakKeyDictionary()
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


class AlreadyThere(Exception):  # noqa: N818 - it may well be our own: no error yet
    """An object of that name exists already."""


class Conflict(Exception):  # noqa: N818 - to be read again and tried again: no error yet
    """An object was changed by somebody since it was read."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: KubernetesObject
    retry_after: float = 0.0
    fault: str = ""
    """Why there is no answer, for the log: a name that is unknown, a certificate, a time-out."""

    @property
    def message(self) -> str:
        """The API server's text, for recognition only."""
        found = self.body.get("message")
        return found if isinstance(found, str) else ""

    @property
    def summary(self) -> str:
        """The status, or why there is none."""
        return str(self.status) if self.status else f"nothing ({self.fault})"


class ClusterApi:
    """The few calls a spawn makes; ``core`` is the shared CoreV1Api."""

    def __init__(
        self, core: Any, *, timeout: float, patience: float, log: logging.Logger | Any
    ) -> None:
        self._core = core
        self._timeout = timeout
        self._patience = patience
        self._log = log
        self._turn = _turns.setdefault(core, asyncio.Semaphore(AT_ONCE))

    async def create(self, kind: str, body: Any, *, namespace: str | None) -> KubernetesObject:
        """Create an object and return it; raises AlreadyThere or ClusterFault."""
        answer = await self._patiently(
            f"create {kind}", self._method("create", kind, namespace), body
        )
        if answer.status == 409:
            raise AlreadyThere(kind)
        return self._good(f"create {kind}", answer)

    async def read(
        self, kind: str, name: str, *, namespace: str | None, for_ever: bool = False
    ) -> KubernetesObject | None:
        """Return the object, None when there is none; raises ClusterFault.

        ``for_ever`` does not give up on an absent API server.
        """
        call = self._method("read", kind, namespace)
        answer = await self._patiently(f"read {kind}", call, name, for_ever=for_ever)
        return None if answer.status == 404 else self._good(f"read {kind}", answer)

    async def replace(
        self, kind: str, name: str, body: Any, *, namespace: str | None
    ) -> KubernetesObject:
        """Put an object in the place of one with its resource version.

        Raises Conflict or ClusterFault.
        """
        call = self._method("replace", kind, namespace)
        answer = await self._patiently(
            f"replace {kind}", lambda **rest: call(name, body=body, **rest)
        )
        if answer.status == 409:
            raise Conflict(kind)
        return self._good(f"replace {kind}", answer)

    async def delete(
        self,
        kind: str,
        name: str,
        *,
        namespace: str | None,
        uid: str | None = None,
        grace: int | None = None,
        for_ever: bool = False,
    ) -> bool:
        """Ask for an object to be deleted; False when it is gone (or another one has its name).

        With ``uid`` only that very object.  ``for_ever`` does not give up on an absent API server.
        """
        preconditions = client.V1Preconditions(uid=uid) if uid else None
        options = client.V1DeleteOptions(grace_period_seconds=grace, preconditions=preconditions)
        call = self._method("delete", kind, namespace)
        answer = await self._patiently(
            f"delete {kind}", lambda **rest: call(name, body=options, **rest), for_ever=for_ever
        )
        # 409: the precondition does not hold, so the object that was meant is gone.
        if answer.status in {404, 409}:
            return False
        self._good(f"delete {kind}", answer)
        return True

    def _method(
        self, verb: str, kind: str, namespace: str | None
    ) -> Callable[..., Awaitable[aiohttp.ClientResponse]]:
        if namespace is None:
            method: Callable[..., Awaitable[aiohttp.ClientResponse]] = getattr(
                self._core, f"{verb}_{kind}"
            )
            return method
        namespaced = getattr(self._core, f"{verb}_namespaced_{kind}")
        if verb == "create":
            return lambda body, **rest: namespaced(namespace, body, **rest)
        return lambda name, **rest: namespaced(name, namespace, **rest)

    async def _patiently(
        self, what: str, call: Callable[..., Any], *arguments: Any, for_ever: bool = False
    ) -> _Answer:
        backoff = Backoff(first=0.2)
        give_up_at = time.monotonic() + self._patience
        while True:
            answer = await self._once(call, *arguments)
            if answer.status not in _TRANSIENT and answer.status != 0:
                return answer
            delay = max(backoff.next_delay(), answer.retry_after)
            if not for_ever and time.monotonic() + delay > give_up_at:
                return answer
            self._log.warning(
                "Cluster API: %s answered %s, next try in %.1f s",
                what,
                answer.summary,
                delay,
            )
            await asyncio.sleep(delay)

    async def _once(self, call: Callable[..., Any], *arguments: Any) -> _Answer:
        try:
            async with self._turn:
                response = await call(
                    *arguments,
                    _preload_content=False,
                    _request_timeout=aiohttp.ClientTimeout(total=self._timeout),
                )
                try:
                    text = await response.read()
                finally:
                    response.release()
            retry_after = _seconds(response.headers.get("Retry-After"))
            return _Answer(response.status, _json_object(text), retry_after)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _Answer(0, {}, fault=plain(f"{type(error).__name__}: {error}"))

    def _good(self, what: str, answer: _Answer) -> KubernetesObject:
        if 200 <= answer.status < 300:
            return answer.body
        # The text stays in the log, where administrators need it; it is never shown.
        self._log.error(
            "Cluster API: %s failed: it answered %s %s",
            what,
            answer.summary,
            plain(answer.message),
        )
        raise fault_of(cause_of_refusal(answer.status, answer.message))


def fault_of(cause: Cause) -> ClusterFault:
    """The error that ends a spawn for this cause."""
    return ClusterFault(joined(cause.message, cause.hint), reason=cause.reason)


def _json_object(text: bytes) -> KubernetesObject:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(header: str | None) -> float:
    """Seconds to wait; the header's other form, a date, is read as none."""
    if header is None or not header.isascii() or not header.isdigit():
        return 0.0
    return min(float(header[:9]), LONGEST_RETRY_AFTER)
