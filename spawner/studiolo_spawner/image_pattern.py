"""Which images people may name themselves: patterns over registry and repository. Pure.

A pattern is matched as a whole, never in part: `registry.lab.example/team/*`. The registry is
always written out, with its port where it has one; so no pattern lets a request go to a host that
an administrator did not write down. In the repository `*` stands for anything within one step, and
a last step `**` for one or more steps. There is nothing else to it: no expressions that take long
or mean more than they seem to. Tags and digests are not part of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from studiolo_spawner import wording
from studiolo_spawner.errors import InvalidReference
from studiolo_spawner.reference import ImageReference, parse_reference
from studiolo_spawner.translation import english

# What a schema can say of it: a host, a slash, steps.
PATTERN: Final = r"^[a-z0-9.:\[\]-]+(/[a-z0-9._*-]+)+$"
_REPOSITORY_STEP = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*", re.ASCII)
_OPEN_STEP = re.compile(r"[a-z0-9._-]*\*[a-z0-9._-]*", re.ASCII)
_MAX_LENGTH: Final = 255
_DOCKER_HUB: Final = "docker.io"


@dataclass(frozen=True, slots=True)
class ImagePattern:
    """A pattern that was read; `deep`: any number of further steps may follow, at least one."""

    registry: str
    steps: tuple[str, ...]
    deep: bool

    def matches(self, reference: ImageReference) -> bool:
        """Whether registry and repository fit, from the first character to the last."""
        if reference.registry != self.registry:
            return False
        found = reference.repository.split("/")
        many = len(found) > len(self.steps) if self.deep else len(found) == len(self.steps)
        return many and all(map(_fits, self.steps, found))


def _fits(step: str, found: str) -> bool:
    before, star, after = step.partition("*")
    if not star:
        return step == found
    long_enough = len(found) >= len(before) + len(after)
    return long_enough and found.startswith(before) and found.endswith(after)


@lru_cache(maxsize=1024)
def parse_pattern(text: str) -> ImagePattern:
    """The pattern that the text spells. Raises ValueError that says what to write instead."""
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"it is longer than {_MAX_LENGTH} characters")
    if "://" in text:
        raise ValueError("it is a URL: leave out the scheme")
    registry, slash, path = text.partition("/")
    if "*" in registry:
        raise ValueError("the registry is written out, without *")
    if not ("." in registry or ":" in registry or registry == "localhost"):
        raise ValueError(f"it begins with the registry: docker.io/{registry}, for example")
    if not slash or not path:
        raise ValueError(f"after the registry stand repositories: {registry}/** for all of them")
    *steps, last = path.split("/")
    deep = last == "**"
    steps = steps if deep else [*steps, last]
    for step in steps:
        _check_step(step)
    host = _host_of(registry)
    if host == _DOCKER_HUB and len(steps) == 1 and not deep:
        steps = ["library", *steps]
    return ImagePattern(host, tuple(steps), deep)


def allows(patterns: Sequence[str], reference: ImageReference) -> bool:
    """Whether one of the patterns, as they stand in the catalogue, fits."""
    return any(parse_pattern(text).matches(reference) for text in patterns)


def _check_step(step: str) -> None:
    if "**" in step:
        raise ValueError("** stands alone, as the last step")
    if step.count("*") > 1:
        raise ValueError(f"{wording.quoted(step)} has more than one *")
    if not (_OPEN_STEP if "*" in step else _REPOSITORY_STEP).fullmatch(step):
        raise ValueError(
            f"{wording.quoted(step)} is no part of a repository: words of a-z and 0-9, "
            "joined by . _ __ and -; * for anything within a part; no tag"
        )


def _host_of(registry: str) -> str:
    """The registry as references name it."""
    try:
        return parse_reference(f"{registry}/a/b:1").registry
    except InvalidReference as error:
        raise ValueError(english(error.message)) from None
