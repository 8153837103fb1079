"""When a workspace will be stopped: as the hub's own rule says it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyterlab_studiolo.stops import (
    NEVER,
    Stops,
    duration,
    keep_alive_end,
    report_seconds,
    stops,
)
from jupyterlab_studiolo.workspace import Workspace, parse_workspace
from studiolo_hub.lifecycle import Policies, Policy, arbitrate

EXAMPLE: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "contract" / "workspace.json").read_text("utf-8")
)["whole GPU"]
BEGAN = datetime.fromisoformat(EXAMPLE["lifetime_from"]).timestamp()
HOUR = 3600.0


def workspace(timeout: float | None = HOUR, longest: float | None = None, **idle: int) -> Workspace:
    rules = EXAMPLE["idle"] | {"timeout_seconds": timeout and int(timeout)} | idle
    whole = EXAMPLE | {"idle": rules, "max_lifetime_seconds": longest and int(longest)}
    return parse_workspace(json.dumps(whole))


def at(
    where: Workspace | None,
    now: float,
    *,
    last: float = BEGAN,
    busy: bool = False,
    kept: float | None = None,
    report: float = 300,
) -> Stops:
    return stops(
        where, last_activity=last, busy=busy, now=now, report_seconds=report, kept_until=kept
    )


def test_outside_studiolo_nothing_is_known() -> None:
    assert at(None, BEGAN) == NEVER


@pytest.mark.parametrize(
    ("where", "last", "moment", "reason"),
    [
        pytest.param(workspace(), BEGAN, BEGAN + HOUR + 600, "idle", id="idle"),
        pytest.param(workspace(None), BEGAN, None, None, id="never"),
        pytest.param(
            workspace(longest=4 * HOUR), BEGAN, BEGAN + HOUR + 600, "idle", id="idle first"
        ),
        pytest.param(
            workspace(longest=4 * HOUR),
            BEGAN + 3 * HOUR,
            BEGAN + 4 * HOUR,
            "max_lifetime",
            id="longest run first",
        ),
        pytest.param(
            workspace(None, 4 * HOUR),
            BEGAN,
            BEGAN + 4 * HOUR,
            "max_lifetime",
            id="longest run only",
        ),
    ],
)
def test_says_when_and_why(
    where: Workspace, last: float, moment: float | None, reason: str | None
) -> None:
    found = at(where, last + 60, last=last)
    assert (found.at, found.reason, bool(found.message)) == (moment, reason, reason is not None)


@given(
    timeout=st.integers(60, 10**5),
    longest=st.none() | st.integers(60, 10**5),
    idle_for=st.integers(0, 10**5),
    report=st.integers(1, 600),
)
def test_the_hub_stops_it_then_and_not_before(
    timeout: int, longest: int | None, idle_for: int, report: int
) -> None:
    """The moment that people are told is the one at which the culler's own rule turns."""
    last = BEGAN + idle_for
    found = at(workspace(timeout, longest), last, last=last, report=report)
    assert found.at is not None
    policy = Policy(
        timedelta(seconds=timeout), None if longest is None else timedelta(seconds=longest)
    )
    policies = Policies({"gpu-l4": policy}, None, policy)
    started = datetime.fromtimestamp(BEGAN, UTC)
    server = {"user_options": {"profile": "gpu-l4"}, "started": started.isoformat()}

    def culled(moment: float) -> bool:
        return arbitrate(
            timedelta(seconds=moment - last),
            server,
            policies,
            datetime.fromtimestamp(moment, UTC),
            report_every=timedelta(seconds=report),
        ).cull

    assert culled(found.at)
    assert not culled(found.at - 1)


def test_a_workspace_at_work_is_not_idle_yet() -> None:
    found = at(workspace(), BEGAN + 10 * HOUR, last=BEGAN + 10 * HOUR - 30, busy=True)
    assert found.at == BEGAN + 11 * HOUR + 600
    assert not found.warn


@pytest.mark.parametrize(
    ("timeout", "warn_before", "moment", "warned"),
    [
        pytest.param(HOUR, 300, HOUR + 299, False, id="not yet"),
        pytest.param(HOUR, 300, HOUR + 300, True, id="in time"),
        pytest.param(120, 300, 10, False, id="a warning longer than the pause is halved"),
        pytest.param(120, 300, 120 + 600 - 60, True, id="and comes all the same"),
    ],
)
def test_warns_in_time(timeout: float, warn_before: int, moment: float, warned: bool) -> None:
    where = workspace(timeout, warn_before_seconds=warn_before)
    assert at(where, BEGAN + moment).warn is warned


def test_warns_of_the_longest_run_even_at_work() -> None:
    where = workspace(longest=2 * HOUR)
    now = BEGAN + 2 * HOUR - 60
    assert at(where, now, last=now, busy=True).warn


def test_keep_alive_holds_the_idle_stop_off() -> None:
    found = at(workspace(), BEGAN + 60, kept=BEGAN + 2 * HOUR)
    assert found.at == BEGAN + 3 * HOUR + 600
    assert found.keep_alive.until == BEGAN + 2 * HOUR


@pytest.mark.parametrize(
    ("where", "last", "offered"),
    [
        pytest.param(workspace(), BEGAN, True, id="yes"),
        pytest.param(workspace(keep_alive_seconds=0), BEGAN, False, id="not in this profile"),
        pytest.param(workspace(None), BEGAN, False, id="never idle"),
        pytest.param(workspace(longest=4 * HOUR), BEGAN + 3 * HOUR, False, id="no use any more"),
    ],
)
def test_keep_alive_is_offered_where_it_helps(where: Workspace, last: float, offered: bool) -> None:
    assert at(where, last, last=last).keep_alive.offered is offered


@pytest.mark.parametrize(
    ("wanted", "longest", "end"),
    [(None, None, 7200), (60, None, 60), (10**9, None, 7200), (None, HOUR, HOUR)],
    ids=["all", "less", "too much", "longest run"],
)
def test_keep_alive_ends_within_the_policy(
    wanted: float | None, longest: float | None, end: float
) -> None:
    where = workspace(longest=longest)
    state = at(where, BEGAN)
    assert keep_alive_end(where, state, wanted=wanted, now=BEGAN) == BEGAN + end


@pytest.mark.parametrize(("text", "seconds"), [("", 300), ("60", 60), ("0", 300), ("x", 300)])
def test_reads_how_often_it_reports(text: str, seconds: float) -> None:
    assert report_seconds({"JUPYTERHUB_ACTIVITY_INTERVAL": text}) == seconds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (20, "20 s"), (60, "1 min"), (3600, "1 h"), (5400, "1 h 30 min"), (86400, "24 h")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
