"""Parts of sentences: without a translation as `wording` says them, with one in its language."""

from collections.abc import Iterator
from datetime import timedelta
from gettext import NullTranslations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from studiolo_spawner import spoken, translation, wording
from studiolo_spawner.translation import english
from studiolo_spawner.units import human_size

MINUTE = timedelta(minutes=1)


@settings(deadline=None)
@given(st.timedeltas(timedelta(0), timedelta(days=400)))
def test_durations_are_those_of_the_messages(value: timedelta) -> None:
    assert spoken.duration(value) == wording.duration(value)


@settings(deadline=None)
@given(st.lists(st.text(max_size=5), max_size=15))
def test_lists_are_those_of_the_messages(names: list[str]) -> None:
    assert spoken.listed(names) == wording.listed(names)
    assert spoken.either(names) == wording.listed(names, last="or")


@pytest.mark.parametrize(
    ("name", "hint"), [("pytroch", 'did you mean "pytorch"?'), ("julia", ""), ("", "")]
)
def test_spelling_hints(name: str, hint: str) -> None:
    assert spoken.did_you_mean(name, ["pytorch", "cuda"]) == hint


@pytest.mark.parametrize(
    ("value", "words", "ago"),
    [
        (timedelta(seconds=59), "less than a minute", "just now"),
        (MINUTE, "1 minute", "1 minute ago"),
        (timedelta(hours=3, seconds=50), "3 hours", "3 hours ago"),
        (timedelta(seconds=-5), "less than a minute", "just now"),
    ],
)
def test_rough_times(value: timedelta, words: str, ago: str) -> None:
    assert (spoken.rough(value), spoken.ago(value)) == (words, ago)


class Swapped(NullTranslations):
    """A language that puts the last first."""

    def gettext(self, message: str) -> str:
        known = {
            "%(first)s and %(last)s": "%(last)s samt %(first)s",
            "%(time)s ago": "vor %(time)s",
            ".": ",",
        }
        return known.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return "%(count)s Min." if msgid1 == "%(count)s minute" else msgid2


@pytest.fixture
def swapped() -> Iterator[None]:
    translation.install(Swapped())
    yield
    translation.install(NullTranslations())


@pytest.mark.usefixtures("swapped")
def test_a_language_has_its_own_order_and_the_log_stays_english() -> None:
    told = spoken.listed(["a", "b"])
    assert (told, english(told)) == ("b samt a", "a and b")
    when = spoken.ago(5 * MINUTE)
    assert (when, english(when)) == ("vor 5 Min.", "5 minutes ago")


@pytest.mark.usefixtures("swapped")
def test_a_language_has_its_own_decimal_mark() -> None:
    told = (spoken.number(0.5), spoken.number(4), spoken.memory(3 * 1024**3 // 2))
    assert told == ("0,5", "4", "1,5 GiB")
    assert human_size(1_930_000_000) == "1,9 GB"
