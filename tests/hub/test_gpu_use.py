from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_hub.answers import Refused
from studiolo_hub.gpu_use import FRESH, GpuUse, Use, UseBook, read_use

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GIB = 2**30
GPU = {
    "index": 1,
    "name": "NVIDIA L4",
    "utilisation_percent": 37.4,
    "memory_used_bytes": 12 * GIB,
    "memory_total_bytes": 24 * GIB,
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({}, "37 %, 12 of 24 GiB", id="all"),
        pytest.param({"utilisation_percent": None}, "12 of 24 GiB", id="slice"),
        pytest.param({"memory_used_bytes": GIB // 2}, "37 %, 0.5 of 24 GiB", id="little"),
        pytest.param({"memory_total_bytes": None}, "37 %", id="no-total"),
        pytest.param({"memory_used_bytes": None, "utilisation_percent": 0}, "0 %", id="idle"),
    ],
)
def test_use_in_words(changes: dict[str, Any], words: str) -> None:
    use = read_use({"version": 1, "gpus": [GPU | changes]}, NOW)
    assert [each.words for each in use.gpus] == [words]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="empty"),
        pytest.param({"version": 2, "gpus": []}, id="version"),
        pytest.param({"version": 1, "gpus": {}}, id="no-list"),
        pytest.param({"version": 1, "gpus": ["x"]}, id="no-object"),
        pytest.param({"version": 1, "gpus": [GPU] * 65}, id="too-many"),
        pytest.param({"version": 1, "gpus": [GPU | {"utilisation_percent": 101}]}, id="101"),
        pytest.param({"version": 1, "gpus": [GPU | {"utilisation_percent": True}]}, id="bool"),
        pytest.param({"version": 1, "gpus": [GPU | {"utilisation_percent": "<b>"}]}, id="text"),
        pytest.param({"version": 1, "gpus": [GPU | {"memory_used_bytes": -1}]}, id="negative"),
        pytest.param({"version": 1, "gpus": [GPU | {"index": float("nan")}]}, id="nan"),
    ],
)
def test_what_is_no_report_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        read_use(body, NOW)


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text() | st.none(), max_size=5))
def test_any_object_is_a_report_or_refused(body: dict[str, Any]) -> None:
    with suppress(Refused):
        use = read_use({"version": 1, "gpus": [body]}, NOW)
        assert isinstance(use.gpus[0].words, str)


def test_what_is_old_or_of_an_earlier_start_is_not_told() -> None:
    book, use = UseBook(), Use(NOW, (GpuUse(0, 1.0, None, None),))
    book.note("ana", "", use)
    assert book.of("ana", "", NOW, NOW - timedelta(hours=1)) == use
    assert book.of("ana", "", NOW + FRESH + timedelta(seconds=1), None) is None
    assert book.of("ana", "", NOW, NOW + timedelta(seconds=1)) is None
    assert book.of("ana", "other", NOW, None) is None


def test_a_book_is_bounded() -> None:
    book, use = UseBook(limit=2), Use(NOW, ())
    for name in ("a", "b", "c"):
        book.note(name, "", use)
    assert [book.of(name, "", NOW, None) is not None for name in "abc"] == [False, True, True]
