"""The hub's people: who they are, what they may do, what they have. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from studiolo_hub.admin_words import moment

MAX_ROWS: Final = 500


@dataclass(frozen=True)
class PersonRow:
    """One person. What the reader may not see is None."""

    name: str
    path: str
    """The name, escaped for addresses."""
    groups: tuple[str, ...] | None
    roles: tuple[str, ...] | None
    active: int
    """Workspaces that do not stand still."""
    workspaces: int
    last_activity: datetime | None
    seen: str
    """When that was, in words."""


@dataclass(frozen=True)
class PeopleList:
    """What the page shows."""

    rows: tuple[PersonRow, ...]
    found: int
    total: int
    text: str


def people_list(people: Iterable[PersonRow], text: str = "") -> PeopleList:
    """Return those whose name or group holds each word of `text`, by name."""
    everybody = list(people)
    words = text.casefold().split()
    found = sorted(
        (one for one in everybody if all(word in _haystack(one) for word in words)),
        key=lambda one: one.name,
    )
    return PeopleList(tuple(found[:MAX_ROWS]), len(found), len(everybody), text)


def as_json(shown: PeopleList) -> dict[str, object]:
    """Return the list for programs; fields are only ever added to it."""
    return {
        "total": shown.total,
        "found": shown.found,
        "people": [
            {
                "name": row.name,
                "groups": None if row.groups is None else list(row.groups),
                "roles": None if row.roles is None else list(row.roles),
                "workspaces": row.workspaces,
                "active_workspaces": row.active,
                "last_activity": moment(row.last_activity),
            }
            for row in shown.rows
        ],
    }


def _haystack(one: PersonRow) -> str:
    return "\n".join((one.name, *(one.groups or ()))).casefold()
