"""Durations and sizes: one spelling in, the same value back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.quantities import format_duration, parse_duration, parse_memory


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("12h", 43200), ("7d", 604800)]
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", "5", "s", "-5s", "1.5h", "1h30m", " 5s", "5s\n", "0s", "367d", "9999999999s", "٥s", "5S"],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="a duration"):
        parse_duration(text)


@given(st.integers(1, 366 * 86400))
def test_durations_round_trip(seconds: int) -> None:
    value = timedelta(seconds=seconds)
    assert parse_duration(format_duration(value)) == value


@pytest.mark.parametrize(
    ("text", "octets"),
    [("1", 1), ("1Ki", 1024), ("32Gi", 32 * 2**30), ("1.5Gi", 3 * 2**29), ("2G", 2 * 10**9)],
)
def test_memory(text: str, octets: int) -> None:
    assert parse_memory(text) == octets


@pytest.mark.parametrize("text", ["", "Gi", "32gi", "32GB", "-1Gi", "1e3", "1Gi\n", "0", "0.0Gi"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="a size"):
        parse_memory(text)
