"""Sets of fields, as server-side apply records who holds what (`FieldsV1`). Pure.

A set is a tree: `f:name` is a field, `k:{...}` an item of a list that is known by its keys, `v:...`
a value of a list that is a set, and `.` the item itself. A branch without children is held whole.
https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from studiolo_local.api.strategic import SETS, merge_key

FieldSet = dict[str, Any]
Path = tuple[str, ...]

_SECOND_KEYS = {"containerPort": "protocol", "port": "protocol"}
"""Lists whose items are known by two keys, the second of which has a default."""
_DEFAULT = "TCP"
_NOT_HELD = {
    (): frozenset({"apiVersion", "kind"}),
    ("f:metadata",): frozenset(
        {"name", "namespace", "uid", "resourceVersion", "creationTimestamp", "managedFields"}
    ),
}


def fields_of(value: Any, path: Path = (), parent: str = "") -> FieldSet:
    """Return the set of the fields that an object gives."""
    if not isinstance(value, dict):
        return {}
    held: FieldSet = {}
    for name, inner in value.items():
        if name in _NOT_HELD.get(path, ()):
            continue
        step = f"f:{name}"
        if isinstance(inner, list):
            held[step] = _fields_of_list(inner, parent, name)
        else:
            held[step] = fields_of(inner, (*path, step), name)
    return held


def item_step(item: Any, key: str) -> str:
    """Return the step that leads to an item of a list that is known by its keys."""
    named = {key: item.get(key)}
    if second := _SECOND_KEYS.get(key):
        named[second] = item.get(second, _DEFAULT)
    return "k:" + json.dumps(named, separators=(",", ":"), sort_keys=True)


def leaves(fields: FieldSet, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every field that is held."""
    for step, inner in fields.items():
        if step == ".":
            yield path
        elif inner:
            yield from leaves(inner, (*path, step))
        else:
            yield (*path, step)


def without(fields: FieldSet, doomed: set[Path], path: Path = ()) -> FieldSet:
    """Return the set without some of its leaves."""
    kept: FieldSet = {}
    for step, inner in fields.items():
        if step == ".":
            if path not in doomed:
                kept[step] = {}
        elif inner:
            if rest := without(inner, doomed, (*path, step)):
                kept[step] = rest
        elif (*path, step) not in doomed:
            kept[step] = {}
    return kept


def find(value: Any, path: Path) -> Any:
    """Return what an object has at a path, or None."""
    for step in path:
        kind, _, name = step.partition(":")
        if kind == "f":
            value = value.get(name) if isinstance(value, dict) else None
        elif kind == "k":
            wanted = json.loads(name)
            value = next((each for each in value or () if _has_keys(each, wanted)), None)
        else:
            plain = json.loads(name)
            value = plain if plain in (value or ()) else None
        if value is None:
            return None
    return value


def remove(value: Any, path: Path) -> None:
    """Take what is at a path out of an object, in place."""
    holder = find(value, path[:-1]) if len(path) > 1 else value
    kind, _, name = path[-1].partition(":")
    if kind == "f" and isinstance(holder, dict):
        holder.pop(name, None)
    elif isinstance(holder, list):
        wanted = json.loads(name)
        doomed = [e for e in holder if (_has_keys(e, wanted) if kind == "k" else e == wanted)]
        for each in doomed:
            holder.remove(each)


def readable(path: Path) -> str:
    """Return a path as messages show it: `.spec.containers[name="main"].image`."""
    text = ""
    for step in path:
        kind, _, name = step.partition(":")
        if kind == "f":
            text += f".{name}"
        elif kind == "k":
            keys = json.loads(name).items()
            text += "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in keys) + "]"
        else:
            text += f"[={name}]"
    return text


def _fields_of_list(items: list[Any], parent: str, name: str) -> FieldSet:
    if (parent, name) in SETS:
        return {f"v:{json.dumps(item)}": {} for item in items}
    key = merge_key(parent, name)
    if key is None or not all(isinstance(item, dict) for item in items):
        return {}
    return {item_step(item, key): {".": {}, **fields_of(item, ("",), name)} for item in items}


def _has_keys(item: Any, wanted: dict[str, Any]) -> bool:
    return isinstance(item, dict) and all(
        item.get(key, _DEFAULT if key == "protocol" else None) == value
        for key, value in wanted.items()
    )
