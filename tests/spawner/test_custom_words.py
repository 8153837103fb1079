"""What is said to the person who named an image that is at fault."""

from __future__ import annotations

import pytest
from studiolo_spawner.causes import REASONS, Kind, cause
from studiolo_spawner.custom_words import for_its_person
from studiolo_spawner.verdict import Decision, Verdict, verdict_of_cause

OF_IMAGES = sorted(reason for reason in REASONS if cause(reason).kind is Kind.IMAGE)


@pytest.mark.parametrize("reason", OF_IMAGES)
def test_no_administrator_is_asked_to_repair_it(reason: str) -> None:
    before = verdict_of_cause(cause(reason))
    told = for_its_person(before)
    assert (told.decision, told.reason, told.message) == (
        before.decision,
        before.reason,
        before.message,
    )
    assert "administrator to" not in told.hint
    assert "catalogue" not in told.hint
    assert told.hint.endswith(".")


def test_what_is_not_the_images_fault_is_told_as_ever() -> None:
    verdict = Verdict(Decision.UNKNOWN, "registry_away", "It is away.", "Wait.")
    assert for_its_person(verdict) is verdict
