"""Words: whatever comes in, what comes out is one short printable line."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner import wording

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(ANYTHING)
def test_quoted_is_one_short_printable_line(value: object) -> None:
    text = wording.quoted(value)
    assert text.isprintable()
    assert len(text) <= 60 * 10 + 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("pytorch", '"pytorch"'),
        ("a\r\nb\x00", '"a\\r\\nb\\x00"'),
        ("\u202etxt.exe", '"\\u202etxt.exe"'),
        ("x" * 99, f'"{"x" * 60}…"'),
        (10**5000, '"a huge number"'),
        ({"a": 1}, '"a mapping"'),
        ([1], '"a list"'),
        (None, '"None"'),
        (True, '"True"'),
        (object(), '"a value of another type"'),
    ],
    ids=["plain", "control", "override", "long", "huge", "dict", "list", "none", "true", "object"],
)
def test_quoted(value: object, text: str) -> None:
    assert wording.quoted(value) == text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["x"] * 14, ", ".join(["x"] * 12) + " and 2 more"),
    ],
    ids=["none", "one", "two", "three", "many"],
)
def test_listed(names: list[str], text: str) -> None:
    assert wording.listed(names) == text


def test_did_you_mean() -> None:
    assert wording.did_you_mean("pytroch", ["pytorch", "cpu"]) == 'did you mean "pytorch"?'
    assert wording.did_you_mean("zzz", ["pytorch"]) == ""
    assert wording.did_you_mean("", []) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 second"),
        (90, "1 minute 30 seconds"),
        (3600, "1 hour"),
        (5400, "1 hour 30 minutes"),
        (86400 * 7, "7 days"),
        (86400 + 3600 + 60, "1 day 1 hour"),
        (0, "0 seconds"),
    ],
)
def test_duration(seconds: int, text: str) -> None:
    assert wording.duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [(2**30, "1 GiB"), (3 * 2**29, "1.5 GiB"), (2**29, "512 MiB"), (100 * 2**30, "100 GiB")],
)
def test_memory(octets: int, text: str) -> None:
    assert wording.memory(octets) == text


@pytest.mark.parametrize(
    ("value", "text"), [(4.0, "4"), (0.5, "0.5"), (2.25, "2.25"), (10, "10"), (100.0, "100")]
)
def test_number(value: float, text: str) -> None:
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Zwölf Boxkämpfer 👩‍💻", True),
        ("a\nb", False),
        ("a\x1bb", False),
        ("a\u202eb", False),
        ("a\u2028b", False),
        ("\ud800", False),
    ],
    ids=["letters", "line end", "escape", "override", "separator", "surrogate"],
)
def test_plain_text(text: str, plain: bool) -> None:
    assert wording.is_plain_text(text) is plain


def test_plain_text_may_have_lines() -> None:
    assert wording.is_plain_text("a\nb", lines=True)
    assert not wording.is_plain_text("a\r\nb", lines=True)
