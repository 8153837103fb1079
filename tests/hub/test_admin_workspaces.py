from dataclasses import replace
from typing import get_args
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_hub.admin_workspaces import (
    MAX_ROWS,
    Filter,
    States,
    WorkspaceRow,
    as_json,
    workspace_list,
)
from studiolo_hub.workspace_view import State

ROW = WorkspaceRow(
    user="ana@example.org",
    name="train",
    title="Training run",
    state="running",
    image_id="torch",
    image="PyTorch 2.9",
    requested_image="",
    reason="",
    profile_id="gpu",
    profile="One L4",
    started=None,
    last_activity=None,
    end="",
    path="ana@example.org/train",
    volume="claim-ana",
)
STATES: tuple[State, ...] = get_args(State)


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        pytest.param(Filter(), True, id="usual"),
        pytest.param(Filter(text="ana"), True, id="user"),
        pytest.param(Filter(text="TRAINING ana"), True, id="words-in-any-order-and-case"),
        pytest.param(Filter(text="pytorch"), True, id="image-name"),
        pytest.param(Filter(text="claim-ana"), True, id="volume"),
        pytest.param(Filter(text="ana ben"), False, id="every-word-must-be-there"),
        pytest.param(Filter(state="running"), True, id="state"),
        pytest.param(Filter(state="failed"), False, id="another-state"),
        pytest.param(Filter(profile="gpu"), True, id="profile"),
        pytest.param(Filter(profile="gp"), False, id="a-profile-is-exact"),
        pytest.param(Filter(image="torch"), True, id="image"),
        pytest.param(Filter(image="PyTorch 2.9"), False, id="an-image-is-its-id"),
    ],
)
def test_what_a_filter_shows(chosen: Filter, shown: bool) -> None:
    assert chosen.shows(ROW) is shown


@pytest.mark.parametrize("state", STATES)
def test_states(state: State) -> None:
    row = replace(ROW, state=state)
    assert Filter(state="all").shows(row)
    assert Filter().shows(row) is (state != "stopped")
    assert [one for one in STATES if Filter(state=one).shows(row)] == [state]


texts = st.text(st.characters(codec="utf-8"), max_size=30)


@given(text=texts.map(str.strip), state=st.sampled_from(get_args(States)), profile=texts)
def test_a_filter_survives_its_own_address(text: str, state: States, profile: str) -> None:
    chosen = Filter(text=text, state=state, profile=profile)
    query = parse_qs(chosen.query)
    assert Filter.of(lambda name: query.get(name, [""])[0]) == chosen


@given(state=st.text(max_size=20), text=st.text(max_size=300))
def test_no_address_breaks_the_filter(state: str, text: str) -> None:
    chosen = Filter.of(lambda name: {"state": state, "q": text}.get(name, ""))
    assert chosen.state in get_args(States)
    assert len(chosen.text) <= 100
    chosen.shows(ROW)


def test_those_in_trouble_stand_first_then_by_name() -> None:
    rows = [
        replace(ROW, user="c", state="running"),
        replace(ROW, user="b", state="failed"),
        replace(ROW, user="a", state="running"),
        replace(ROW, user="d", state="starting"),
        replace(ROW, user="e", state="stopped"),
    ]
    shown = workspace_list(rows, Filter())
    assert [row.user for row in shown.rows] == ["b", "d", "a", "c"]
    assert (shown.found, shown.total) == (4, 5)
    assert shown.states == {"running": 2, "starting": 1, "stopping": 0, "stopped": 1, "failed": 1}


def test_a_long_list_is_cut_and_says_so() -> None:
    rows = [replace(ROW, name=str(number)) for number in range(MAX_ROWS + 7)]
    shown = workspace_list(rows, Filter())
    assert (len(shown.rows), shown.found) == (MAX_ROWS, MAX_ROWS + 7)
    assert as_json(shown)["found"] == MAX_ROWS + 7
