"""Foreign text on one line, and sizes in words."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.plain_text import plain
from studiolo_spawner.units import human_size


@given(st.text(), st.integers(1, 400))
def test_plain_is_one_bounded_line_of_visible_characters(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert len(shown) <= limit
    assert not [char for char in shown if unicodedata.category(char)[0] == "C"]
    assert shown == shown.strip()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as it is", "as it is"),
        ("", ""),
        ("a\r\nb\tc", "a b c"),
        ("bell\x07", "bell\\x07"),
        ("\u202egpj", "\\u202egpj"),
        ("a\ud800", "a\\ud800"),
        ("Zürich 漢字 🎓", "Zürich 漢字 🎓"),
        ("x" * 301, "x" * 299 + "…"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_plain_is_stable() -> None:
    once = plain("a\x00b" * 200)
    assert plain(once) == once


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (-5, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (8_123_456_789, "8.1 GB"),
        (10**20, "100000 PB"),
    ],
)
def test_size(size: int, words: str) -> None:
    assert human_size(size) == words
