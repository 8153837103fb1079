"""Kubernetes' protobuf encoding of objects, read into the same values as JSON. Pure.

client-go sends typed objects so (`kubectl create namespace`, `helm install`, any Go program), and
takes JSON for an answer. Which number is which field is in protobuf_fields.json (see
scripts/write_protobuf_fields.py), of which type in schema.json.
https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding-idl
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from studiolo_local.api.entries import JsonObject
from studiolo_local.api.schema import types

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\x00"
_DEEPEST = 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SPECIAL = frozenset({"any", "boolean", "bytes", "integer", "number", "quantity", "string", "time"})

Field = tuple[int, int | bytes]


class ProtobufError(ValueError):
    """Bytes that are no Kubernetes object."""


@cache
def field_numbers() -> dict[str, dict[int, str]]:
    """Return each type's fields by their numbers, with the marks that the script describes."""
    text = files("studiolo_local.api").joinpath("protobuf_fields.json").read_text()
    table: dict[str, dict[str, str]] = json.loads(text)
    return {name: {int(k): v for k, v in fields.items()} for name, fields in table.items()}


def decode_object(body: bytes) -> JsonObject:
    """Return the object that a request's body holds; raises ProtobufError."""
    if not body.startswith(_MAGIC):
        raise ProtobufError("the body does not begin as a protobuf message of Kubernetes does")
    envelope = dict(_fields(body[len(_MAGIC) :]))
    identity = dict(_fields(_bytes(envelope.get(1, b""))))
    api_version, kind = _text(identity.get(1, b"")), _text(identity.get(2, b""))
    if kind not in types():
        raise ProtobufError(f"there is no kind {kind!r} here")
    content = _message(kind, kind, _bytes(envelope.get(2, b"")), 0)
    return {"apiVersion": api_version, "kind": kind} | content


def _message(schema: str, table: str, data: bytes, depth: int) -> JsonObject:
    """Return a message as JSON.

    :param schema: the type whose fields' types apply
    :param table: the type whose numbers apply: another one for fields that are taken over
    """
    if depth > _DEEPEST:
        raise ProtobufError("the message is too deep")
    known, numbers = types()[schema], field_numbers()[table]
    result: JsonObject = {}
    for number, value in _fields(data):
        name = numbers.get(number, "")
        if name.startswith("@"):
            result |= _message(schema, name[1:], _bytes(value), depth + 1)
            continue
        plain = name.lstrip("*")
        kind = known.get(plain)
        if kind is None:
            continue  # A field of a later version than the schema's.
        _add(result, plain, kind, value, depth)
        if plain == name and not result[plain]:
            del result[plain]  # Go writes what is empty, and means nothing by it.
    return result


def _add(result: JsonObject, name: str, kind: str, value: int | bytes, depth: int) -> None:
    if kind.startswith("list:"):
        items = result.setdefault(name, [])
        if kind == "list:integer" and isinstance(value, bytes):
            items.extend(_signed(each) for each in _packed(value))
        else:
            items.append(_value(kind[5:], value, depth))
    elif kind.startswith("map:"):
        pair = dict(_fields(_bytes(value)))
        inner = _value(kind[4:], pair.get(2, b""), depth)
        result.setdefault(name, {})[_text(pair.get(1, b""))] = inner
    else:
        result[name] = _value(kind, value, depth)


def _value(kind: str, value: int | bytes, depth: int) -> Any:
    if kind not in _SPECIAL:
        return _message(kind, kind, _bytes(value), depth + 1)
    if kind == "integer":
        return _signed(value)
    if kind == "boolean":
        return bool(_signed(value))
    if kind == "time":
        return _time(_bytes(value))
    if kind == "quantity":
        return _text(dict(_fields(_bytes(value))).get(1, b""))
    if kind == "any":
        return _any(_bytes(value))
    if kind == "bytes":
        return base64.b64encode(_bytes(value)).decode()
    return _text(value)


def _time(data: bytes) -> str | None:
    parts = dict(_fields(data))
    if not parts:
        return None
    try:
        moment = _EPOCH + timedelta(
            seconds=_signed(parts.get(1, 0)), microseconds=_signed(parts.get(2, 0)) // 1000
        )
    except OverflowError as error:
        raise ProtobufError("there is no such time") from error
    precision = "microseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def _any(data: bytes) -> Any:
    """Return a number or name (IntOrString), or JSON within the message (FieldsV1)."""
    parts = dict(_fields(data))
    raw = parts.get(1, 0)
    if isinstance(raw, bytes):
        try:
            return json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise ProtobufError("there is no JSON where JSON should be") from error
    return _text(parts.get(3, b"")) if raw == 1 else _signed(parts.get(2, 0))


def _fields(data: bytes) -> Iterator[Field]:
    """Yield the fields of a message by number."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire == _BYTES:
            length, position = _varint(data, position)
        elif wire in {_FIXED64, _FIXED32}:
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ProtobufError(f"there is no wire type {wire}")
        end = position + length
        if end > len(data):
            raise ProtobufError("the message ends too early")
        yield number, data[position:end]
        position = end


def _packed(data: bytes) -> Iterator[int]:
    position = 0
    while position < len(data):
        value, position = _varint(data, position)
        yield value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    result = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise ProtobufError("the message ends too early")
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & (2**64 - 1), position
    raise ProtobufError("a number is too long")


def _signed(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ProtobufError("there is text where a number should be")
    return value - 2**64 if value >= 2**63 else value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ProtobufError("there is a number where text should be")
    return value


def _text(value: int | bytes) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError as error:
        raise ProtobufError("a text is not UTF-8") from error
