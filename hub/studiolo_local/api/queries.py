"""What a client asks for in the query of a URL. Pure; what makes no sense is an ApiError.

Names and meanings: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studiolo_local.api.entries import Entry
from studiolo_local.api.resources import Resource
from studiolo_local.api.selectors import (
    EVERYTHING,
    Selector,
    SelectorError,
    parse_field_selector,
    parse_label_selector,
)
from studiolo_local.api.status_errors import ApiError, bad_request

Query = Mapping[str, str]

_MATCHES = ("", "Exact", "NotOlderThan")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which objects of a kind a request is about."""

    resource: Resource
    namespace: str | None
    labels: Selector = EVERYTHING
    fields: Selector = EVERYTHING

    @property
    def selective(self) -> bool:
        """Whether a selector leaves objects out."""
        return bool(self.labels or self.fields)

    def wants(self, entry: Entry) -> bool:
        """Return whether the request is about this object."""
        return (
            (self.namespace is None or entry.key.namespace == self.namespace)
            and self.labels.matches(entry.labels)
            and self.fields.matches(entry.fields)
        )


@dataclass(frozen=True, slots=True)
class ListQuery:
    """How a list is wanted."""

    scope: Scope
    version: int | None
    """The resourceVersion that was given; None when none was."""
    match: str
    limit: int
    continuation: str


@dataclass(frozen=True, slots=True)
class WatchQuery:
    """How a watch is wanted."""

    scope: Scope
    version: int | None
    bookmarks: bool
    timeout: int | None
    initial_events: bool | None
    """Whether to begin with the present objects; None leaves it to the version."""


def scope_of(resource: Resource, namespace: str | None, query: Query) -> Scope:
    """Return the objects that the selectors of a query take."""
    try:
        labels = parse_label_selector(query.get("labelSelector", ""))
        allowed = ("metadata.name", "metadata.namespace", *resource.selectable)
        fields = parse_field_selector(query.get("fieldSelector", ""), allowed)
    except SelectorError as error:
        raise bad_request(str(error)) from error
    return Scope(resource, namespace, labels, fields)


def list_query(scope: Scope, query: Query) -> ListQuery:
    """Return how a list is wanted."""
    match = query.get("resourceVersionMatch", "")
    version = _version(query)
    continuation = query.get("continue", "")
    if match not in _MATCHES:
        raise _invalid("resourceVersionMatch", f'Unsupported value: "{match}"')
    if match and version is None:
        raise _invalid(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        )
    if match and continuation:
        raise _invalid(
            "resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"
        )
    if match == "Exact" and version == 0:
        raise _invalid(
            "resourceVersionMatch",
            'resourceVersionMatch "Exact" is forbidden for resourceVersion "0"',
        )
    if continuation and version:
        raise bad_request("specifying resource version is not allowed when using continue")
    limit = integer(query, "limit") or 0
    return ListQuery(scope, version, match, max(limit, 0), continuation)


def watch_query(scope: Scope, query: Query) -> WatchQuery:
    """Return how a watch is wanted."""
    asked = "sendInitialEvents" in query
    initial_events = flag(query, "sendInitialEvents") if asked else None
    match = query.get("resourceVersionMatch", "")
    if asked and match != "NotOlderThan":
        raise _invalid(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        )
    if match and not asked:
        raise _invalid(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        )
    return WatchQuery(
        scope=scope,
        version=_version(query),
        bookmarks=flag(query, "allowWatchBookmarks"),
        timeout=integer(query, "timeoutSeconds"),
        initial_events=initial_events,
    )


def flag(query: Query, name: str) -> bool:
    """Return a boolean of a query: everything but absence, "false" and "0" is true."""
    value = query.get(name)
    return value is not None and value.lower() not in {"false", "0"}


def integer(query: Query, name: str) -> int | None:
    """Return a whole number of a query, or None."""
    text = query.get(name)
    if text is None or text == "":
        return None
    try:
        value = int(text)
    except ValueError as error:
        raise bad_request(f"{name} is not a number: {text}") from error
    if abs(value) >= 2**63:
        raise bad_request(f"{name} is out of range: {text}")
    return value


def _version(query: Query) -> int | None:
    text = query.get("resourceVersion", "")
    if text == "":
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        raise bad_request(
            f'invalid resource version: resourceVersion: Invalid value: "{text}": '
            f'strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    return int(text)


def _invalid(field: str, text: str) -> ApiError:
    cause = {"reason": "FieldValueForbidden", "message": f"Forbidden: {text}", "field": field}
    message = f'ListOptions.meta.k8s.io "" is invalid: {field}: Forbidden: {text}'
    details = {"group": "meta.k8s.io", "kind": "ListOptions", "causes": [cause]}
    return ApiError(422, "Invalid", message, details=details)
