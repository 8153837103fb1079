"""On what terms a client writes: tried or done, how strictly, under which name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from studiolo_local.api import deletion
from studiolo_local.api.queries import flag, integer
from studiolo_local.api.schema import ShapeError, tidy
from studiolo_local.api.status_errors import bad_request

Strictness = Literal["Ignore", "Warn", "Strict"]


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one request, and the warnings that its answer should carry."""

    dry_run: bool = False
    unknown_fields: Strictness = "Ignore"
    manager: str = ""
    """The name under which fields are applied."""
    force: bool = False
    """Whether an apply takes over what other managers hold."""
    warnings: list[str] = field(default_factory=list)


def terms_of(query: Mapping[str, str]) -> Terms:
    """Return the terms that a query states."""
    dry_run = query.get("dryRun", "")
    if dry_run not in {"", "All"}:
        raise bad_request(f'invalid dryRun value: "{dry_run}", only All is supported')
    strictness = query.get("fieldValidation", "Warn")
    if strictness not in {"Ignore", "Warn", "Strict"}:
        raise bad_request(f'invalid fieldValidation value: "{strictness}"')
    return Terms(
        dry_run=dry_run == "All",
        unknown_fields=strictness,  # type: ignore[arg-type]  # checked above
        manager=query.get("fieldManager", ""),
        force=flag(query, "force"),
    )


def checked_shape(kind: str, version: str, content: dict[str, Any], terms: Terms) -> None:
    """Check the types of an object's fields and drop the unknown ones; raises ApiError."""
    head = f'{kind} in version "{version}" cannot be handled as a {kind}: '
    try:
        unknown = [f'unknown field "{path}"' for path in tidy(kind, content)]
    except ShapeError as error:
        raise bad_request(f"{head}{error}") from error
    if unknown and terms.unknown_fields == "Strict":
        raise bad_request(f"{head}strict decoding error: {', '.join(unknown)}")
    if terms.unknown_fields == "Warn":
        terms.warnings.extend(unknown)


def delete_options(body: Any, query: Mapping[str, str]) -> tuple[deletion.Options, Terms]:
    """Return what a delete asks for, in its body or else in its query, and on what terms."""
    asked = body if isinstance(body, dict) else {}
    checked_shape("DeleteOptions", "v1", asked, Terms())
    grace = asked.get("gracePeriodSeconds")
    if grace is None:
        grace = integer(query, "gracePeriodSeconds")
    policy = asked.get("propagationPolicy") or query.get("propagationPolicy") or "Background"
    orphan = policy == "Orphan" or bool(asked.get("orphanDependents"))
    terms = terms_of({**query, "dryRun": "All"} if asked.get("dryRun") == ["All"] else query)
    return deletion.Options(grace, asked.get("preconditions") or {}, orphan), terms
