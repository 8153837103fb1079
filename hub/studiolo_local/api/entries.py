"""An object as the store keeps it, and one change of an object. Pure.

An object is kept as the bytes that are sent, made once, with the few attributes that selectors
and garbage collection read. A change knows what a watcher with a given filter should be told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from studiolo_local.api.resources import Resource, find_kind

JsonObject = dict[str, Any]


class Key(NamedTuple):
    """Where an object lives within its kind; the namespace of cluster-wide kinds is empty."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one object; never changes once made."""

    resource: Resource
    key: Key
    uid: str
    version: int
    labels: Mapping[str, str]
    fields: Mapping[str, str]
    owners: tuple[str, ...]
    """The uids of the objects, of kinds that are served, that this one lives and dies with."""
    body: bytes
    """JSON of the object without kind and apiVersion, as the items of a list are sent."""

    @classmethod
    def of(cls, resource: Resource, content: JsonObject) -> Entry:
        """Make the entry of a complete object ; version 0 is one that is not stored."""
        metadata = content["metadata"]
        key = Key(metadata.get("namespace", ""), metadata["name"])
        return cls(
            resource=resource,
            key=key,
            uid=metadata["uid"],
            version=int(metadata.get("resourceVersion") or 0),
            labels=dict(metadata.get("labels") or {}),
            fields=_selectable_fields(resource, key, content),
            owners=tuple(
                owner["uid"]
                for owner in metadata.get("ownerReferences") or ()
                if find_kind(owner["apiVersion"], owner["kind"])
            ),
            body=encode({k: v for k, v in content.items() if k not in {"kind", "apiVersion"}}),
        )

    @property
    def document(self) -> bytes:
        """JSON of the object with kind and apiVersion, as it is sent alone."""
        return self.resource.head + self.body[1:]

    def content(self) -> JsonObject:
        """Return a fresh copy of the object, with kind and apiVersion, for the caller to change."""
        content: JsonObject = json.loads(self.document)
        return content

    def at_version(self, version: int) -> Entry:
        """Return the same object with another resourceVersion, as deletions are reported."""
        content = self.content()
        content["metadata"]["resourceVersion"] = str(version)
        return Entry.of(self.resource, content)


Filter = Callable[[Entry], bool]


@dataclass(slots=True)
class Change:
    """One step in the life of an object: made, changed or deleted."""

    version: int
    before: Entry | None
    after: Entry | None
    _frames: dict[str, bytes] = field(default_factory=dict, repr=False)
    _departed: Entry | None = field(default=None, repr=False)

    @property
    def entry(self) -> Entry:
        """The object after the change, or the last state of a deleted one."""
        return self.after or self.departed

    @property
    def departed(self) -> Entry:
        """The state before the change under the change's version: how an end is reported."""
        if self._departed is None:
            if self.before is None:
                raise ValueError("an object that was just made cannot have departed")
            self._departed = self.before.at_version(self.version)
        return self._departed

    def seen_through(self, wanted: Filter) -> tuple[str, Entry] | None:
        """Return the event's type and object for a watcher that sees only what is wanted."""
        was = self.before is not None and wanted(self.before)
        if self.after is not None and wanted(self.after):
            return ("MODIFIED" if was else "ADDED"), self.after
        return ("DELETED", self.departed) if was else None

    def frame(self, wanted: Filter) -> bytes | None:
        """Return the watch event's line for such a watcher; made once for all of them."""
        seen = self.seen_through(wanted)
        if seen is None:
            return None
        kind, entry = seen
        if kind not in self._frames:
            self._frames[kind] = watch_frame(kind, entry.document)
        return self._frames[kind]


def watch_frame(kind: str, document: bytes) -> bytes:
    """Return one line of a watch."""
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), document)


def encode(value: object) -> bytes:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _selectable_fields(resource: Resource, key: Key, content: JsonObject) -> dict[str, str]:
    fields = {"metadata.name": key.name, "metadata.namespace": key.namespace}
    for path in resource.selectable:
        value: Any = content
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        fields[path] = _field_text(path, value, content)
    return fields


def _field_text(path: str, value: object, content: JsonObject) -> str:
    if path == "source":  # An event's source is an object; its component is what is selected.
        source = content.get("source") or {}
        return str(source.get("component") or content.get("reportingComponent") or "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "false" if path == "spec.unschedulable" else ""
    return str(value)
