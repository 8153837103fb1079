"""Prometheus metrics of image checks, attempts and starts, on the hub's own registry.

Thin edge. Labels are bounded: outcomes and decisions come from enumerations, reasons from
``causes.REASONS`` (any other one counts as "other"), images are the catalogue's: those that people
name themselves count as "custom", and what comes after the first MAX_IMAGES different ones as
"other". So no text from outside can ever make a time series without end.
"""

from __future__ import annotations

from typing import Final, Literal

from prometheus_client import Counter, Histogram

from studiolo_spawner.attempts import Attempt
from studiolo_spawner.causes import REASONS
from studiolo_spawner.choice import CUSTOM_IMAGE
from studiolo_spawner.registry_answer import Outcome
from studiolo_spawner.verdict import Verdict

Started = Literal["ready", "another_image", "failed", "stopped"]
Resumed = Literal["resumed", "undone", "not_begun"]

MAX_IMAGES: Final = 200
"""Different images in labels; a catalogue has a few dozen."""

_SECONDS: Final = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200)
_FOUND: Final = frozenset({"found", "registry_busy", "registry_away"})
_ENDS: Final = frozenset({"spawn_timeout", "no_image_left", "stopped", "hub_fault"})
_images: set[str] = set()

IMAGE_CHECKS = Counter(
    "studiolo_image_checks_total",
    "Image checks answered, from a registry or from the cache, by what was found.",
    ["outcome"],
)
IMAGE_CHECK_SECONDS = Histogram(
    "studiolo_image_check_seconds",
    "Time that checks took which asked a registry.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
VERDICTS = Counter(
    "studiolo_image_verdicts_total",
    "What the registry's answer meant for an image that was about to start.",
    ["decision", "reason", "image"],
)
ATTEMPTS = Counter(
    "studiolo_attempts_total",
    "Images tried for a workspace that ended, by how and why.",
    ["outcome", "reason", "image"],
)
ATTEMPT_SECONDS = Histogram(
    "studiolo_attempt_seconds",
    "From the beginning of an attempt with an image to its end.",
    ["outcome", "image"],
    buckets=_SECONDS,
)
CAUSE_SECONDS = Histogram(
    "studiolo_cause_seconds",
    "From the beginning of an attempt to the cause that ended it.",
    ["reason"],
    buckets=_SECONDS,
)
FALLBACKS = Counter(
    "studiolo_fallbacks_total",
    "Times that another image was tried, by what was wrong with the one before.",
    ["reason", "image"],
)
STARTS = Counter(
    "studiolo_starts_total",
    "Starts of workspaces that ended: ready with what was asked for, with another image, or not.",
    ["outcome", "reason"],
)
START_SECONDS = Histogram(
    "studiolo_start_seconds",
    "From the beginning of a start to its end, all attempts included.",
    ["outcome"],
    buckets=_SECONDS,
)
RESUMED = Counter(
    "studiolo_resumed_starts_total",
    "Starts that an earlier hub process had begun, by what came of them.",
    ["outcome"],
)

_CHECKS = {outcome: IMAGE_CHECKS.labels(outcome.value) for outcome in Outcome}


def count_check(outcome: Outcome) -> None:
    """Count one check that was answered."""
    _CHECKS[outcome].inc()


def observe_check(seconds: float) -> None:
    """Record how long a registry took."""
    IMAGE_CHECK_SECONDS.observe(seconds)


def count_verdict(image_id: str, verdict: Verdict) -> None:
    """Count what a check meant for an image that is tried."""
    reason = verdict.reason if verdict.reason in _FOUND else bounded_reason(verdict.reason)
    VERDICTS.labels(verdict.decision.value, reason, bounded_image(image_id)).inc()


def count_attempt(attempt: Attempt) -> None:
    """Count an attempt that has come to its end; one that still goes on is not counted."""
    if attempt.outcome == "trying":
        return
    reason, image = bounded_reason(attempt.reason), bounded_image(attempt.image_id)
    ATTEMPTS.labels(attempt.outcome, reason, image).inc()
    if attempt.ended is not None:
        seconds = max((attempt.ended - attempt.started).total_seconds(), 0.0)
        ATTEMPT_SECONDS.labels(attempt.outcome, image).observe(seconds)
        if attempt.failed:
            CAUSE_SECONDS.labels(reason).observe(seconds)


def count_fallback(given_up: Attempt) -> None:
    """Count that another image is tried in place of this one."""
    FALLBACKS.labels(bounded_reason(given_up.reason), bounded_image(given_up.image_id)).inc()


def count_start(outcome: Started, reason: str, seconds: float) -> None:
    """Count a start that has come to its end; ``seconds`` since it began."""
    STARTS.labels(outcome, bounded_reason(reason)).inc()
    START_SECONDS.labels(outcome).observe(max(seconds, 0.0))


def count_resumed(outcome: Resumed) -> None:
    """Count a start that an earlier hub process had begun."""
    RESUMED.labels(outcome).inc()


def bounded_reason(reason: str) -> str:
    """A reason as a label: "none" when all is well, "other" when it is not one of ours."""
    if not reason:
        return "none"
    return reason if reason in REASONS or reason in _ENDS else "other"


def bounded_image(image_id: str) -> str:
    """An image as a label."""
    if image_id == CUSTOM_IMAGE:
        return "custom"
    if image_id not in _images and len(_images) < MAX_IMAGES:
        _images.add(image_id)
    return image_id if image_id in _images else "other"
