"""All people's workspaces in one list that can be narrowed. Pure.

The rows are the home page's own views, with whose they are. A filter is read from an address's
query, so that a narrowed list can be sent to somebody; what it cannot read means no narrowing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args
from urllib.parse import urlencode

from studiolo_hub.admin_words import moment
from studiolo_hub.workspace_view import State

States = Literal["active", "all", "running", "starting", "stopping", "stopped", "failed"]

MAX_ROWS: Final = 200
"""Rows on a page; of more, the list says how many there are and asks to narrow it."""
_MAX_TEXT: Final = 100


@dataclass(frozen=True)
class WorkspaceRow:
    """One workspace of anybody's."""

    user: str
    name: str
    title: str
    state: State
    image_id: str
    image: str
    requested_image: str
    """What was asked for, where another image runs instead."""
    reason: str
    """Why another image runs, or why it did not start."""
    profile_id: str
    profile: str
    started: datetime | None
    last_activity: datetime | None
    end: str
    """When it is stopped by itself, in words."""
    path: str
    """`USER` or `USER/NAME`, escaped for addresses."""
    failed_at: datetime | None = None
    """When it did not start, where that is known."""
    reference: str = ""
    """Of the image that runs, in its registry."""
    volume: str = ""
    """The claim of the volume with the user's files, where it is known."""
    since: str = ""
    active: str = ""
    """When something last happened in it, in words."""


@dataclass(frozen=True)
class Filter:
    """What is shown."""

    text: str = ""
    state: States = "active"
    profile: str = ""
    image: str = ""

    @classmethod
    def of(cls, argument: Callable[[str], str]) -> "Filter":
        """Read a filter from an address's query; `argument` gives one value, or an empty text."""
        asked = argument("state")
        known: tuple[States, ...] = get_args(States)
        return cls(
            text=argument("q").strip()[:_MAX_TEXT],
            state=next((state for state in known if state == asked), "active"),
            profile=argument("profile")[:_MAX_TEXT],
            image=argument("image")[:_MAX_TEXT],
        )

    @property
    def query(self) -> str:
        """Return the filter as an address's query; empty where it is the usual one."""
        fields = {
            "q": self.text,
            "state": "" if self.state == "active" else self.state,
            "profile": self.profile,
            "image": self.image,
        }
        return urlencode({name: value for name, value in fields.items() if value})

    def shows(self, row: WorkspaceRow) -> bool:
        """Whether a workspace is shown."""
        if self.state == "active" and row.state == "stopped":
            return False
        if self.state not in {"active", "all", row.state}:
            return False
        if self.profile and row.profile_id != self.profile:
            return False
        if self.image and row.image_id != self.image:
            return False
        words = (row.user, row.title, row.name, row.image, row.profile, row.volume)
        haystack = "\n".join(words).casefold()
        return all(word in haystack for word in self.text.casefold().split())


@dataclass(frozen=True)
class WorkspaceList:
    """What the page shows."""

    rows: tuple[WorkspaceRow, ...]
    found: int
    total: int
    states: Mapping[str, int]
    """How many of all there are in each state."""
    filter: Filter


_ORDER: Mapping[State, int] = {
    "failed": 0,
    "starting": 1,
    "stopping": 2,
    "running": 3,
    "stopped": 4,
}


def workspace_list(rows: Iterable[WorkspaceRow], chosen: Filter) -> WorkspaceList:
    """Return the rows that the filter shows: those in trouble first, then by user and name."""
    everything = list(rows)
    found = sorted(filter(chosen.shows, everything), key=_place)
    return WorkspaceList(
        rows=tuple(found[:MAX_ROWS]),
        found=len(found),
        total=len(everything),
        states=count_states(everything),
        filter=chosen,
    )


def count_states(rows: Sequence[WorkspaceRow]) -> dict[str, int]:
    """Return how many workspaces there are in each state, none included."""
    counts = Counter(row.state for row in rows)
    return {state: counts[state] for state in get_args(State)}


def as_json(shown: WorkspaceList) -> dict[str, object]:
    """Return the list for programs; fields are only ever added to it."""
    return {
        "total": shown.total,
        "found": shown.found,
        "states": dict(shown.states),
        "workspaces": [_entry(row) for row in shown.rows],
    }


def _entry(row: WorkspaceRow) -> dict[str, object]:
    return {
        "user": row.user,
        "name": row.name,
        "title": row.title,
        "state": row.state,
        "image": {"id": row.image_id, "display_name": row.image} if row.image_id else None,
        "requested_image": row.requested_image or None,
        "reason": row.reason or None,
        "profile": {"id": row.profile_id, "display_name": row.profile} if row.profile_id else None,
        "failed_at": moment(row.failed_at),
        "started": moment(row.started),
        "last_activity": moment(row.last_activity),
        "end": row.end or None,
        "volume": row.volume or None,
    }


def _place(row: WorkspaceRow) -> tuple[int, str, str]:
    return (_ORDER[row.state], row.user, row.name)
