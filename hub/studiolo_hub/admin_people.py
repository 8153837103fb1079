"""The hub's people: who they are, what they may do, what they have. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from studiolo_hub.admin_words import moment

MAX_ROWS: Final = 200
"""Rows on a page; of more, it says how many there are and asks to narrow them."""


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


def as_json(shown: PeopleList) -> dict[str, object]:
    """Return the list for programs; fields are only ever added to it."""
    return {
        "total": shown.total,
        "found": shown.found,
        "people": [entry(row) for row in shown.rows],
    }


def entry(row: PersonRow) -> dict[str, object]:
    """Return one person for programs."""
    return {
        "name": row.name,
        "groups": None if row.groups is None else list(row.groups),
        "roles": None if row.roles is None else list(row.roles),
        "workspaces": row.workspaces,
        "active_workspaces": row.active,
        "last_activity": moment(row.last_activity),
    }
