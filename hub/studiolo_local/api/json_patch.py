"""JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396). Pure.

Neither changes what it is given. https://www.rfc-editor.org/rfc/rfc6902
"""

from __future__ import annotations

import copy
import json
from typing import Any


class PatchError(ValueError):
    """A patch that is malformed; nothing was changed."""


class PatchMismatchError(PatchError):
    """A well-formed patch that does not fit the object; nothing was changed."""


_NEEDS_VALUE = frozenset({"add", "replace", "test"})
_NEEDS_FROM = frozenset({"move", "copy"})
_LIMIT = 10_000


def json_patch(document: Any, operations: Any) -> Any:
    """Return the document with the operations applied in turn."""
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise PatchError("a JSON patch is a list of operations")
    if len(operations) > _LIMIT:
        raise PatchError(f"a JSON patch may have {_LIMIT} operations at most")
    result = copy.deepcopy(document)
    for operation in operations:
        result = _applied(result, operation)
    return result


def merge_patch(document: Any, patch: Any) -> Any:
    """Return the document with the patch merged in: null removes, lists are replaced whole."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def _applied(document: Any, operation: dict[str, Any]) -> Any:
    kind, path = operation.get("op"), operation.get("path")
    if kind not in _NEEDS_VALUE | _NEEDS_FROM | {"remove"}:
        raise PatchError(f"unexpected kind: {kind}")
    if not isinstance(path, str):
        raise PatchError(f"{kind} operation without a path")
    if kind in _NEEDS_VALUE and "value" not in operation:
        raise PatchError(f"{kind} operation without a value: {path}")
    steps = _steps(path)
    if kind in _NEEDS_FROM:
        source = operation.get("from")
        if not isinstance(source, str):
            raise PatchError(f"{kind} operation without a from: {path}")
        if kind == "move" and path.startswith(source + "/"):
            raise PatchError(f"cannot move {source} into itself")
        value = copy.deepcopy(_found(document, _steps(source), kind))
        if kind == "move":
            document = _without(document, _steps(source))
        return _with(document, steps, value)
    if kind == "test":
        return _tested(document, steps, operation["value"])
    if kind == "remove":
        return _without(document, steps)
    if kind == "replace":
        _found(document, steps, kind)
        document = _without(document, steps) if steps else document
    return _with(document, steps, copy.deepcopy(operation["value"]))


def _steps(pointer: str) -> list[str]:
    if pointer == "":
        return []
    if not pointer.startswith("/"):
        raise PatchError(f"a path begins with '/': {pointer}")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]


def _found(document: Any, steps: list[str], kind: str) -> Any:
    value = document
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list):
            value = value[_index(value, step, len(value) - 1)]
        else:
            raise PatchMismatchError(
                f"{kind} operation does not apply: doc is missing path: /{'/'.join(steps)}"
            )
    return value


def _tested(document: Any, steps: list[str], expected: Any) -> Any:
    try:
        actual = _found(document, steps, "test")
    except PatchMismatchError:
        if expected is None:
            return document
        raise
    # Compared as JSON: Python takes True for 1.
    if json.dumps(actual, sort_keys=True) != json.dumps(expected, sort_keys=True):
        raise PatchMismatchError(f"testing value /{'/'.join(steps)} failed: test failed")
    return document


def _with(document: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    parent = _found(document, steps[:-1], "add")
    if isinstance(parent, list):
        last = steps[-1]
        parent.insert(len(parent) if last == "-" else _index(parent, last, len(parent)), value)
    elif isinstance(parent, dict):
        parent[steps[-1]] = value
    else:
        raise PatchMismatchError(
            f"add operation does not apply: /{'/'.join(steps)} is in no container"
        )
    return document


def _without(document: Any, steps: list[str]) -> Any:
    if not steps:
        raise PatchMismatchError("remove operation does not apply: the whole object")
    _found(document, steps, "remove")
    parent = _found(document, steps[:-1], "remove")
    if isinstance(parent, list):
        del parent[_index(parent, steps[-1], len(parent) - 1)]
    else:
        del parent[steps[-1]]
    return document


def _index(items: list[Any], step: str, last: int) -> int:
    if not (step.isascii() and step.isdigit()) or (len(step) > 1 and step[0] == "0"):
        raise PatchMismatchError(f"'{step}' is not an index of a list")
    if len(step) > 9 or int(step) > last:
        raise PatchMismatchError(f"index {step} is outside of a list of {len(items)}")
    return int(step)
