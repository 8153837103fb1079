import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.log_text import HIDDEN, MAX_LOG, clean_event, clean_events, clean_log

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        pytest.param(b"one\ntwo\n", "one\ntwo", id="lines"),
        pytest.param(b"one\r\ntwo", "one\ntwo", id="windows"),
        pytest.param(b"10 %\r50 %\r100 %\ndone", "100 %\ndone", id="a-bar-of-progress"),
        pytest.param(b"\x1b[31mred\x1b[0m \x1b]0;title\x07here", "red here", id="colours"),
        pytest.param("a\u202egnp.exe\u200b".encode(), "agnp.exe", id="reordering"),
        pytest.param(b"bell\x07 nul\x00", "bell\ufffd nul\ufffd", id="control"),
        pytest.param(b"\xff\xfe", "\ufffd\ufffd", id="no-utf-8"),
        pytest.param(b"\tindented", "\tindented", id="tab"),
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"<img onerror=x>", "<img onerror=x>", id="escaping-is-the-pages"),
    ],
)
def test_a_log_is_text(raw: bytes, shown: str) -> None:
    assert clean_log(raw) == shown


@pytest.mark.parametrize(
    "line",
    [
        f"JUPYTERHUB_API_TOKEN={TOKEN}",
        f"JPY_API_TOKEN: {TOKEN}",
        f'"api_token": "{TOKEN}"',
        f"http://127.0.0.1:8888/lab?token={TOKEN}&x=1",
        f"Authorization: token {TOKEN}",
        f"authorization: Bearer {TOKEN}",
        f"sent Bearer {TOKEN}",
        f"AWS_SECRET_ACCESS_KEY = {TOKEN}",
        f"password={TOKEN}",
        f"my_passwd: '{TOKEN}'",
    ],
)
def test_what_looks_like_a_token_is_hidden(line: str) -> None:
    shown = clean_log(f"before\n{line}\nafter".encode())
    assert TOKEN not in shown
    assert HIDDEN in shown
    assert shown.startswith("before\n")
    assert shown.endswith("\nafter")


def test_a_known_token_is_hidden_wherever_it_stands() -> None:
    shown = clean_log(f"x{TOKEN}y and {TOKEN}".encode(), [TOKEN])
    assert shown == f"x{HIDDEN}y and {HIDDEN}"


@pytest.mark.parametrize("line", ["3 tokens/s", "basic setup done", "the token is missing"])
def test_plain_words_stay(line: str) -> None:
    assert clean_log(line.encode()) == line


def test_of_a_long_log_the_end_is_kept() -> None:
    raw = b"\n".join(b"line %d" % number for number in range(100_000))
    shown = clean_log(raw)
    assert len(shown) <= MAX_LOG + 2
    assert shown.startswith("…\nline ")
    assert shown.endswith("line 99999")


@given(st.binary(max_size=500))
def test_any_bytes_become_printable_lines(raw: bytes) -> None:
    for char in clean_log(raw):
        assert char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cf", "Cs"}


@given(st.text(max_size=200), st.sampled_from(["token=", "JPY_API_TOKEN=", "Authorization: "]))
def test_no_text_around_it_saves_a_token(around: str, name: str) -> None:
    assert TOKEN not in clean_log(f"{around}\n{name}{TOKEN} {around}".encode())


def event(**fields: Any) -> dict[str, Any]:
    return {
        "lastTimestamp": "2026-03-01T12:00:00Z",
        "reason": "BackOff",
        "message": "Back-off restarting",
        **fields,
    }


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        pytest.param({}, "2026-03-01T12:00:00 BackOff: Back-off restarting", id="once"),
        pytest.param(
            {"count": 3}, "2026-03-01T12:00:00 BackOff (3 times): Back-off restarting", id="often"
        ),
        pytest.param(
            {"lastTimestamp": None, "eventTime": "2026-03-01T13:00:00.123456Z"},
            "2026-03-01T13:00:00 BackOff: Back-off restarting",
            id="newer-events",
        ),
        pytest.param(
            {"message": f"token={TOKEN}\r\nFAKE: line"},
            f"2026-03-01T12:00:00 BackOff: token={HIDDEN} FAKE: line",
            id="one-line-without-token",
        ),
        pytest.param({"message": 7, "reason": None}, "2026-03-01T12:00:00 :", id="nonsense"),
    ],
)
def test_an_event_is_a_line(fields: dict[str, Any], line: str) -> None:
    assert clean_event(event(**fields)) == line


def test_so_many_events_at_most() -> None:
    assert len(clean_events([event()] * 500)) == 50
