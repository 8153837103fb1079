"""The health of all images as one bounded JSON text, and back.  Pure.

Reading is forgiving: what is not a record of ours, or of another version, is nothing; an entry that
cannot be read is left out.  Whatever stands there, what comes out is bounded, plain text, and every
time in it has a zone.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from studiolo_spawner.health_merge import joined, moments
from studiolo_spawner.image_health import MAX_IMAGES, Check, Entries, Failure, ImageHealth
from studiolo_spawner.plain_text import plain
from studiolo_spawner.verdict import Verdict

VERSION: Final = 1
MAX_BYTES: Final = 384 * 1024
"""A ConfigMap may have 1 MiB, and others read it along with much else."""
MAX_READ: Final = 1024 * 1024
_MAX_TEXT: Final = 500


def to_text(entries: Entries, *, limit: int = MAX_BYTES) -> str:
    """The text; entries that nothing was heard of longest (the first ones) make room."""
    adapter = _adapter()
    left = limit - 100
    kept: list[str] = []
    for (image_id, _), health in reversed(list(entries.items())):
        values = adapter.dump_python(health, mode="json", exclude_defaults=True)
        text = json.dumps({"id": image_id, **values}, ensure_ascii=False, separators=(",", ":"))
        left -= len(text.encode()) + 1
        if left < 0:
            break
        kept.append(text)
    return f'{{"version":{VERSION},"images":[{",".join(reversed(kept))}]}}'


def from_text(text: str) -> dict[tuple[str, str], ImageHealth]:
    """The entries that ``to_text`` wrote."""
    try:
        record = json.loads(text) if len(text) <= MAX_READ else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(record, dict) or record.get("version") != VERSION:
        return {}
    images = record.get("images")
    if not isinstance(images, list):
        return {}
    read = (_entry(value) for value in images[-MAX_IMAGES:])
    return {(image_id, health.reference): health for image_id, health in filter(None, read)}


def _entry(value: Any) -> tuple[str, ImageHealth] | None:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return None
    try:
        health = _adapter().validate_python({k: v for k, v in value.items() if k != "id"})
    except ValidationError:
        return None
    if any(at.tzinfo is None for at in moments(health)):
        return None
    tidy = replace(
        health,
        last_check=_tidy_check(health.last_check),
        found=_tidy_check(health.found),
        failures=tuple(map(_tidy_failure, health.failures)),
    )
    # Joined with itself it is as bounded and as ordered as if it had always been ours.
    return value["id"], joined(tidy, tidy)


def _tidy_check(check: Check | None) -> Check | None:
    if check is None:
        return None
    said = check.verdict
    tidy = Verdict(said.decision, _tidy(said.reason), _tidy(said.message), _tidy(said.hint))
    return replace(check, verdict=tidy)


def _tidy_failure(failure: Failure) -> Failure:
    return replace(failure, reason=_tidy(failure.reason), message=_tidy(failure.message))


def _tidy(text: str) -> str:
    return plain(text, _MAX_TEXT)


@cache
def _adapter() -> TypeAdapter[ImageHealth]:
    return TypeAdapter(ImageHealth)
