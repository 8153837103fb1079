"""Objects go in and come out the same, in order, and cannot be changed from outside."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.compact_objects import CompactObjects, EventObjects

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
objects = st.dictionaries(st.text(), json_values, max_size=4)


@given(st.dictionaries(st.text(), objects, max_size=5))
def test_behaves_as_a_dict(items: dict[str, dict[str, Any]]) -> None:
    kept = CompactObjects()
    kept.update(items)
    assert dict(kept) == items
    assert list(kept) == list(items)
    assert len(kept) == len(items)


def test_what_is_read_is_a_copy() -> None:
    kept = CompactObjects()
    kept["a"] = {"status": {"phase": "Pending"}}
    kept["a"]["status"]["phase"] = "Running"
    assert kept["a"] == {"status": {"phase": "Pending"}}


def test_absent_keys() -> None:
    kept = CompactObjects()
    kept["a"] = {}
    assert kept.pop("a") == {}
    assert kept.get("a") is None
    assert kept.pop("a", None) is None
    assert "a" not in kept


def test_changes_name_what_is_new_gone_or_different() -> None:
    before, after = CompactObjects(), CompactObjects()
    before.update({"same": {"v": 1}, "gone": {"v": 1}, "other": {"v": 1}})
    after.update({"same": {"v": 1}, "new": {"v": 1}, "other": {"v": 2}})
    assert set(before.changes_to(after)) == {"gone", "new", "other"}


def event(about: str, stamp: str | None = None) -> dict[str, Any]:
    return {"involvedObject": {"namespace": "n", "name": about}, "lastTimestamp": stamp}


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("xyz"), st.booleans())))
def test_events_and_their_index_agree(steps: list[tuple[str, str, bool]]) -> None:
    kept = EventObjects(most=3, most_per_pod=2)
    for key, pod, goes in steps:
        if goes:
            kept.pop(key, None)
        else:
            kept[key] = event(pod, stamp=key)
        kept.settle()
        assert len(kept) <= 3
        by_pod = {pod: kept.about(f"n/{pod}") for pod in "xyz"}
        assert sum(map(len, by_pod.values())) == len(kept)
        assert all(len(found) <= 2 for found in by_pod.values())


def test_oldest_events_go_first() -> None:
    kept = EventObjects(most=2, most_per_pod=2)
    kept.update({"new": event("x", "3"), "old": event("y", "1"), "middle": event("z", "2")})
    kept.settle()
    assert [item["lastTimestamp"] for item in kept.in_order()] == ["2", "3"]
    assert kept.subject_of("new") == "n/x"
