"""Strict YAML to plain data that remembers its lines. Pure.

A catalogue is written by people and may come from anywhere, so the reader takes only the part of
YAML that can be read in one way: one document of mappings with text keys, lists and scalars.
Refused, each with its line: anchors and aliases (the "billion laughs"), tags, keys that appear
twice, further documents, depth above MAX_DEPTH, more than MAX_BYTES (checked before anything is
parsed).

Scalars follow the YAML 1.2 core schema, not PyYAML's 1.1: `no` and `on` are text and `1:30` is not
a number. Problems are collected; only broken syntax ends the reading early.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from studiolo_spawner import wording
from studiolo_spawner.errors import Problem

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16
MAX_PROBLEMS = 50

Path = tuple[str | int, ...]

# libyaml where PyYAML has it: 20 times faster, and its nesting is bounded in C.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# https://yaml.org/spec/1.2.2/#1032-tag-resolution
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INT = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)


@dataclass(slots=True)
class Tree:
    """What was read: data, the line of every path in it, and how unquoted scalars were written."""

    data: object = None
    lines: dict[Path, int | None] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int | None:
        """The line of the path, or of the nearest thing around it that exists."""
        for end in range(len(path), -1, -1):
            if (found := self.lines.get(path[:end])) is not None:
                return found
        return None


def read_yaml(text: str | bytes) -> Tree:
    """The tree of the text. Never raises for what the text holds: see `problems`."""
    tree = Tree()
    source = _decoded(text, tree)
    if source is None:
        return tree
    reader = _Reader(tree, iter(yaml.parse(source, Loader=_LOADER)))
    try:
        reader.read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"this is not YAML: {error.problem or error.context or 'broken syntax'}"
        begun = error.context_mark
        hint = f"it began on line {begun.line + 1}" if begun and begun is not mark else ""
        tree.problems.append(Problem("", message, hint, mark.line + 1 if mark else None))
    except yaml.YAMLError:
        tree.problems.append(Problem("", "this is not YAML: it holds characters that YAML forbids"))
    except _GiveUp:
        pass
    return tree


def path_text(path: Path) -> str:
    """`images[2].fallback[0]`; keys are shortened and made safe to print."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            name = wording.quoted(step, 40)
            name = name[1:-1] if re.fullmatch(r'"[\w./:-]+"', name) else f"[{name}]"
            text += f".{name}" if text and not name.startswith("[") else name
    return text


def _decoded(text: str | bytes, tree: Tree) -> str | None:
    if len(text) > MAX_BYTES:
        told = f"the file is larger than {MAX_BYTES // 1024} KiB"
        tree.problems.append(Problem("", told, "split the catalogue"))
        return None
    try:
        if isinstance(text, bytes):
            return text.decode("utf-8-sig")
        return _decoded(text.encode(), tree)
    except UnicodeError as error:
        # A text that cannot be encoded came from a program, not from a file: its line helps nobody.
        before = text[: error.start] if isinstance(error, UnicodeDecodeError) else b""
        line = before.count(b"\n") + 1 if isinstance(before, bytes) else None
        tree.problems.append(Problem("", "the file is not UTF-8 text", "save it as UTF-8", line))
        return None


class _GiveUp(Exception):  # noqa: N818
    """What follows would make no sense, or there are enough problems for one look."""


class _Reader:
    """Builds the tree from the parser's events. Recursion is bounded by MAX_DEPTH."""

    def __init__(self, tree: Tree, events: Iterator[yaml.Event]) -> None:
        self.tree = tree
        self.events = events

    def read(self) -> None:
        next(self.events)  # the start of the stream
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return
        self.tree.data = self._value(next(self.events), ())
        next(self.events)  # the end of the document
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._problem(
                (), "a second document starts here", event, "keep one document in the file"
            )

    def _value(self, event: yaml.Event, path: Path) -> object:
        self.tree.lines.setdefault(path, _line(event))
        if len(path) > MAX_DEPTH:
            self._problem(path[:4], f"it is nested deeper than {MAX_DEPTH} levels", event)
            raise _GiveUp
        if isinstance(event, yaml.AliasEvent):
            self._problem(path, "aliases (*name) are not allowed", event, "write the value out")
            return None
        self._refuse_decoration(event, path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        assert isinstance(event, yaml.ScalarEvent)  # noqa: S101 - the parser has no other events here
        return self._scalar(event, path)

    def _refuse_decoration(self, event: yaml.Event, path: Path) -> None:
        if getattr(event, "anchor", None) is not None:
            self._problem(path, "anchors (&name) are not allowed", event, "write the value out")
        # The parser gives "!" to scalars that are only quoted.
        if getattr(event, "tag", None) not in {None, "!"}:
            self._problem(path, "tags (!name) are not allowed", event, "leave the tag out")

    def _mapping(self, path: Path) -> dict[str, object]:
        result: dict[str, object] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event, path)
            inner = (*path, key)
            first = self.tree.lines.get(inner)
            if key in result:
                self._problem(inner, f"the key stands here and on line {first}", event, "keep one")
            else:
                self.tree.lines[inner] = _line(event)
            result[key] = self._value(next(self.events), inner)
        return result

    def _key(self, event: yaml.Event, path: Path) -> str:
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_decoration(event, path)
            return event.value
        self._problem(path, "a key must be plain text", event)
        raise _GiveUp

    def _sequence(self, path: Path) -> list[object]:
        result: list[object] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            result.append(self._value(event, (*path, len(result))))
        return result

    def _scalar(self, event: yaml.ScalarEvent, path: Path) -> object:
        text: str = event.value
        if event.style not in {None, ""}:
            return text
        value = _resolved(text)
        if not isinstance(value, str):
            self.tree.written[path] = text
        return value

    def _problem(self, path: Path, message: str, event: yaml.Event, hint: str = "") -> None:
        line = _line(event)
        self.tree.problems.append(Problem(path_text(path), message, hint, line))
        if len(self.tree.problems) >= MAX_PROBLEMS:
            raise _GiveUp


def _line(event: yaml.Event) -> int | None:
    return event.start_mark.line + 1 if event.start_mark else None


def _resolved(text: str) -> object:
    """The value of an unquoted scalar."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
