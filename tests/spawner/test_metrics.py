"""Metrics count what they say, and no text from outside makes a time series."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from studiolo_spawner import metrics
from studiolo_spawner.choice import CUSTOM_IMAGE
from studiolo_spawner.registry_answer import Outcome
from studiolo_spawner.verdict import Decision, Verdict

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


ENDED = TRYING.started + timedelta(seconds=7)


@pytest.mark.parametrize(
    ("reason", "label"),
    [("image_missing", "image_missing"), ("", "none"), ("<canary>", "other")],
)
def test_attempts(reason: str, label: str) -> None:
    labels = {"outcome": "failed", "reason": label, "image": TRYING.image_id}
    before = value("studiolo_attempts_total", **labels)
    seconds = value("studiolo_cause_seconds_sum", reason=label)
    metrics.count_attempt(replace(TRYING, outcome="failed", reason=reason, ended=ENDED))
    assert value("studiolo_attempts_total", **labels) == before + 1
    assert value("studiolo_cause_seconds_sum", reason=label) == seconds + 7


def test_how_long_attempts_take() -> None:
    labels = {"outcome": "running", "image": TRYING.image_id}
    before = value("studiolo_attempt_seconds_sum", **labels)
    metrics.count_attempt(replace(TRYING, outcome="running", ended=ENDED))
    assert value("studiolo_attempt_seconds_sum", **labels) == before + 7


def test_what_still_goes_on_is_not_counted() -> None:
    metrics.count_attempt(TRYING)
    labels = {"reason": "none", "image": TRYING.image_id}
    assert value("studiolo_attempts_total", outcome="trying", **labels) == 0


def test_fallbacks() -> None:
    labels = {"reason": "never_ready", "image": TRYING.image_id}
    before = value("studiolo_fallbacks_total", **labels)
    metrics.count_fallback(replace(TRYING, outcome="failed", reason="never_ready"))
    assert value("studiolo_fallbacks_total", **labels) == before + 1


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict(Decision.ACCEPTED, "found", ""), "found"),
        (Verdict(Decision.UNKNOWN, "registry_away", ""), "registry_away"),
        (Verdict(Decision.FALL_BACK, "image_missing", ""), "image_missing"),
        (Verdict(Decision.FALL_BACK, "<canary>", ""), "other"),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_verdicts(verdict: Verdict, reason: str) -> None:
    labels = {"decision": verdict.decision.value, "reason": reason, "image": "pytorch"}
    before = value("studiolo_image_verdicts_total", **labels)
    metrics.count_verdict("pytorch", verdict)
    assert value("studiolo_image_verdicts_total", **labels) == before + 1


@pytest.mark.parametrize(
    ("outcome", "reason", "label"),
    [
        ("ready", "", "none"),
        ("failed", "no_image_left", "no_image_left"),
        ("failed", "<canary>", "other"),
    ],
)
def test_starts(outcome: metrics.Started, reason: str, label: str) -> None:
    before = value("studiolo_starts_total", outcome=outcome, reason=label)
    seconds = value("studiolo_start_seconds_count", outcome=outcome)
    metrics.count_start(outcome, reason, 3)
    assert value("studiolo_starts_total", outcome=outcome, reason=label) == before + 1
    assert value("studiolo_start_seconds_count", outcome=outcome) == seconds + 1


def test_resumed_starts() -> None:
    before = value("studiolo_resumed_starts_total", outcome="undone")
    metrics.count_resumed("undone")
    assert value("studiolo_resumed_starts_total", outcome="undone") == before + 1


def test_images_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_images", set())
    labels = {metrics.bounded_image(f"image-{number}") for number in range(1000)}
    assert len(labels) == metrics.MAX_IMAGES + 1
    assert metrics.bounded_image("image-0") == "image-0"
    assert metrics.bounded_image("image-999") == "other"
    assert metrics.bounded_image(CUSTOM_IMAGE) == "custom"
