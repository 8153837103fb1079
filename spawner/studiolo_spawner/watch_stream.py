"""Read a Kubernetes watch: bytes of a chunked answer to events; parsing is pure, no state is kept.

Lines are parsed with ``json`` alone: the generated client's models cost many times more, and its
``readline`` has a length limit that one large pod can exceed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LINE_LIMIT = 16 * 1024 * 1024
"""Longest line accepted, in bytes; etcd's own limit for an object is 1.5 MiB by default."""

FORBIDDEN = 403
GONE = 410


class WatchExpired(Exception):  # noqa: N818 - named for what happened, as Kubernetes does
    """The resourceVersion is no longer known to the API server: list again."""


class WatchFailed(Exception):  # noqa: N818
    """The API server ended the watch with a status other than 410."""


class WatchForbidden(WatchFailed):
    """The hub may not read this."""


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change: ``kind`` is ADDED, MODIFIED, DELETED or BOOKMARK."""

    kind: str
    object: dict[str, Any]

    @property
    def resource_version(self) -> str:
        """Where a later watch goes on from."""
        version: str = self.object["metadata"]["resourceVersion"]
        return version


class LineSplitter:
    """Cut chunks of bytes into lines; a line may span any number of chunks."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._length = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the lines that ``chunk`` completes, without line ends and without blank lines."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            whole = b"".join((*self._parts, line))
            self._parts, self._length = [], 0
            if whole.strip():
                yield whole
        if rest:
            self._parts.append(rest)
            self._length += len(rest)
            if self._length > self._limit:
                raise WatchFailed(f"a watch line is longer than {self._limit} bytes")


def parse_event(line: bytes) -> WatchEvent:
    """Return one event.

    Raises WatchExpired or WatchFailed for the API server's ERROR events and for lines that are
    not watch events.
    """
    try:
        raw = json.loads(line)
        kind, item = raw["type"], raw["object"]
        if kind == "ERROR":
            raise_for_status(int(item.get("code") or 0), str(item.get("reason", "")))
        return WatchEvent(kind, item)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WatchFailed(f"not a watch event: {type(error).__name__}") from error


def raise_for_status(code: int, reason: str) -> None:
    """Raise what an HTTP status other than 2xx means for a list or a watch."""
    if code == GONE:
        raise WatchExpired(reason)
    if code == FORBIDDEN:
        raise WatchForbidden(f"{code} {reason}")
    if not 200 <= code < 300:
        raise WatchFailed(f"{code} {reason}")
