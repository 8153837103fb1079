"""The state survives the database, and anything that stands there instead."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.attempts import Attempt
from studiolo_spawner.workspace_state import Failure, ImageInUse, WorkspaceState

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    "spawn_id", "pod_uid", "profile", "requested_image", "actual_image", "attempts", "phase",
    "began", "failure", "resumed", "plan",
)  # fmt: skip
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
FAILURE = Failure(BEGAN, "quota", "The quota is used up.", 503)


def test_round_trip() -> None:
    began = datetime(2026, 3, 1, tzinfo=UTC)
    state = WorkspaceState(
        spawn_id="s1",
        pod_uid="u1",
        profile="gpu",
        requested=ImageInUse("a", "A", "r/a:1"),
        actual=ImageInUse("b", "B", "r/b:1", "sha256:00"),
        attempts=(Attempt("a", "r/a:1", None, "failed", "crashed", "It stopped.", began),),
        phase="starting",
        began=began,
        failure=FAILURE,
        resumed=2,
        plan={"request": {}},
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


def test_what_a_start_leaves() -> None:
    starting = WorkspaceState("s", "u", "gpu", phase="starting", began=BEGAN, plan={"request": {}})
    assert starting.running().plan is None
    assert starting.running().stopping().phase == "stopping"
    assert starting.afterwards() == WorkspaceState()
    assert starting.ending(None).afterwards() == WorkspaceState()
    failed = starting.ending(FAILURE)
    assert failed.stopping() == failed, "what is being undone is not merely stopped"
    left = failed.afterwards()
    assert (left.spawn_id, left.failure, left.profile) == ("", FAILURE, "gpu")
    assert WorkspaceState.from_json(left.to_json()) == left
    assert left.afterwards() == WorkspaceState()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"message": "x"}, id="no time"),
        pytest.param({"at": "2026-03-01T12:00:00", "message": "x"}, id="no zone"),
        pytest.param({"at": "2026-03-01T12:00:00+00:00"}, id="no words"),
        pytest.param("failed", id="a text"),
    ],
)
def test_what_is_no_failure_is_none(value: Any) -> None:
    assert Failure.from_json(value) is None


def test_a_failure_has_an_error_s_status() -> None:
    at = "2026-03-01T12:00:00+00:00"
    for status in (200, 1000, "x", None):
        read = Failure.from_json({"at": at, "message": "x", "status": status})
        assert read is not None
        assert (read.status, read.reason) == (503, "error")
