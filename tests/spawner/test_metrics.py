"""Metrics count what they say, and no text from outside makes a time series."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import REGISTRY
from studiolo_spawner import metrics
from studiolo_spawner.registry_answer import Outcome

from tests.fakes.attempts import TRYING


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize("outcome", Outcome)
def test_checks(outcome: Outcome) -> None:
    before = value("studiolo_image_checks_total", outcome=outcome.value)
    metrics.count_check(outcome)
    assert value("studiolo_image_checks_total", outcome=outcome.value) == before + 1


def test_seconds() -> None:
    before = value("studiolo_image_check_seconds_count")
    metrics.observe_check(0.2)
    assert value("studiolo_image_check_seconds_count") == before + 1


@pytest.mark.parametrize(
    ("reason", "label"),
    [("image_missing", "image_missing"), ("", "none"), ("<canary>", "other")],
)
def test_attempts(reason: str, label: str) -> None:
    labels = {"outcome": "failed", "reason": label}
    before = value("studiolo_attempts_total", **labels)
    metrics.count_attempt(replace(TRYING, outcome="failed", reason=reason))
    assert value("studiolo_attempts_total", **labels) == before + 1


def test_what_still_goes_on_is_not_counted() -> None:
    metrics.count_attempt(TRYING)
    assert value("studiolo_attempts_total", outcome="trying", reason="none") == 0


def test_fallbacks() -> None:
    before = value("studiolo_fallbacks_total", reason="never_ready")
    metrics.count_fallback(replace(TRYING, outcome="failed", reason="never_ready"))
    assert value("studiolo_fallbacks_total", reason="never_ready") == before + 1
