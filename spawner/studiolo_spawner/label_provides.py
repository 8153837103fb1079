"""What an image's labels say that it provides: the contract of images/README.md. Pure.

Labels are written by whoever built the image, so they are read leniently and kept within bounds:
what is no name or no version is passed over, and nothing is ever an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from pydantic import TypeAdapter, ValidationError

from studiolo_spawner.catalogue import Provides
from studiolo_spawner.catalogue_fields import FrameworkVersion, Id

_PREFIX: Final = "dev.studiolo.provides."
_MAX_NAMES: Final = 50
_ID: Final[TypeAdapter[str]] = TypeAdapter(Id)
_VERSION: Final[TypeAdapter[str]] = TypeAdapter(FrameworkVersion)


def provides_of(labels: Mapping[str, str]) -> Provides:
    """Tools, frameworks and versions; empty where the labels say nothing."""
    tools = (_valid(_ID, item) for item in _items(labels, "tools"))
    frameworks: dict[str, str] = {}
    for item in _items(labels, "frameworks"):
        name, _, version = item.partition("=")
        known, stated = _valid(_ID, name.strip()), _valid(_VERSION, version.strip())
        if known is not None and stated is not None:
            frameworks[known] = stated
    return Provides(
        tools=frozenset(tool for tool in tools if tool is not None),
        frameworks=frameworks,
        cuda=_valid(_VERSION, labels.get(f"{_PREFIX}cuda", "").strip()),
        python=_valid(_VERSION, labels.get(f"{_PREFIX}python", "").strip()),
    )


def _items(labels: Mapping[str, str], name: str) -> Iterator[str]:
    found = (item.strip() for item in labels.get(f"{_PREFIX}{name}", "").split(","))
    return islice((item for item in found if item), _MAX_NAMES)


def _valid(kind: TypeAdapter[str], value: str) -> str | None:
    try:
        return kind.validate_python(value) if 0 < len(value) <= 64 else None
    except ValidationError:
        return None
