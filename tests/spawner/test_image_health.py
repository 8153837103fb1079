"""What is known of an image after any sequence of checks, starts and fallbacks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.attempts import Attempt, AttemptOutcome
from studiolo_spawner.catalogue import Image
from studiolo_spawner.causes import cause
from studiolo_spawner.choice import CUSTOM_IMAGE
from studiolo_spawner.custom_images import custom_image
from studiolo_spawner.image_health import (
    MAX_CUSTOM_IMAGES,
    MAX_FAILURES,
    Check,
    HealthBook,
    ImageHealth,
)
from studiolo_spawner.verdict import Decision, Verdict, verdict_of_cause

from tests.spawner.catalogues import catalogue, image

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
ONE, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
GOOD = Verdict(Decision.ACCEPTED, "found", "The image is there.")
AWAY = Verdict(Decision.UNKNOWN, "registry_away", "The registry does not answer.")
(IMAGE,) = catalogue([image("a")]).images


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def check(minutes: float, verdict: Verdict | str, digest: str | None = ONE) -> Check:
    if isinstance(verdict, str):
        return Check(at(minutes), verdict_of_cause(cause(verdict)), None)
    return Check(at(minutes), verdict, digest)


def attempt(
    minutes: float,
    outcome: AttemptOutcome,
    reason: str = "",
    *,
    digest: str | None = ONE,
    reference: str = IMAGE.reference,
) -> Attempt:
    begun = Attempt("a", reference, digest, "trying", "", "", at(minutes), display_name="A")
    verdict = verdict_of_cause(cause(reason)) if reason else None
    return begun.ending(outcome, verdict, at(minutes))


def book_of(*events: Check | Attempt) -> HealthBook:
    book = HealthBook()
    for event in events:
        if isinstance(event, Check):
            book.note_check(IMAGE, event)
        else:
            book.note_attempt(event)
    return book


def problem(book: HealthBook, minutes: float) -> tuple[str, bool] | None:
    found = book.problems([IMAGE], at(minutes)).get("a")
    return (found.text, found.avoid) if found else None


MISSING_NOW = "Its last check failed just now. The image does not exist in the registry."
MISSING = "Its last check failed 3 minutes ago. The image does not exist in the registry."
CRASHED = "Its last start failed 3 minutes ago. The image started and then stopped with an error."

STORIES: dict[str, tuple[list[Check | Attempt], tuple[str, bool] | None]] = {
    "nothing known": ([], None),
    "good": ([check(0, GOOD)], None),
    "registry away": ([check(0, AWAY, None)], None),
    "missing": ([check(0, "image_missing")], (MISSING, True)),
    "missing, found by a start": ([attempt(0, "skipped", "image_missing")], (MISSING, True)),
    "missing, then good": ([check(-9, "image_missing"), check(0, GOOD)], None),
    "good, then missing": ([check(-9, GOOD), check(0, "image_missing")], (MISSING, True)),
    "missing, then away": ([check(0, "image_missing"), check(1, AWAY, None)], (MISSING, True)),
    "missing, then it ran": ([check(0, "image_missing"), attempt(1, "running")], None),
    "one start failed": ([attempt(0, "failed", "crashed")], (CRASHED, False)),
    "two starts failed": (
        [attempt(-5, "failed", "never_ready"), attempt(0, "failed", "crashed")],
        (CRASHED, True),
    ),
    "failed, ran, failed": (
        [
            attempt(-9, "failed", "crashed"),
            attempt(-5, "running"),
            attempt(0, "failed", "crashed"),
        ],
        (CRASHED, False),
    ),
    "failed, but there": ([attempt(0, "failed", "crashed"), check(1, GOOD)], (CRASHED, False)),
    "failed, then another digest": ([attempt(0, "failed", "crashed"), check(1, GOOD, OTHER)], None),
    "failed, then ran": ([attempt(0, "failed", "crashed"), attempt(1, "running")], None),
    "the cluster's fault": ([attempt(0, "failed", "no_free_gpu")], None),
    "still trying": ([attempt(0, "trying")], None),
}


@pytest.mark.parametrize(("events", "expected"), STORIES.values(), ids=STORIES)
def test_problem(events: list[Check | Attempt], expected: tuple[str, bool] | None) -> None:
    assert problem(book_of(*events), 3) == expected


def test_age_in_words() -> None:
    assert problem(book_of(check(0, "image_missing")), 0.5) == (MISSING_NOW, True)


def test_old_news_are_not_told() -> None:
    assert problem(book_of(check(0, "image_missing")), 24 * 60 + 1) is None


def test_another_reference_is_another_image() -> None:
    book = book_of(attempt(0, "running"), check(1, "image_missing"))
    (edited,) = catalogue([image("a", reference="ghcr.io/your-lab/a:2")]).images
    assert book.problems([edited], at(2)) == {}
    assert book.last_good([edited]) == {}
    book.note_check(edited, check(3, GOOD))
    assert book.of(edited).failures == ()
    # Whoever takes the edit back is told what was known before.
    assert book.last_good([IMAGE]) == {"a": ONE}


def test_what_was_never_heard_of_is_empty() -> None:
    assert HealthBook().of(IMAGE) == ImageHealth(IMAGE.reference)


def test_a_digest_that_ran_no_more_is_remembered_as_lost() -> None:
    book = book_of(attempt(0, "running"))
    book.note_attempt(attempt(3, "failed", "crashed", reference=f"{IMAGE.reference}@{ONE}"))
    assert (book.of(IMAGE).ran, book.of(IMAGE).lost) == (None, at(3))


def test_listeners_hear_what_is_new_and_nothing_else() -> None:
    book, heard = HealthBook(), []
    book.on_change(lambda: heard.append(1))
    book.note_check(IMAGE, check(0, GOOD))
    book.note_check(IMAGE, check(0, GOOD))
    book.note_attempt(attempt(1, "failed", "no_free_gpu"))
    assert len(heard) == 1
    book.take_over(book_of(attempt(1, "running")).entries)
    assert len(heard) == 1
    assert book.last_good([IMAGE]) == {"a": ONE}


def test_the_last_digest_that_ran_is_kept() -> None:
    book = book_of(attempt(0, "running"), attempt(1, "failed", "crashed", digest=OTHER))
    assert book.last_good([IMAGE]) == {"a": ONE}
    book.note_attempt(attempt(2, "running", digest=OTHER))
    assert book.last_good([IMAGE]) == {"a": OTHER}


def test_a_run_of_an_unknown_digest_is_no_good_run() -> None:
    assert book_of(attempt(0, "running", digest=None)).last_good([IMAGE]) == {}


def test_the_last_digest_once_more() -> None:
    """It says nothing of the tag; but when it fails, it is not offered again."""
    pinned = f"{IMAGE.reference}@{ONE}"
    book = book_of(attempt(0, "running"), check(1, "image_missing"))
    book.note_attempt(attempt(2, "running", reference=pinned))
    assert problem(book, 4) == (MISSING, True)
    assert book.of(IMAGE).ran is not None
    book.note_attempt(attempt(3, "failed", "no_free_gpu", reference=pinned))
    assert book.last_good([IMAGE]) == {"a": ONE}
    book.note_attempt(attempt(3, "failed", "crashed", reference=pinned))
    assert book.last_good([IMAGE]) == {}
    assert problem(book, 4) == (MISSING, True)


def custom_attempt(name: str, outcome: AttemptOutcome, digest: str = ONE, **more: str) -> Attempt:
    begun = attempt(0, outcome, digest=digest, reference=f"{name}:1{more.get('pinned', '')}")
    reason = "" if outcome == "running" else "crashed"
    return replace(begun, image_id=CUSTOM_IMAGE, reason=reason)


def custom_entry(name: str) -> Image:
    rules = catalogue([image("a")], custom_images={"patterns": [f"{name}"]})
    found = custom_image(rules, f"{name}:1")
    assert found is not None
    return found


def test_of_a_persons_own_image_the_last_good_digest_is_known_and_nothing_else() -> None:
    mine = custom_entry("lab.example/mine")
    book = HealthBook()
    book.note_attempt(custom_attempt("lab.example/mine", "failed"))
    assert book.entries == {}
    book.note_attempt(custom_attempt("lab.example/mine", "running"))
    given_up = custom_attempt("lab.example/mine", "failed", OTHER)
    book.note_attempt(given_up)
    book.note_fallback(given_up)
    assert book.last_good([mine]) == {CUSTOM_IMAGE: ONE}
    assert book.of(mine) == ImageHealth(mine.reference, ran=book.of(mine).ran)
    book.note_attempt(custom_attempt("lab.example/mine", "failed", pinned=f"@{ONE}"))
    assert book.last_good([mine]) == {}


def test_what_people_name_drives_out_nothing_of_the_catalogue() -> None:
    book = book_of(attempt(0, "running"))
    for number in range(MAX_CUSTOM_IMAGES + 50):
        book.note_attempt(custom_attempt(f"lab.example/i{number}", "running"))
    assert len(book.entries) == MAX_CUSTOM_IMAGES + 1
    assert book.last_good([IMAGE]) == {"a": ONE}
    assert book.last_good([custom_entry("lab.example/i0")]) == {}


def test_fallbacks_of_the_last_seven_days() -> None:
    book = HealthBook()
    for day in (0, 0, 3, 8, 9):
        given_up = attempt(day * 24 * 60, "failed", "crashed")
        book.note_attempt(given_up)
        book.note_fallback(given_up)
    health = book.of(IMAGE)
    assert health.fallbacks_until(at(9 * 24 * 60)) == 3
    assert health.fallbacks_until(at(20 * 24 * 60)) == 0
    assert len(health.fallbacks) == 3


def test_a_check_that_stays_bad_is_one_failure() -> None:
    book = book_of(attempt(-1, "failed", "crashed"), *(check(n, "image_missing") for n in range(9)))
    crashed, missing = book.of(IMAGE).failures
    assert (crashed.times, missing.times, missing.at) == (1, 9, at(8))


EVENTS = st.one_of(
    st.builds(check, st.integers(0, 99), st.sampled_from([GOOD, AWAY, "image_missing"])),
    st.builds(
        attempt,
        st.integers(0, 99),
        st.just("failed"),
        st.sampled_from(["crashed", "never_ready", "no_free_gpu"]),
        digest=st.sampled_from([ONE, OTHER, None]),
    ),
    st.builds(attempt, st.integers(0, 99), st.just("running"), digest=st.sampled_from([ONE, None])),
)


@given(st.lists(EVENTS, max_size=60))
def test_any_story_stays_bounded_and_an_end_that_is_good_is_good(
    events: list[Check | Attempt],
) -> None:
    book = book_of(*events)
    assert len(book.of(IMAGE).failures) <= MAX_FAILURES
    book.note_attempt(attempt(100, "running"))
    assert problem(book, 101) is None
    assert book.last_good([IMAGE]) == {"a": ONE}


def test_the_book_is_bounded() -> None:
    images: list[Image] = [*catalogue([image(f"i{n}") for n in range(9)]).images]
    book = HealthBook(limit=4)
    for each in images:
        book.note_check(each, check(0, "image_missing"))
    assert list(book.problems(images, at(1))) == ["i5", "i6", "i7", "i8"]
