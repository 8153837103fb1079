"""Server-side apply: what a manager applied before and leaves out now goes, the rest stays. Pure.

Who applied what is kept in metadata.managedFields. Changes made by other means (replace, patch)
are not recorded there, so they raise no conflict: the next apply of that field wins.
https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from studiolo_local.api import field_sets
from studiolo_local.api.entries import JsonObject
from studiolo_local.api.field_sets import FieldSet, Path
from studiolo_local.api.strategic import strategic_merge


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field that another manager holds with another value."""

    manager: str
    path: Path

    @property
    def text(self) -> str:
        """Say who holds which field."""
        return f'conflict with "{self.manager}": {self.field}'

    @property
    def field(self) -> str:
        """Say which field."""
        return field_sets.readable(self.path)


class ApplyConflictError(Exception):
    """Fields that are applied are held by others, and force was not asked for."""

    def __init__(self, conflicts: list[FieldConflict]) -> None:
        super().__init__(f"{len(conflicts)} conflicts")
        self.conflicts = conflicts


def applied(
    live: JsonObject, config: JsonObject, manager: str, now: str, *, force: bool
) -> JsonObject:
    """Return the live object with a manager's configuration applied.

    :param now: the time that is recorded when anything changed
    """
    entries: list[JsonObject] = copy.deepcopy(live["metadata"].get("managedFields") or [])
    mine = next((each for each in entries if each.get("manager") == manager), None)
    others = [each for each in entries if each is not mine]
    fields = field_sets.fields_of(config)
    wanted = set(field_sets.leaves(fields))
    conflicts = _conflicts(live, config, wanted, others)
    if conflicts and not force:
        raise ApplyConflictError(conflicts)
    result: JsonObject = strategic_merge(live, config)
    result = copy.deepcopy(result)
    _drop_abandoned(result, mine, wanted, others)
    taken = {conflict.path for conflict in conflicts}
    for other in others:
        other["fieldsV1"] = field_sets.without(other.get("fieldsV1") or {}, taken)
    recorded = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": config.get("apiVersion", "v1"),
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    unchanged = mine is not None and mine.get("fieldsV1") == fields and _same(result, live)
    kept = [other for other in others if other["fieldsV1"]]
    result["metadata"]["managedFields"] = [*kept, mine if unchanged else recorded]
    return result


def _conflicts(
    live: JsonObject, config: JsonObject, wanted: set[Path], others: list[JsonObject]
) -> list[FieldConflict]:
    found = []
    for other in others:
        held: FieldSet = other.get("fieldsV1") or {}
        found += [
            FieldConflict(str(other.get("manager")), path)
            for path in field_sets.leaves(held)
            if path in wanted
            and _differs(field_sets.find(live, path), field_sets.find(config, path))
        ]
    return found


def _drop_abandoned(
    result: JsonObject, mine: JsonObject | None, wanted: set[Path], others: list[JsonObject]
) -> None:
    """Take out what the manager held, no longer wants, and nobody else holds."""
    before = set(field_sets.leaves((mine or {}).get("fieldsV1") or {}))
    held = {path for other in others for path in field_sets.leaves(other.get("fieldsV1") or {})}
    # Items before their fields: without its key an item could not be found any more.
    for path in sorted(before - wanted - held, key=len):
        field_sets.remove(result, path)


def _differs(one: Any, other: Any) -> bool:
    # An item of a keyed list is there in both: its fields are compared one by one.
    return not isinstance(one, dict) and one != other


def _same(one: JsonObject, other: JsonObject) -> bool:
    plain = [copy.deepcopy(each) for each in (one, other)]
    for each in plain:
        each["metadata"].pop("managedFields", None)
    return plain[0] == plain[1]
