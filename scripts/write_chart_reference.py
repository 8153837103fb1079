"""Write the chart's values.schema.json and docs/chart.md from the comments of its values.yaml.

    python scripts/write_chart_reference.py [--check]

Every value carries its explanation as a comment above it. What the default does not show is said
in a line of its own there: `@required`, `@list text`, `@list mapping`, `@mapping`, `@whole`,
`@one-of A B` or `@catalogue` (the schema of docs/catalogue.md). With --check nothing is written;
the exit code tells whether the files are fresh.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from studiolo_spawner.catalogue import catalogue_schema

ROOT = Path(__file__).parents[1]
CHART = ROOT / "helm" / "studiolo"
VALUES = CHART / "values.yaml"
SCHEMA = CHART / "values.schema.json"
REFERENCE = ROOT / "docs" / "chart.md"

_KEY = re.compile(r"^( *)([A-Za-z][A-Za-z0-9]*):(.*)$")
_MARK = re.compile(r"@(required|list|mapping|whole|one-of|catalogue)(?: (.*))?")
_HEAD = """\
# The chart's values

Written from the comments of [values.yaml](../helm/studiolo/values.yaml), as is the schema that Helm
checks every value by: an unknown or mistyped one is refused before anything is installed, and what
cannot work together is refused with what to set instead.

| Value | Kind | Default | What it is |
| --- | --- | --- | --- |
"""


class BadValues(Exception):  # noqa: N818 - said of a file
    """The values file does not explain itself; the message names the line."""


@dataclass
class Value:
    """One value, or a group of them."""

    path: tuple[str, ...]
    default: Any
    words: str = ""
    marks: dict[str, str] = field(default_factory=dict)
    parts: list[Value] = field(default_factory=list)


def read_values(text: str) -> list[Value]:
    """Return the tree of values; raises BadValues when one is not explained."""
    defaults = yaml.safe_load(text)
    top: list[Value] = []
    open_groups: list[tuple[int, Value]] = []
    comments: list[str] = []
    inside: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("#"):
            comments.append(stripped.lstrip("#").strip())
            continue
        found = _KEY.match(line)
        depth = len(found[1]) if found else 0
        if inside is not None and (found is None or depth > inside) and stripped:
            continue
        inside = None
        if found is None:
            comments.clear()
            continue
        while open_groups and open_groups[-1][0] >= depth:
            open_groups.pop()
        path = (*(open_groups[-1][1].path if open_groups else ()), found[2])
        value = _described(path, _at(defaults, path), comments, number)
        comments.clear()
        (open_groups[-1][1].parts if open_groups else top).append(value)
        if not found[3].strip() and not value.marks:
            open_groups.append((depth, value))
        elif not found[3].strip():
            inside = depth
    return top


def _described(path: tuple[str, ...], default: Any, comments: list[str], number: int) -> Value:
    marks: dict[str, str] = {}
    for line in comments:
        if found := _MARK.fullmatch(line):
            marks[found[1]] = found[2] or ""
    words = " ".join(line for line in comments if not _MARK.fullmatch(line))
    if not words:
        raise BadValues(f"{VALUES.name}:{number}: {'.'.join(path)} is not explained above it")
    return Value(path, default, words, marks)


def _at(defaults: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        defaults = defaults[name]
    return defaults


def schema_of(values: list[Value]) -> dict[str, Any]:
    """Return the JSON schema (draft 7, which Helm understands)."""
    schema = _object(values)
    # A chart that has ours as a part hands these on to all its parts.
    schema["properties"]["global"] = {"type": "object"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the Studiolo chart",
        **schema,
    }


def _object(values: list[Value]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {value.path[-1]: _schema(value) for value in values},
    }


def _schema(value: Value) -> dict[str, Any]:
    if value.parts:
        return {"description": value.words, **_object(value.parts)}
    return {"description": value.words, **_kind(value)}


def _kind(value: Value) -> dict[str, Any]:
    match value.marks:
        case {"catalogue": _}:
            return {"anyOf": [{"type": "object", "maxProperties": 0}, _catalogue_schema()]}
        case {"list": "text"}:
            return {"type": "array", "items": {"type": "string"}}
        case {"list": _}:
            return {"type": "array", "items": {"type": "object"}}
        case {"mapping": _}:
            return {"type": "object"}
        case {"one-of": choices}:
            return {"enum": choices.split()}
        case {"whole": _}:
            return {"type": "integer", "minimum": 0}
    return {"type": "boolean" if isinstance(value.default, bool) else "string"}


def _catalogue_schema() -> dict[str, Any]:
    """Return the catalogue's own schema with its parts in place, where Helm finds them."""
    schema = catalogue_schema()
    parts = schema.pop("$defs", {})
    schema.pop("$schema", None)

    def placed(node: Any) -> Any:
        if isinstance(node, Mapping):
            reference = node.get("$ref", "")
            if reference.startswith("#/$defs/"):
                rest = {key: value for key, value in node.items() if key != "$ref"}
                return {**placed(parts[reference.removeprefix("#/$defs/")]), **placed(rest)}
            return {key: placed(value) for key, value in node.items()}
        return [placed(each) for each in node] if isinstance(node, list) else node

    result: dict[str, Any] = placed(schema)
    return result


def reference_of(values: list[Value]) -> str:
    """Return docs/chart.md."""
    return _HEAD + "".join(f"{row}\n" for row in _rows(values))


def _rows(values: list[Value]) -> Iterator[str]:
    for value in values:
        name = ".".join(value.path)
        if value.parts:
            yield f"| **`{name}`** | | | {value.words} |"
            yield from _rows(value.parts)
        else:
            yield f"| `{name}` | {_kind_word(value)} | {_default_word(value)} | {value.words} |"


def _kind_word(value: Value) -> str:
    match value.marks:
        case {"catalogue": _}:
            return "[catalogue](catalogue.md)"
        case {"list": "text"}:
            return "list of texts"
        case {"list": _}:
            return "list of mappings"
        case {"mapping": _}:
            return "mapping"
        case {"one-of": choices}:
            return " or ".join(f"`{choice}`" for choice in choices.split())
        case {"whole": _}:
            return "number"
    return "true or false" if isinstance(value.default, bool) else "text"


def _default_word(value: Value) -> str:
    if "required" in value.marks:
        return "**required**"
    if value.default in ("", [], {}):
        return ""
    text = json.dumps(value.default) if not isinstance(value.default, str) else value.default
    return f"`{text}`"


def main() -> int:
    """Write both files, or check them."""
    parser = argparse.ArgumentParser(description="Write the chart's schema and reference.")
    parser.add_argument("--check", action="store_true", help="write nothing, say what is stale")
    arguments = parser.parse_args()
    values = read_values(VALUES.read_text())
    wanted = {
        SCHEMA: json.dumps(schema_of(values), indent=2) + "\n",
        REFERENCE: reference_of(values),
    }
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if arguments.check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: python {Path(__file__).relative_to(ROOT)}")
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
