"""Attempts there and back through JSON, bounded, and readable from other versions."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.attempts import (
    MAX_HISTORY,
    Attempt,
    add_attempt,
    history_from_json,
    history_to_json,
    replace_last,
)

from tests.fakes.attempts import MISSING, START, TRYING, any_attempt


@given(st.lists(any_attempt, max_size=MAX_HISTORY))
def test_there_and_back(history: list[Attempt]) -> None:
    written = json.dumps(history_to_json(history))
    assert history_from_json(json.loads(written)) == tuple(history)


def test_history_is_bounded() -> None:
    history: tuple[Attempt, ...] = ()
    for number in range(MAX_HISTORY + 5):
        later = TRYING.ending("failed", MISSING, START + timedelta(seconds=number))
        history = add_attempt(history, later)
    assert len(history) == MAX_HISTORY
    assert history[-1].ended == START + timedelta(seconds=MAX_HISTORY + 4)


def test_last_one_is_brought_up_to_date() -> None:
    history = add_attempt(add_attempt((), TRYING), TRYING)
    done = TRYING.ending("running", None, START)
    assert replace_last(history, done) == (TRYING, done)


def test_ending_takes_the_verdicts_words() -> None:
    end = START + timedelta(seconds=9)
    failed = TRYING.ending("failed", MISSING, end)
    assert (failed.reason, failed.message, failed.hint, failed.ended) == (
        "image_missing",
        "It is not there.",
        "Ask somebody.",
        end,
    )
    assert failed.failed
    assert failed.ending("running", None, end).reason == ""


UNREADABLE: dict[str, Any] = {
    "no list": {"attempts": []},
    "none": None,
    "list of other things": [1, "a", None, []],
    "no time": [{**TRYING.to_json(), "started": "yesterday"}],
    "time without zone": [{**TRYING.to_json(), "started": "2026-03-01T12:00:00"}],
    "unknown outcome": [{**TRYING.to_json(), "outcome": "won"}],
    "no image": [{**TRYING.to_json(), "image_id": ""}],
}


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_attempt_is_left_out(value: object) -> None:
    assert history_from_json(value) == ()
    assert history_from_json(
        [*value, TRYING.to_json()] if isinstance(value, list) else [TRYING.to_json()]
    ) == (TRYING,)


def test_keys_of_a_newer_version_do_not_matter() -> None:
    assert Attempt.from_json({**TRYING.to_json(), "node": "gpu-1"}) == TRYING


def test_name_is_what_people_know_it_by() -> None:
    assert TRYING.name == "PyTorch 2.9"
    nameless = Attempt.from_json({**TRYING.to_json(), "display_name": "", "image_id": "py\ntorch"})
    assert nameless.name == "py torch"
