"""The state survives the database, and anything that stands there instead."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.attempts import Attempt
from studiolo_spawner.workspace_state import ImageInUse, WorkspaceState

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("spawn_id", "pod_uid", "profile", "requested_image", "actual_image", "attempts")


def test_round_trip() -> None:
    began = datetime(2026, 3, 1, tzinfo=UTC)
    state = WorkspaceState(
        spawn_id="s1",
        pod_uid="u1",
        profile="gpu",
        requested=ImageInUse("a", "A", "r/a:1"),
        actual=ImageInUse("b", "B", "r/b:1", "sha256:00"),
        attempts=(Attempt("a", "r/a:1", None, "failed", "crashed", "It stopped.", began),),
    )
    assert WorkspaceState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_nothing_started_is_nothing_written() -> None:
    assert WorkspaceState().to_json() == {}


@pytest.mark.parametrize("value", [None, [], "x", {}, {"spawn_id": 3, "actual_image": "x"}])
def test_what_cannot_be_read_is_empty(value: Any) -> None:
    assert WorkspaceState.from_json(value) == WorkspaceState()


@given(st.dictionaries(st.sampled_from(KEYS), json_values))
def test_any_json_is_read_without_an_error(value: dict[str, Any]) -> None:
    state = WorkspaceState.from_json(value)
    assert WorkspaceState.from_json(state.to_json()).spawn_id == state.spawn_id
