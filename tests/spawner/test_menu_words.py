"""Words about entries: size and age, durations, and that they are made once for each catalogue."""

from datetime import UTC, datetime, timedelta

import pytest
from studiolo_spawner.image_health import Check, HealthBook
from studiolo_spawner.menu import build_menu
from studiolo_spawner.menu_words import facts_words, words_of
from studiolo_spawner.offer import Person
from studiolo_spawner.verdict import Decision, Verdict

from tests.spawner.catalogues import catalogue, image

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = Verdict(Decision.ACCEPTED, "found", "It is there.")
AWAY = Verdict(Decision.UNKNOWN, "registry_away", "It does not answer.")


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0, "built today"),
        (1, "built 1 day ago"),
        (13, "built 13 days ago"),
        (14, "built 2 weeks ago"),
        (59, "built 8 weeks ago"),
        (60, "built 2 months ago"),
        (729, "built 24 months ago"),
        (800, "built 2 years ago"),
    ],
)
def test_age_in_words(days: int, words: str) -> None:
    book = HealthBook()
    (known,) = catalogue([image("a")]).images
    assert facts_words(book.of(known), timedelta(days=days, hours=3)) == words


def test_an_image_from_the_future_is_new() -> None:
    (known,) = catalogue([image("a")]).images
    assert facts_words(HealthBook().of(known), timedelta(days=-3)) == "built today"


def test_what_the_last_check_said() -> None:
    parsed, book = catalogue([image("a"), image("b")]), HealthBook()
    checked = Check(NOW, GOOD, None, size=6_300_000_000, created=NOW - timedelta(days=20))
    book.note_check(parsed.images[0], checked)
    menu = build_menu(parsed, Person("ana"), health=book, now=NOW)
    assert [option.facts for option in menu.images] == [
        "6.3 GB to fetch, built 2 weeks ago, checked and in order",
        "",
    ]
    # A check that says nothing of the image leaves what was known, but it is not in order now.
    book.note_check(parsed.images[0], Check(NOW + timedelta(hours=1), AWAY, None))
    menu = build_menu(parsed, Person("ana"), health=book, now=NOW)
    assert menu.images[0].facts == "6.3 GB to fetch, built 2 weeks ago"


def test_a_moved_entry_shows_what_starts() -> None:
    parsed, book = catalogue([image("a", redirect={"to": "b"}), image("b")]), HealthBook()
    book.note_check(parsed.images[1], Check(NOW, GOOD, None, size=1_000_000_000))
    menu = build_menu(parsed, Person("ana"), health=book, now=NOW)
    assert menu.images[0].facts == "1.0 GB to fetch, checked and in order"


def test_words_are_made_once_for_a_catalogue_and_a_few_are_kept() -> None:
    parsed = catalogue()
    words = words_of(parsed)
    assert words_of(parsed) is words
    for _ in range(8):
        words_of(catalogue())
    assert words_of(parsed) is not words
