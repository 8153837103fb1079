"""The health of all images as administrators read it, as plain data for JSON. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from studiolo_spawner.catalogue import Image
from studiolo_spawner.image_health import FALLBACK_DAYS, Check, Failure, HealthBook


def health_report(images: Sequence[Image], book: HealthBook, now: datetime) -> dict[str, object]:
    """Return what is known of each image of the catalogue; fields are only ever added."""
    return {
        "at": _moment(now),
        "fallback_days": FALLBACK_DAYS,
        "images": [_entry(image, book, now) for image in images],
    }


def _entry(image: Image, book: HealthBook, now: datetime) -> dict[str, object]:
    health = book.of(image)
    problem = health.problem(now)
    return {
        "id": image.id,
        "display_name": image.display_name,
        "reference": image.reference,
        "problem": problem.text if problem else None,
        "last_check": _check(health.last_check),
        "last_good": {"digest": health.ran.digest, "at": _moment(health.ran.at)}
        if health.ran
        else None,
        "failures": [_failure(each) for each in reversed(health.failures)],
        "fallbacks": health.fallbacks_until(now),
    }


def _check(check: Check | None) -> dict[str, object] | None:
    if check is None:
        return None
    return {
        "at": _moment(check.at),
        "decision": check.verdict.decision.value,
        "reason": check.verdict.reason,
        "message": check.verdict.message,
        "digest": check.digest,
    }


def _failure(failure: Failure) -> dict[str, object]:
    return {
        "at": _moment(failure.at),
        "source": failure.source,
        "reason": failure.reason,
        "message": failure.message,
        "digest": failure.digest,
        "times": failure.times,
    }


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds")
