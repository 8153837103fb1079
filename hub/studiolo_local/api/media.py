"""Which representation a client sends and wants: content types and Accept. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isfinite
from typing import Any

import yaml

from studiolo_local.api import protobuf
from studiolo_local.api.status_errors import bad_request, not_acceptable, unsupported_media_type

JSON = "application/json"
YAML = "application/yaml"
_OFFERED = (JSON,)
_YAML_TYPES = frozenset({YAML, "application/apply-patch+yaml"})


@dataclass(frozen=True, slots=True)
class Accepted:
    """One representation that a client takes: a media type and how objects are shown in it."""

    shape: str = ""
    """Empty for objects as they are, or Table, PartialObjectMetadata, PartialObjectMetadataList."""
    version: str = "v1"


LIST_SHAPES = frozenset({"Table", "PartialObjectMetadataList"})
OBJECT_SHAPES = frozenset({"Table", "PartialObjectMetadata"})


def best_accepted(header: str, shapes: frozenset[str]) -> Accepted:
    """Return the first representation of an Accept header that can be had; raises ApiError.

    :param shapes: those, besides the object itself, that can be had here
    """
    for part in header.split(",") if header.strip() else ["*/*"]:
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        if media_type not in {JSON, "application/*", "*/*"}:
            continue
        named = dict(pair.split("=", 1) for pair in parameters if "=" in pair)
        shape = named.get("as", "")
        if not shape:
            return Accepted()
        known = named.get("g") == "meta.k8s.io" and named.get("v") in {"v1", "v1beta1"}
        if known and shape in shapes:
            return Accepted(shape, named["v"])
    raise not_acceptable(_OFFERED)


def decoded(content_type: str, body: bytes) -> Any:
    """Return the value that a body holds; raises ApiError."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == protobuf.MEDIA_TYPE:
        return _from_protobuf(body)
    if media_type in _YAML_TYPES:
        return _from_yaml(body)
    if media_type in {"", JSON} or (media_type.endswith("+json")):
        return _from_json(body)
    raise unsupported_media_type((JSON, YAML, protobuf.MEDIA_TYPE))


def _from_json(body: bytes) -> Any:
    try:
        value = json.loads(body, parse_constant=_no_number, parse_float=_finite)
        return _well_formed(value) if rb"\u" in body else value
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body is not JSON: {error}") from error


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is not a number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if isfinite(value) else _no_number(text)


def _well_formed(value: Any) -> Any:
    """Replace halves of characters, which JSON can write and UTF-8 cannot, as Go does."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _from_protobuf(body: bytes) -> Any:
    try:
        return protobuf.decode_object(body)
    except protobuf.ProtobufError as error:
        raise bad_request(f"the body is not a protobuf object: {error}") from error


def _from_yaml(body: bytes) -> Any:
    try:
        value = yaml.load(body, Loader=_Loader)  # noqa: S506 (it is a safe loader)
        # What JSON cannot say, such as sets and infinity, is refused; keys become text.
        return json.loads(json.dumps(value, allow_nan=False))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise bad_request(f"error converting YAML to JSON: {error}") from error


class _Loader(yaml.SafeLoader):
    """Reads YAML as JSON is: no aliases, times stay text."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
