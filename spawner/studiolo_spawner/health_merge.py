"""What two hubs, or a hub and what an earlier one wrote, know of images together.  Pure.

``joined`` is a join: whatever the order and however often things are joined, the result is the
same, so that hubs which read and write one record never disagree for long and never wear anything
out.  The one thing that is not exact: fallbacks that two hubs counted on the same day are told as
the greater of the two numbers, since nobody can tell them from one hub's, written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import TypeVar

from studiolo_spawner.image_health import (
    FALLBACK_DAYS,
    MAX_FAILURES,
    Check,
    Entries,
    Failure,
    GoodRun,
    ImageHealth,
)

T = TypeVar("T")


def merged(one: Entries, other: Entries) -> dict[tuple[str, str], ImageHealth]:
    """Everything that either knows, what was heard of last at the end."""
    found = dict(other)
    for key, health in one.items():
        found[key] = joined(health, found[key]) if key in found else health
    return dict(sorted(found.items(), key=lambda item: (touched(item[1]), item[0])))


def joined(one: ImageHealth, other: ImageHealth) -> ImageHealth:
    """What both know of one reference."""
    lost = _latest((one.lost, other.lost), lambda at: (at,))
    ran = _latest((one.ran, other.ran), _run_key)
    if ran is not None and lost is not None and ran.at <= lost:
        ran = None
    return ImageHealth(
        reference=one.reference,
        last_check=_latest((one.last_check, other.last_check), _check_key),
        found=_latest((one.found, other.found), _check_key),
        ran=ran,
        failures=_failures((*one.failures, *other.failures)),
        fallbacks=_fallbacks((*one.fallbacks, *other.fallbacks)),
        lost=lost,
    )


def touched(health: ImageHealth) -> float:
    """When something was last heard of the reference, in seconds; 0 when nothing ever was."""
    return max((at.timestamp() for at in moments(health)), default=0.0)


def moments(health: ImageHealth) -> list[datetime]:
    """All times that stand in it."""
    found = [each.at for each in (health.last_check, health.found, health.ran) if each]
    found += [at for failure in health.failures for at in (failure.at, failure.began)]
    built = [each.created for each in (health.last_check, health.found) if each and each.created]
    return [*found, *built, *([health.lost] if health.lost else [])]


def _latest(values: Iterable[T | None], key: Callable[[T], tuple[object, ...]]) -> T | None:
    there = [value for value in values if value is not None]
    return max(there, key=key, default=None)


def _run_key(run: GoodRun) -> tuple[object, ...]:
    return run.at, run.digest


def _check_key(check: Check) -> tuple[object, ...]:
    # Any order will do between two checks of one moment, if only it is always the same.
    return check.at, repr(check)


def _failures(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Each once, in its newest state; the newest ones, oldest first."""
    newest: dict[tuple[object, ...], Failure] = {}
    for failure in failures:
        key = failure.source, failure.reason, failure.began, failure.digest
        before = newest.get(key)
        newest[key] = failure if before is None else max(before, failure, key=_failure_key)
    return tuple(sorted(newest.values(), key=_failure_key)[-MAX_FAILURES:])


def _failure_key(failure: Failure) -> tuple[object, ...]:
    return failure.at, failure.times, repr(failure)


def _fallbacks(counts: Iterable[tuple[date, int]]) -> tuple[tuple[date, int], ...]:
    days: dict[date, int] = {}
    for day, count in counts:
        days[day] = max(days.get(day, 0), count)
    return tuple(sorted(days.items())[-FALLBACK_DAYS - 1 :])
