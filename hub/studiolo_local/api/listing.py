"""Lists of objects, whole or page by page, as of one version. Reads the store.

Every page of one list shows the objects as they were when its first page was made; when the
history no longer reaches back that far, the continuation is Expired and the client begins anew.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass

from studiolo_local.api.entries import Entry, Key, encode
from studiolo_local.api.queries import ListQuery
from studiolo_local.api.resources import Resource
from studiolo_local.api.status_errors import bad_request, expired, version_too_large
from studiolo_local.api.store import Store, VersionGone

_CONTINUE_GONE = (
    "The provided continue parameter is too old to display a consistent list result. You must "
    "start a new list without the continue parameter."
)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the objects that were asked for, and how to get the rest."""

    entries: list[Entry]
    version: int
    continuation: str = ""
    remaining: int | None = None

    def metadata(self) -> dict[str, object]:
        """Return the list's metadata."""
        metadata: dict[str, object] = {"resourceVersion": str(self.version)}
        if self.continuation:
            metadata["continue"] = self.continuation
        if self.remaining is not None:
            metadata["remainingItemCount"] = self.remaining
        return metadata

    def document(self, resource: Resource) -> bytes:
        """Return the JSON of the list."""
        head = f'{{"kind":"{resource.kind}List","apiVersion":"{resource.api_version}","metadata":'
        items = b",".join(entry.body for entry in self.entries)
        return b'%s%s,"items":[%s]}' % (head.encode(), encode(self.metadata()), items)


def page_of(store: Store, query: ListQuery) -> Page:
    """Return the page that is asked for; raises ApiError."""
    if query.continuation:
        version, start = _opened(query.continuation)
        return _page(_as_of(store, query, version, _CONTINUE_GONE), query, version, start)
    version = query.version or 0
    if version > store.version:
        raise version_too_large(version, store.version)
    if query.match == "Exact" or (query.limit and version and not query.match):
        message = "The resourceVersion for the provided list is too old."
        return _page(_as_of(store, query, version, message), query, version, None)
    scope = query.scope
    return _page(store.entries(scope.resource, scope.namespace), query, store.version, None)


def _as_of(store: Store, query: ListQuery, version: int, message: str) -> Iterable[Entry]:
    try:
        snapshot = store.snapshot(query.scope.resource, version)
    except VersionGone as error:
        raise expired(message) from error
    return (snapshot[key] for key in sorted(snapshot))


def _page(entries: Iterable[Entry], query: ListQuery, version: int, start: Key | None) -> Page:
    wants = query.scope.wants
    wanted = [each for each in entries if (start is None or each.key > start) and wants(each)]
    if not query.limit or len(wanted) <= query.limit:
        return Page(wanted, version)
    shown = wanted[: query.limit]
    # A real server does not count what it has not filtered yet.
    remaining = None if query.scope.selective else len(wanted) - query.limit
    return Page(shown, version, _sealed(version, shown[-1].key), remaining)


def _sealed(version: int, last: Key) -> str:
    return base64.urlsafe_b64encode(encode({"v": 1, "rv": version, "after": last})).decode()


def _opened(continuation: str) -> tuple[int, Key]:
    try:
        token = json.loads(base64.urlsafe_b64decode(continuation))
        namespace, name = token["after"]
        return int(token["rv"]), Key(str(namespace), str(name))
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request("invalid continue token: continue key is not valid") from error
