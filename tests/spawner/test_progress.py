"""What users read while they wait and afterwards: one wording, plain and escaped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.attempts import Attempt
from studiolo_spawner.causes import Cause, Kind, cause
from studiolo_spawner.podstatus import Stage, Step
from studiolo_spawner.progress import (
    MAX_SENTENCE,
    checked_message,
    fallback_reason,
    message,
    progress_messages,
    pulled_message,
    story,
    words_of_check,
    words_of_pull,
    words_of_stage,
)
from studiolo_spawner.verdict import verdict_of_cause

from tests.fakes.attempts import any_attempt

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def trying(name: str) -> Attempt:
    return Attempt(
        image_id=name.lower(),
        reference=f"registry.example/ml/{name.lower()}:1",
        digest=None,
        outcome="trying",
        reason="",
        message="",
        started=NOW - timedelta(seconds=60),
        display_name=name,
    )


def failed(name: str, reason: str) -> Attempt:
    return trying(name).ending("failed", verdict_of_cause(cause(reason)), NOW)


SKIPPED = replace(failed("Nightly", "image_missing"), outcome="skipped")
SILENT = failed("PyTorch 2.9", "never_ready")
TRYING = trying("PyTorch 2.8")
RUNNING = trying("PyTorch 2.8").ending("running", None, NOW)


def test_story_of_a_fallback() -> None:
    assert story([SKIPPED, SILENT, RUNNING]) == [
        f"“Nightly” was not tried. {SKIPPED.message} {SKIPPED.hint}",
        f"“PyTorch 2.9” could not be used. {SILENT.message} {SILENT.hint}",
        "“PyTorch 2.8” runs instead.",
    ]


@pytest.mark.parametrize(
    ("attempts", "last"),
    [
        pytest.param([TRYING], "Starting “PyTorch 2.8”.", id="first"),
        pytest.param([SILENT, TRYING], "Trying “PyTorch 2.8” instead.", id="fallback"),
        pytest.param([RUNNING], "“PyTorch 2.8” runs.", id="runs"),
    ],
)
def test_last_sentence(attempts: list[Attempt], last: str) -> None:
    assert story(attempts)[-1] == last


def test_what_the_check_could_not_find_out_is_said() -> None:
    unsure = replace(TRYING, message="The registry does not answer.")
    assert story([unsure]) == ["Starting “PyTorch 2.8”. The registry does not answer."]


@pytest.mark.parametrize(
    ("attempts", "told"),
    [
        pytest.param([], False, id="nothing yet"),
        pytest.param([RUNNING], False, id="what was asked for"),
        pytest.param([SILENT], False, id="nothing runs"),
        pytest.param([SILENT, RUNNING], True, id="another one runs"),
        pytest.param([SILENT, TRYING], True, id="another one is tried"),
    ],
)
def test_fallback_reason(attempts: list[Attempt], told: bool) -> None:
    reason = fallback_reason(attempts)
    assert reason == (" ".join(story(attempts)) if told else None)


PULLING = "The machine fetches the image (8.1 GB if it has nothing of it yet)"
STAGES = {
    "waiting": (
        Stage(Step.WAITING, NOW - timedelta(seconds=90)),
        "Looking for a machine that has room, for 1 minute 30 seconds now.",
    ),
    "scheduled": (
        Stage(Step.SCHEDULED),
        "A machine was found; your storage is being connected.",
    ),
    "pulling": (
        Stage(Step.PULLING, NOW - timedelta(seconds=40)),
        f"{PULLING}, for 40 seconds now.",
    ),
    "just now": (Stage(Step.PULLING, NOW), f"{PULLING}."),
    "starting": (Stage(Step.STARTING), "The image is on the machine; its container starts."),
    "answering": (
        Stage(Step.ANSWERING),
        "The container runs; waiting for JupyterLab to answer.",
    ),
    "ready": (Stage(Step.READY), "The workspace is ready."),
}


@pytest.mark.parametrize(("stage", "words"), STAGES.values(), ids=STAGES)
def test_stage(stage: Stage, words: str) -> None:
    assert words_of_stage(stage, now=NOW, size=8_123_456_789) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (8_123_456_789, "The image was checked, and the registry has it: 8.1 GB."),
        (None, "The image was checked, and the registry has it."),
    ],
)
def test_checked(size: int | None, words: str) -> None:
    assert words_of_check(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.01, "1 second"), (41.7, "42 seconds"), (90, "1 minute 30 seconds")]
)
def test_pulled(seconds: float, words: str) -> None:
    assert words_of_pull(timedelta(seconds=seconds)) == f"The image was fetched in {words}."


def test_what_was_done_stands_between_what_is_being_done() -> None:
    attempts = [SILENT, TRYING]
    pulling = progress_messages(attempts, Stage(Step.PULLING), None, now=NOW)[-1]
    starting = progress_messages(attempts, Stage(Step.STARTING), None, now=NOW)[-1]
    story_ends = progress_messages(attempts, None, None, now=NOW)[-1]
    assert story_ends.progress == checked_message(attempts, 1).progress < pulling.progress
    pulled = pulled_message(attempts, timedelta(seconds=3))
    assert pulling.progress < pulled.progress == starting.progress


def test_messages_come_in_order_and_go_forward() -> None:
    waiting = cause("no_free_gpu")
    messages = progress_messages([SILENT, TRYING], Stage(Step.WAITING), waiting, now=NOW)
    assert [one.text for one in messages] == [
        *story([SILENT, TRYING]),
        "Looking for a machine that has room.",
        f"{waiting.message} {waiting.hint}",
    ]
    assert [one.progress for one in messages] == sorted(one.progress for one in messages)


def test_steps_go_forward() -> None:
    shown = [
        progress_messages([SILENT, TRYING], Stage(step), None, now=NOW)[-1].progress
        for step in Step
    ]
    assert shown == sorted(set(shown))
    assert shown[-1] == 100


def test_cause_before_there_is_a_pod() -> None:
    (line,) = progress_messages([], None, cause("quota"), now=NOW)
    assert line.text.startswith("The quota")


def test_ready_workspace_has_no_trouble() -> None:
    lines = progress_messages([RUNNING], Stage(Step.READY), cause("volume_failed"), now=NOW)
    assert [line.text for line in lines] == ["“PyTorch 2.8” runs.", "The workspace is ready."]


def test_hostile_text_is_harmless() -> None:
    hostile = "<img src=x onerror=alert(1)>\r\n\x1b[31m\u202e{{7*7}}"
    line = message(7, hostile)
    assert line.html == ("&lt;img src=x onerror=alert(1)&gt; \\x1b[31m\\u202e{{7*7}}")
    assert line.to_event() == {
        "progress": 7,
        "message": line.text,
        "html_message": line.html,
        "kind": "story",
    }


def test_a_step_says_which_it_is_and_how_much_is_fetched_for_how_long() -> None:
    now = NOW + timedelta(seconds=40)
    told = progress_messages([TRYING], Stage(Step.PULLING, NOW), None, now=now, size=6_300_000_000)
    event = told[-1].to_event()
    assert (event["kind"], event["step"]) == ("step", "pulling")
    assert event["message"] == (
        "The machine fetches the image (6.3 GB if it has nothing of it yet), for 40 seconds now."
    )


def test_what_holds_it_up_is_told_apart_from_the_steps() -> None:
    lines = progress_messages([TRYING], Stage(Step.WAITING), cause("no_free_gpu"), now=NOW)
    assert [line.kind for line in lines] == ["story", "step", "cause"]


@given(any_attempt, st.text(max_size=3000), st.integers(-10, 1000))
def test_every_message_is_one_plain_bounded_line(attempt: Attempt, words: str, at: int) -> None:
    named = replace(attempt, display_name=words, message=words, hint=words)
    odd = Cause(Kind.CLUSTER, "quota", words, words, terminal=False)
    messages = progress_messages([named, named], Stage(Step.PULLING), odd, now=NOW)
    for line in (*messages, message(at, words)):
        assert 0 <= line.progress <= 100
        assert len(line.text) <= MAX_SENTENCE
        assert line.text.isprintable()
        assert "\n" not in line.text
        assert "<" not in line.html
