from datetime import UTC, datetime, timedelta, timezone

import pytest
from studiolo_hub.admin_words import ago, moment, since_words, utc_words

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "since", "past"),
    [
        pytest.param(timedelta(seconds=59), "less than a minute", "just now", id="now"),
        pytest.param(timedelta(minutes=1), "1 minute", "1 minute ago", id="minute"),
        pytest.param(
            timedelta(hours=3, minutes=5, seconds=40),
            "3 hours 5 minutes",
            "3 hours 5 minutes ago",
            id="no-seconds",
        ),
        pytest.param(timedelta(seconds=-5), "less than a minute", "just now", id="clocks-differ"),
    ],
)
def test_for_how_long(passed: timedelta, since: str, past: str) -> None:
    assert (since_words(NOW - passed, NOW), ago(NOW - passed, NOW)) == (since, past)


def test_what_is_not_known_has_no_words() -> None:
    assert (since_words(None, NOW), ago(None, NOW), utc_words(None)) == ("", "", "")
    assert moment(None) is None


def test_moments_are_in_utc() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=2)))
    assert utc_words(there) == "2026-03-01 12:00 UTC"
    assert moment(there) == "2026-03-01T12:00:30+00:00"
