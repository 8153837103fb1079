"""Many small JSON objects in little memory, and events found by their pod; pure.

A dict that keeps its values as compact JSON text and parses one when it is read.  Thousands of pods
as nested dicts would be a million containers that Python's garbage collector searches again and
again, which stops a hub for a tenth of a second each time; text it does not look at.  What is read
is a copy: nobody can change what is kept.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, MutableMapping
from typing import Any

_encode = json.JSONEncoder(separators=(",", ":")).encode


class CompactObjects(MutableMapping[str, dict[str, Any]]):
    """Objects by key, in the order in which they were put."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def __getitem__(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._texts[key])
        return found

    def __setitem__(self, key: str, value: dict[str, Any]) -> None:
        self._texts[key] = _encode(value)

    def __delitem__(self, key: str) -> None:
        del self._texts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, key: object) -> bool:
        return key in self._texts

    def subject_of(self, key: str) -> str:
        """What an object is about: itself, or the pod of an event."""
        return key

    def settle(self) -> None:
        """Drop what is too much, after many were put at once."""

    def changes_to(self, later: CompactObjects) -> Iterator[str]:
        """Keys whose objects are not the same in ``later``, new and missing ones included."""
        for key in self._texts.keys() | later._texts.keys():
            if self._texts.get(key) != later._texts.get(key):
                yield key


class EventObjects(CompactObjects):
    """Kubernetes events, bounded in number, with an index by the pod that they are about."""

    def __init__(self, *, most: int, most_per_pod: int) -> None:
        super().__init__()
        self._most = most
        self._most_per_pod = most_per_pod
        self._times: dict[str, str] = {}
        self._pods: dict[str, str] = {}
        # The inner dicts are ordered sets: what was heard first stands first.
        self._of_pod: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def __setitem__(self, key: str, value: dict[str, Any]) -> None:
        # Taken out first, so that a repeated event counts as newly heard.
        self.pop(key, None)
        super().__setitem__(key, value)
        about = value.get("involvedObject") or {}
        pod = self._pods[key] = f"{about.get('namespace')}/{about.get('name')}"
        self._times[key] = event_time(value)
        of_pod = self._of_pod[pod]
        of_pod[key] = None
        if len(of_pod) > self._most_per_pod:
            del self[next(iter(of_pod))]

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        del self._times[key]
        pod = self._pods.pop(key)
        del self._of_pod[pod][key]
        if not self._of_pod[pod]:
            del self._of_pod[pod]

    def subject_of(self, key: str) -> str:
        """The pod ("namespace/name") of an event."""
        return self._pods[key]

    def settle(self) -> None:
        """Drop the oldest events beyond the number that is kept."""
        excess = len(self) - self._most
        if excess > 0:
            for key in sorted(self._times, key=self._times.__getitem__)[:excess]:
                del self[key]

    def about(self, pod: str) -> list[dict[str, Any]]:
        """The events about a pod, oldest first."""
        return [self[key] for key in sorted(self._of_pod.get(pod, ()), key=self._times.__getitem__)]

    def in_order(self) -> list[dict[str, Any]]:
        """Every event, oldest first."""
        return [self[key] for key in sorted(self._times, key=self._times.__getitem__)]


def event_time(event: dict[str, Any]) -> str:
    """RFC 3339 stamps in UTC sort as text; an event without one sorts first."""
    metadata = event.get("metadata") or {}
    stamp: str = (
        event.get("lastTimestamp")
        or event.get("eventTime")
        or event.get("firstTimestamp")
        or metadata.get("creationTimestamp")
        or ""
    )
    return stamp
