"""Label and field selectors: parsed once, matched often. Pure.

Grammar and meaning are Kubernetes':
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
An absent label fails every requirement but `!=`, `notin` and `!key`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from studiolo_local.api.names import label_key_problem, label_value_problem


class SelectorError(ValueError):
    """A selector that cannot be understood; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one key: the value is among `values`, or (negated) is not."""

    key: str
    values: frozenset[str] | None
    """None asks for mere presence of the key."""
    negated: bool = False

    def matches(self, attributes: Mapping[str, str]) -> bool:
        """Return whether the attributes fulfil the condition."""
        value = attributes.get(self.key)
        if self.values is None:
            return (value is not None) is not self.negated
        return (value in self.values) is not self.negated


@dataclass(frozen=True, slots=True)
class Selector:
    """All of its requirements must hold; an empty selector takes everything."""

    requirements: tuple[Requirement, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.requirements)

    def matches(self, attributes: Mapping[str, str]) -> bool:
        """Return whether the attributes fulfil every requirement."""
        return all(requirement.matches(attributes) for requirement in self.requirements)


EVERYTHING = Selector()

_KEY = r"[A-Za-z0-9./_-]+"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)")
_EQUALITY = re.compile(rf"({_KEY})\s*(==|=|!=)\s*([^\s,()=!]*)")
_PRESENCE = re.compile(rf"(!?)\s*({_KEY})")


def parse_label_selector(text: str) -> Selector:
    """Return the selector that `text` describes; raises SelectorError."""
    if not text.strip():
        return EVERYTHING
    return Selector(tuple(_label_requirement(part.strip()) for part in _split(text)))


def parse_field_selector(text: str, allowed: Iterable[str]) -> Selector:
    """Return the selector that `text` describes; only `allowed` fields may be named."""
    known = frozenset(allowed)
    requirements = []
    for part in (part for part in text.split(",") if part.strip()):
        match = re.fullmatch(r"\s*([^=!\s]+)\s*(==|=|!=)(.*)", part, re.DOTALL)
        if match is None:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{part.strip()}'")
        key, operator, value = match[1], match[2], _unescaped(match[3])
        if key not in known:
            raise SelectorError(f"field label not supported: {key}")
        requirements.append(Requirement(key, frozenset({value}), negated=operator == "!="))
    return Selector(tuple(requirements))


def _label_requirement(part: str) -> Requirement:
    if match := _SET.fullmatch(part):
        values = frozenset(value.strip() for value in match[3].split(","))
        return _checked(Requirement(match[1], values, negated=match[2] == "notin"))
    if match := _EQUALITY.fullmatch(part):
        return _checked(Requirement(match[1], frozenset({match[3]}), negated=match[2] == "!="))
    if match := _PRESENCE.fullmatch(part):
        return _checked(Requirement(match[2], None, negated=match[1] == "!"))
    raise SelectorError(f"unable to parse requirement: found '{part}'")


def _checked(requirement: Requirement) -> Requirement:
    problem = label_key_problem(requirement.key)
    for value in requirement.values or ():
        problem = problem or label_value_problem(value)
    if problem:
        raise SelectorError(f"unable to parse requirement: {problem}")
    return requirement


def _split(text: str) -> list[str]:
    """Split at the commas that are not inside parentheses."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _unescaped(value: str) -> str:
    return re.sub(r"\\([\\,=])", r"\1", value)
