"""Prometheus metrics of image checks and attempts, on the hub's own registry.

Thin edge. Labels are bounded: outcomes come from enumerations, reasons from ``causes.REASONS``;
any other reason counts as "other", so that no text from outside can ever make a new time series.
"""

from __future__ import annotations

from typing import Literal

from prometheus_client import Counter, Histogram

from studiolo_spawner.attempts import Attempt
from studiolo_spawner.causes import REASONS
from studiolo_spawner.registry_answer import Outcome

Resumed = Literal["resumed", "undone", "not_begun"]

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
ATTEMPTS = Counter(
    "studiolo_attempts_total",
    "Images tried for a workspace that ended, by how and why.",
    ["outcome", "reason"],
)
FALLBACKS = Counter(
    "studiolo_fallbacks_total",
    "Times that another image was tried, by what was wrong with the one before.",
    ["reason"],
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


def count_attempt(attempt: Attempt) -> None:
    """Count an attempt that has come to its end; one that still goes on is not counted."""
    if attempt.outcome != "trying":
        ATTEMPTS.labels(attempt.outcome, bounded_reason(attempt.reason)).inc()


def count_fallback(given_up: Attempt) -> None:
    """Count that another image is tried in place of this one."""
    FALLBACKS.labels(bounded_reason(given_up.reason)).inc()


def count_resumed(outcome: Resumed) -> None:
    """Count a start that an earlier hub process had begun."""
    RESUMED.labels(outcome).inc()


def bounded_reason(reason: str) -> str:
    """A reason as a label: "none" when all is well, "other" when it is not one of ours."""
    if not reason:
        return "none"
    return reason if reason in REASONS else "other"
