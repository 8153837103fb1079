"""The catalogue: images and hardware profiles, parsed once into frozen models. Pure.

`parse_catalogue` either returns a catalogue in which every name that is used exists, or raises one
CatalogueError with every problem: the field's path, the line, what is wrong and what to do. It
never raises anything else for what the text holds, and takes at most MAX_BYTES.

The models are in catalogue_model.py and are exported from here.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ErrorDetails

from studiolo_spawner import quantities, wording
from studiolo_spawner.catalogue_checks import check_references
from studiolo_spawner.catalogue_custom import CustomImages
from studiolo_spawner.catalogue_model import (
    Catalogue,
    Defaults,
    FallbackPolicy,
    GpuInfo,
    Home,
    IdlePolicy,
    Image,
    Profile,
    Provides,
    Redirect,
    SharedVolume,
    Toleration,
)
from studiolo_spawner.catalogue_quotas import Quota
from studiolo_spawner.errors import CatalogueError, Problem
from studiolo_spawner.missing_tags import with_default_tags
from studiolo_spawner.yamltree import MAX_BYTES, MAX_PROBLEMS, Path, Tree, path_text, read_yaml

__all__ = [
    "MAX_BYTES",
    "Catalogue",
    "CustomImages",
    "Defaults",
    "FallbackPolicy",
    "GpuInfo",
    "Home",
    "IdlePolicy",
    "Image",
    "Profile",
    "Provides",
    "Quota",
    "Redirect",
    "SharedVolume",
    "Toleration",
    "catalogue_schema",
    "parse_catalogue",
]

_WRONG_TYPE = {
    "string_type": "it must be text",
    "int_type": "it must be a whole number",
    "float_type": "it must be a number",
    "bool_type": "it must be true or false",
    "tuple_type": "it must be a list",
    "frozen_set_type": "it must be a list",
    "dict_type": "it must be a mapping (key: value)",
    "model_type": "it must be a mapping (key: value)",
}


_ENOUGH = MAX_PROBLEMS + 1


def parse_catalogue(text: str | bytes, *, source: str = "catalogue.yaml") -> Catalogue:
    """The catalogue that the YAML text describes. Raises CatalogueError with every problem."""
    tree = read_yaml(text)
    problems = list(tree.problems)
    catalogue: Catalogue | None = None
    if isinstance(tree.data, dict):
        try:
            catalogue = Catalogue.model_validate(with_default_tags(tree.data))
        except ValidationError as error:
            schema = catalogue_schema()
            told = {problem.path for problem in tree.problems}
            errors = error.errors(include_url=False)[:_ENOUGH]
            found = (_problem_of(details, tree, schema) for details in errors)
            problems += [problem for problem in found if problem.path not in told]
        problems += [
            Problem(path_text(it.path), it.message, it.hint, tree.line(it.path))
            for it in islice(check_references(tree.data), _ENOUGH)
        ]
    elif not problems:
        empty = "the file is empty" if tree.data is None else "the file is not a mapping"
        problems.append(Problem("", empty, "start it with version: 1"))
    if problems or catalogue is None:
        problems.sort(key=lambda problem: problem.line or 0)
        raise CatalogueError(_bounded(problems), source=source)
    return catalogue


def catalogue_schema() -> dict[str, Any]:
    """The JSON schema of the file (draft 2020-12), for editors and for the chart."""
    schema = Catalogue.model_json_schema(schema_generator=_Schema)
    return {
        "$schema": _Schema.schema_dialect,
        "title": "Studiolo catalogue",
        **{key: value for key, value in schema.items() if key != "title"},
    }


class _Schema(GenerateJsonSchema):
    """Pydantic's schema with durations spelt as in the file, and without titles that repeat the
    key.
    """

    def encode_default(self, dft: object) -> Any:
        if isinstance(dft, timedelta):
            return quantities.format_duration(dft)
        return super().encode_default(dft)

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the base class's
        return False


def _bounded(problems: list[Problem]) -> Iterator[Problem]:
    yield from problems[:MAX_PROBLEMS]
    if len(problems) > MAX_PROBLEMS:
        yield Problem("", "and more problems", "mend those above first")


def _problem_of(details: ErrorDetails, tree: Tree, schema: Mapping[str, Any]) -> Problem:
    """Pydantic's error in our words. Its own text is for programmers and repeats the input."""
    path = _without_key_marker(details["loc"])
    kind = details["type"]
    hint = ""
    if kind == "extra_forbidden":
        message = "there is no such key"
        known = _keys_at(schema, path[:-1])
        hint = (
            wording.did_you_mean(str(path[-1]), known)
            or f"there are: {wording.listed(known, limit=30)}"
        )
    elif kind == "missing":
        message = "this key is missing"
    elif kind in _WRONG_TYPE:
        message = f"{_WRONG_TYPE[kind]}, not {_kind(details['input'])}"
        if kind == "string_type" and path in tree.written:
            hint = f'put it in quotes: "{tree.written[path]}"'
    elif kind == "value_error":
        message = str(details["ctx"]["error"])
    else:
        message = _lowered(details["msg"])
    return Problem(path_text(path), message, hint, tree.line(path))


def _without_key_marker(loc: Path) -> Path:
    """Pydantic marks errors in a mapping's key by a last step `[key]`."""
    return loc[:-1] if loc and loc[-1] == "[key]" else loc


def _kind(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    for kind, name in ((dict, "a mapping"), (list, "a list"), (str, "text")):
        if isinstance(value, kind):
            return name
    return f"the number {wording.quoted(value)[1:-1]}"


def _lowered(message: str) -> str:
    return (message[:1].lower() + message[1:]).replace("input should", "it should")


def _keys_at(schema: Mapping[str, Any], path: Path) -> list[str]:
    """The keys that the schema has at the path."""
    node = _resolved(schema, schema)
    for step in path:
        inner = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step)
        node = _resolved(schema, inner or {})
    return list(node.get("properties", {}))


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node behind `$ref` and behind "this or null"."""
    for choice in node.get("anyOf", ()):
        if "$ref" in choice:
            node = choice
    if "$ref" in node:
        found: Mapping[str, Any] = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
        return found
    return node
