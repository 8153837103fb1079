"""Watch lines: cut anywhere, put together again; errors told apart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.watch_stream import (
    LineSplitter,
    WatchExpired,
    WatchFailed,
    parse_event,
    raise_for_status,
)

text_line = st.binary(min_size=1, max_size=40).filter(lambda b: b"\n" not in b and b.strip())


@given(st.lists(text_line), st.lists(st.integers(0, 400)))
def test_lines_survive_any_cut(lines: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    splitter, found, last = LineSplitter(), [], 0
    for cut in [*sorted(c for c in cuts if c <= len(stream)), len(stream)]:
        found += list(splitter.feed(stream[last:cut]))
        last = cut
    assert found == lines


def test_endless_line_is_refused() -> None:
    splitter = LineSplitter(limit=10)
    list(splitter.feed(b"12345"))
    with pytest.raises(WatchFailed, match="longer than 10 bytes"):
        list(splitter.feed(b"67890!"))


def test_event_carries_its_version() -> None:
    event = parse_event(b'{"type":"ADDED","object":{"metadata":{"resourceVersion":"7"}}}')
    assert (event.kind, event.resource_version) == ("ADDED", "7")


@pytest.mark.parametrize(
    ("message", "error"),
    [
        pytest.param({"type": "ERROR", "object": {"code": 410}}, WatchExpired, id="gone"),
        pytest.param({"type": "ERROR", "object": {"code": 500}}, WatchFailed, id="server error"),
        pytest.param({"type": "ERROR", "object": {}}, WatchFailed, id="error without a code"),
        pytest.param({"type": "ADDED"}, WatchFailed, id="no object"),
        pytest.param(["ADDED"], WatchFailed, id="not an object"),
    ],
)
def test_errors_in_the_stream(message: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_event(json.dumps(message).encode())


def test_noise_is_an_error() -> None:
    with pytest.raises(WatchFailed):
        parse_event(b"<html>502 Bad Gateway</html>")


@pytest.mark.parametrize(("code", "error"), [(410, WatchExpired), (403, WatchFailed)])
def test_statuses(code: int, error: type[Exception]) -> None:
    raise_for_status(200, "OK")
    with pytest.raises(error):
        raise_for_status(code, "")
