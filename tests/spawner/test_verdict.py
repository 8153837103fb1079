"""From answers and causes to decisions: only the image's own fault falls back."""

from __future__ import annotations

import pytest
from studiolo_spawner.causes import REASONS, Kind, cause
from studiolo_spawner.registry_answer import NODES_ONLY, Outcome, RegistryAnswer
from studiolo_spawner.verdict import Decision, verdict_of_answer, verdict_of_cause

ANSWERS = {
    "found": (RegistryAnswer(Outcome.FOUND), Decision.ACCEPTED, "found"),
    "missing": (RegistryAnswer(Outcome.MISSING), Decision.FALL_BACK, "image_missing"),
    "forbidden": (RegistryAnswer(Outcome.FORBIDDEN), Decision.FALL_BACK, "image_forbidden"),
    "rate limited": (RegistryAnswer(Outcome.RATE_LIMITED), Decision.UNKNOWN, "registry_busy"),
    "unreachable": (RegistryAnswer(Outcome.UNREACHABLE), Decision.UNKNOWN, "registry_away"),
    "platform": (
        RegistryAnswer(Outcome.WRONG, reason="wrong_platform"),
        Decision.FALL_BACK,
        "wrong_platform",
    ),
    "only the machines may read it": (
        RegistryAnswer(Outcome.FORBIDDEN, reason=NODES_ONLY),
        Decision.UNKNOWN,
        "nodes_only",
    ),
    "garbage": (RegistryAnswer(Outcome.WRONG), Decision.FALL_BACK, "image_damaged"),
}


@pytest.mark.parametrize(("answer", "decision", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_answer(answer: RegistryAnswer, decision: Decision, reason: str) -> None:
    verdict = verdict_of_answer(answer)
    assert (verdict.decision, verdict.reason) == (decision, reason)
    assert verdict.message.endswith(".")


def test_every_outcome_has_a_verdict() -> None:
    assert {answer.outcome for answer, _, _ in ANSWERS.values()} == set(Outcome)


@pytest.mark.parametrize("reason", sorted(REASONS))
@pytest.mark.parametrize("terminal", [True, False])
def test_cause(reason: str, terminal: bool) -> None:
    found = cause(reason, terminal=terminal)
    verdict = verdict_of_cause(found)
    if not terminal:
        assert verdict.decision is Decision.UNKNOWN
    elif found.kind is Kind.IMAGE:
        assert verdict.decision is Decision.FALL_BACK
    else:
        assert verdict.decision is Decision.REFUSE
    assert verdict.message == found.message


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_cause_says_what_happened_and_what_to_do(reason: str) -> None:
    found = cause(reason)
    for sentence in (found.message, found.hint):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert len(sentence) <= 120


@pytest.mark.parametrize(
    "reason",
    [
        "registry_away",
        "registry_busy",
        "unschedulable",
        "no_free_gpu",
        "quota",
        "volume_busy",
        "node_lost",
        "evicted",
        "disk_full",
        "home_full",
        "admission_denied",
    ],
)
def test_what_is_never_the_images_fault(reason: str) -> None:
    assert cause(reason).kind is not Kind.IMAGE
    assert verdict_of_cause(cause(reason, terminal=True)).decision is Decision.REFUSE
