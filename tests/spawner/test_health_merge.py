"""Joining what hubs know: in any order, however often, with the same result, and bounded."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.health_json import MAX_BYTES, from_text, to_text
from studiolo_spawner.health_merge import joined, merged
from studiolo_spawner.image_health import (
    FALLBACK_DAYS,
    MAX_FAILURES,
    Check,
    Failure,
    GoodRun,
    ImageHealth,
)
from studiolo_spawner.verdict import Decision, Verdict

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
DIGESTS = ("sha256:" + "1" * 64, "sha256:" + "2" * 64)

moments = st.integers(0, 9).map(lambda minutes: NOON + timedelta(minutes=minutes))
words = st.sampled_from(["", "The image is there.", "<img src=x>\r\n"])
verdicts = st.builds(Verdict, st.sampled_from(Decision), st.just("crashed"), words, words)
checks = st.builds(
    Check, moments, verdicts, st.none() | st.sampled_from(DIGESTS), st.none() | st.integers(0, 9)
)
failures = st.builds(
    Failure,
    moments,
    st.sampled_from(["check", "start"]),
    st.sampled_from(["crashed", "image_missing"]),
    words,
    st.none() | st.sampled_from(DIGESTS),
    st.integers(1, 5),
    st.none() | moments,
)
days = st.dictionaries(st.dates(date(2026, 5, 1), date(2026, 5, 4)), st.integers(1, 9), max_size=3)


@st.composite
def healths(draw: st.DrawFn, most: int = 3) -> ImageHealth:
    """As a book holds it: few enough that three of them together lose nothing to the bounds."""
    health = ImageHealth(
        reference="ghcr.io/your-lab/a:1",
        last_check=draw(st.none() | checks),
        found=draw(st.none() | checks),
        ran=draw(st.none() | st.builds(GoodRun, st.sampled_from(DIGESTS), moments)),
        failures=tuple(draw(st.lists(failures, max_size=most))),
        fallbacks=tuple(sorted(draw(days).items())),
        lost=draw(st.none() | moments),
    )
    return joined(health, health)


entries = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.just("ghcr.io/your-lab/a:1")), healths(), max_size=3
)


@given(healths(), healths(), healths())
def test_order_and_repetition_do_not_matter(
    one: ImageHealth, two: ImageHealth, three: ImageHealth
) -> None:
    assert joined(one, two) == joined(two, one)
    assert joined(joined(one, two), three) == joined(one, joined(two, three))
    assert joined(joined(one, two), two) == joined(one, two)
    assert joined(one, one) == one


@given(healths(most=30), healths(most=30))
def test_what_is_joined_stays_bounded_and_knows_the_newest(
    one: ImageHealth, two: ImageHealth
) -> None:
    both = joined(one, two)
    assert len(both.failures) <= MAX_FAILURES
    assert len(both.fallbacks) <= FALLBACK_DAYS + 1
    for mine in (one, two):
        if mine.last_check:
            assert both.last_check is not None
            assert both.last_check.at >= mine.last_check.at
        if mine.failures:
            assert both.failures[-1].at >= mine.failures[-1].at


def test_a_digest_that_was_lost_is_not_found_again_in_an_old_record() -> None:
    ran = ImageHealth("r", ran=GoodRun(DIGESTS[0], NOON))
    lost = ImageHealth("r", lost=NOON + timedelta(minutes=1))
    assert joined(ran, lost).ran is None
    again = ImageHealth("r", ran=GoodRun(DIGESTS[1], NOON + timedelta(minutes=2)))
    assert joined(joined(ran, lost), again).ran == again.ran


def test_one_failure_in_two_states_is_one() -> None:
    early = Failure(NOON, "check", "image_missing", "Gone.", times=3, since=NOON)
    late = Failure(NOON + timedelta(hours=1), "check", "image_missing", "Gone.", None, 9, NOON)
    one, other = ImageHealth("r", failures=(early,)), ImageHealth("r", failures=(late,))
    assert joined(one, other).failures == (late,)


@given(entries, entries)
def test_books_are_merged_entry_by_entry(
    one: dict[tuple[str, str], ImageHealth], two: dict[tuple[str, str], ImageHealth]
) -> None:
    both = merged(one, two)
    assert both == merged(two, one)
    assert list(both) == list(merged(two, one))
    assert both.keys() == one.keys() | two.keys()
    for key in one.keys() & two.keys():
        assert both[key] == joined(one[key], two[key])


@given(entries)
def test_text_and_back(known: dict[tuple[str, str], ImageHealth]) -> None:
    known = merged(known, known)
    read = from_text(to_text(known))
    assert read.keys() == known.keys()
    # The words are made plain on the way; read once more they stay as they are.
    assert from_text(to_text(read)) == read


def test_too_much_makes_room_for_the_newest() -> None:
    told = "x" * 500
    many = {
        (f"i{n}", "r"): ImageHealth(
            "r", failures=tuple(Failure(NOON, "start", "crashed", told, str(k)) for k in range(10))
        )
        for n in range(200)
    }
    text = to_text(many)
    assert len(text.encode()) <= MAX_BYTES
    kept = [image_id for image_id, _ in from_text(text)]
    assert 10 < len(kept) < 200
    assert kept[-1] == "i199"


NOT_OURS = {
    "nothing": "",
    "no JSON": "{",
    "a list": "[]",
    "another version": '{"version": 2, "images": []}',
    "no images": '{"version": 1, "images": {}}',
    "images that are none": '{"version": 1, "images": [3, {"id": 3}, {"id": "a"}]}',
    "a time without a zone": '{"version":1,"images":[{"id":"a","reference":"r",'
    '"ran":{"digest":"d","at":"2026-05-03T12:00:00"}}]}',
    "deep": "[" * 100_000,
    "far too long": " " * 2_000_000 + "{}",
}


def test_what_is_not_ours_is_nothing() -> None:
    for text in NOT_OURS.values():
        assert from_text(text) == {}


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert from_text(text) == {}
