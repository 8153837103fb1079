"""What fields each kind has and of which type: checks and tidies what clients send. Pure.

As a real server does on decoding: a value of a wrong type is refused, an unknown field is dropped
(and reported, so that the caller may warn or refuse), a null, an empty list or map is the same as
none, and a quantity is put into its canonical form. The types are in schema.json, see
scripts/write_api_schema.py.
"""

from __future__ import annotations

import base64
import json
import re
import string
from contextlib import suppress
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from studiolo_local.api.entries import JsonObject
from studiolo_local.api.quantities import QuantityError, parse_quantity

_JSON_NAMES = {str: "string", bool: "bool", int: "number", float: "number", list: "array"}
_GO_NAMES = {"integer": "int32", "boolean": "bool"}
_KEPT_NULLS = frozenset({"eventTime", "firstTimestamp", "lastTimestamp", "creationTimestamp"})
_DEEPEST = 40
_BASE64 = string.ascii_letters + string.digits + "+/"
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


class ShapeError(ValueError):
    """A value that has the wrong type for its field; the message is that of Go's decoder."""


@cache
def types() -> dict[str, dict[str, str]]:
    """Return each type's fields with their types."""
    text = files("studiolo_local.api").joinpath("schema.json").read_text()
    table: dict[str, dict[str, str]] = json.loads(text)
    return table


def tidy(kind: str, content: JsonObject) -> list[str]:
    """Tidy an object of this kind in place; returns the paths of unknown fields, now dropped.

    Raises ShapeError for the first value of a wrong type.
    """
    unknown: list[str] = []
    _Walk(kind, unknown).fields(kind, content, "", kind)
    return unknown


class _Walk:
    """One pass over one object."""

    def __init__(self, kind: str, unknown: list[str]) -> None:
        self._kind = kind
        self._unknown = unknown

    def fields(self, type_name: str, content: JsonObject, path: str, owner: str) -> None:
        known = types()[type_name]
        if path.count(".") > _DEEPEST:
            raise ShapeError("exceeded max depth")
        for name in list(content):
            where = f"{path}.{name}" if path else name
            if name not in known:
                self._unknown.append(where)
                del content[name]
            elif content[name] is None:
                if name not in _KEPT_NULLS:
                    del content[name]
            else:
                content[name] = self._value(known[name], content[name], where, owner)
                if content[name] in ([], {}) and known[name].startswith(("list:", "map:")):
                    del content[name]  # Go writes nothing for it.

    def _value(self, type_name: str, value: Any, path: str, owner: str) -> Any:
        if type_name.startswith("list:"):
            self._expect(list, type_name, value, path, owner)
            inner = type_name[5:]
            return [self._value(inner, each, f"{path}[{i}]", owner) for i, each in enumerate(value)]
        if type_name.startswith("map:"):
            self._expect(dict, type_name, value, path, owner)
            inner = type_name[4:]
            return {
                k: self._value(inner, each, path, owner)
                for k, each in value.items()
                if each is not None
            }
        if type_name in types():
            self._expect(dict, type_name, value, path, owner)
            self.fields(type_name, value, path, type_name)
            return value
        return self._scalar(type_name, value, path, owner)

    def _scalar(self, type_name: str, value: Any, path: str, owner: str) -> Any:
        if type_name == "quantity":
            try:
                return str(parse_quantity(value))
            except QuantityError as error:
                raise ShapeError(str(error)) from error
        if type_name == "integer":
            if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
                raise self._wrong(type_name, value, path, owner)
        elif type_name == "boolean":
            self._expect(bool, type_name, value, path, owner)
        elif type_name in {"string", "time", "bytes"}:
            self._expect(str, type_name, value, path, owner)
            if type_name == "bytes":
                _check_base64(value)
            if type_name == "time":
                return _time(value)
        return value

    def _expect(self, wanted: type, type_name: str, value: Any, path: str, owner: str) -> None:
        if not isinstance(value, wanted):
            raise self._wrong(type_name, value, path, owner)

    def _wrong(self, type_name: str, value: Any, path: str, owner: str) -> ShapeError:
        found = _JSON_NAMES.get(type(value), "object")
        plain = re.sub(r"\[\d+\]", "", path)
        return ShapeError(
            f"json: cannot unmarshal {found} into Go struct field {owner}.{plain} of type "
            f"{_go_type(type_name)}"
        )


def _go_type(type_name: str) -> str:
    if type_name.startswith("list:"):
        return f"[]{_go_type(type_name[5:])}"
    if type_name.startswith("map:"):
        return f"map[string]{_go_type(type_name[4:])}"
    return _GO_NAMES.get(type_name, type_name if type_name == "string" else f"v1.{type_name}")


def _check_base64(value: str) -> None:
    try:
        base64.b64decode(value, validate=True)
    except ValueError as error:
        good = len(value) - len(value.lstrip(_BASE64))
        raise ShapeError(f"illegal base64 data at input byte {good}") from error


def _time(value: str) -> str:
    if _TIME.fullmatch(value):
        with suppress(ValueError):
            datetime.fromisoformat(value.upper())
            return value.upper()
    raise ShapeError(
        f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": it is not a time of RFC 3339'
    )
