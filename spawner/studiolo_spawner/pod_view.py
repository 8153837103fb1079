"""A typed look at a pod and its events as the Kubernetes API writes them.

Pure. Reads the JSON form (camelCase dicts, as reflectors keep them) and guarantees that a field
that is missing, null or of the wrong type reads as empty, never as an exception: a pod of another
kubelet's making must not stop a spawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# The name that KubeSpawner gives the container that is the user's
MAIN_CONTAINER = "notebook"

Json = Mapping[str, Any]
_EMPTY: Json = {}


def mapping(value: object) -> Json:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else _EMPTY


def mappings(value: object) -> tuple[Json, ...]:
    """The mappings in a list; anything else reads as none."""
    return tuple(mapping(item) for item in value) if isinstance(value, list | tuple) else ()


def text(value: object) -> str:
    """The value if it is a string, else the empty one."""
    return value if isinstance(value, str) else ""


def number(value: object) -> int:
    """The value if it is an integer, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def moment(value: object) -> datetime | None:
    """A Kubernetes time (RFC 3339 text, or a datetime), aware; None when it is neither."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its reason and text, when it was last seen (``at``) and when first."""

    reason: str
    message: str
    warning: bool
    at: datetime | None
    first: datetime | None
    container: str


def events_of(pod: Json, events: Sequence[Json]) -> tuple[Event, ...]:
    """The events about this very pod (by UID where both sides have one), oldest first."""
    uid = text(mapping(pod.get("metadata")).get("uid"))
    read: list[Event] = []
    for event in events:
        about = mapping(event.get("involvedObject")) or mapping(event.get("regarding"))
        other = text(about.get("uid"))
        # Names come back with every attempt: an older pod's events must not speak for this one
        if uid and other and other != uid:
            continue
        read.append(
            Event(
                reason=text(event.get("reason")),
                message=text(event.get("message")) or text(event.get("note")),
                warning=event.get("type") == "Warning",
                at=(at := _last_seen(event)),
                first=moment(event.get("firstTimestamp")) or moment(event.get("eventTime")) or at,
                container=_container_of(text(about.get("fieldPath"))),
            )
        )
    # Lists of events come in no order; without a time an event counts as the oldest
    return tuple(sorted(read, key=lambda event: event.at or datetime.min.replace(tzinfo=UTC)))


def _last_seen(event: Json) -> datetime | None:
    series = mapping(event.get("series"))
    for value in (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event.get("firstTimestamp"),
        mapping(event.get("metadata")).get("creationTimestamp"),
    ):
        if (seen := moment(value)) is not None:
            return seen
    return None


def _container_of(field_path: str) -> str:
    """ "spec.containers{notebook}" -> "notebook"; events about the whole pod have none."""
    _, brace, name = field_path.partition("{")
    return name.rstrip("}") if brace else ""


def condition(pod: Json, kind: str) -> Json:
    """The pod's condition of this type, or an empty mapping."""
    for item in mappings(mapping(pod.get("status")).get("conditions")):
        if item.get("type") == kind:
            return item
    return _EMPTY


@dataclass(frozen=True, slots=True)
class Container:
    """One container's status: what it waits for, when it started, how it last ended."""

    name: str
    image: str
    main: bool
    ready: bool
    restarts: int
    waiting: Json
    running: Json
    terminated: Json
    last: Json

    @property
    def started_at(self) -> datetime | None:
        """When the run that is going on now began."""
        return moment(self.running.get("startedAt"))


def containers_of(pod: Json) -> tuple[Container, ...]:
    """The containers with a status, init containers first; one at most is the user's (``main``)."""
    spec, status = mapping(pod.get("spec")), mapping(pod.get("status"))
    declared = mappings(spec.get("containers"))
    names = [text(item.get("name")) for item in declared]
    main = MAIN_CONTAINER if MAIN_CONTAINER in names or not names else names[0]
    images = {
        text(item.get("name")): text(item.get("image"))
        for item in (*declared, *mappings(spec.get("initContainers")))
    }
    read: list[Container] = []
    for field in ("initContainerStatuses", "containerStatuses"):
        for item in mappings(status.get(field)):
            state, last = mapping(item.get("state")), mapping(item.get("lastState"))
            name = text(item.get("name"))
            read.append(
                Container(
                    name=name,
                    image=images.get(name) or text(item.get("image")),
                    main=field == "containerStatuses" and name == main,
                    ready=item.get("ready") is True,
                    restarts=number(item.get("restartCount")),
                    waiting=mapping(state.get("waiting")),
                    running=mapping(state.get("running")),
                    terminated=mapping(state.get("terminated")),
                    last=mapping(last.get("terminated")),
                )
            )
    return tuple(read)


def is_ready(pod: Json) -> bool:
    """Whether the pod runs and every one of its containers is ready."""
    status = mapping(pod.get("status"))
    if status.get("phase") != "Running" or mapping(pod.get("metadata")).get("deletionTimestamp"):
        return False
    statuses = mappings(status.get("containerStatuses"))
    return bool(statuses) and all(item.get("ready") is True for item in statuses)
