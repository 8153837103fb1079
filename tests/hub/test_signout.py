"""What becomes of workspaces at sign-out: the decision and its words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_hub.lifecycle import Policies, Policy, arbitrate
from studiolo_hub.signout import ActiveWorkspace, Choice, Rule, fate_of, is_over, sooner

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RULE = Rule("stop_idle", 5 * MINUTE, MINUTE)
POLICIES = Policies(
    {
        "gpu": Policy(HOUR, 12 * HOUR),
        "brief": Policy(2 * MINUTE),
        "never": Policy(None),
        "mortal": Policy(None, 12 * HOUR),
    },
    default_profile="gpu",
    unknown=Policy(4 * HOUR),
)


def workspace(
    *, profile: str = "gpu", quiet: timedelta | None = timedelta(0), starting: bool = False
) -> ActiveWorkspace:
    return ActiveWorkspace(
        name="train",
        title="Training",
        starting=starting,
        started=NOW - 2 * HOUR,
        last_activity=None if quiet is None else NOW - quiet,
        user_options={"profile": profile},
    )


END = "on 2026-03-01 at 22:00 UTC"


@pytest.mark.parametrize(
    ("choice", "seen", "stops", "reason", "later"),
    [
        pytest.param(
            "stop",
            workspace(),
            True,
            "Signing out stops every workspace.",
            "",
            id="stop-even-in-use",
        ),
        pytest.param(
            "stop", workspace(starting=True), True, "Signing out stops every", "", id="stop-a-start"
        ),
        pytest.param(
            "keep",
            workspace(quiet=50 * MINUTE),
            False,
            "Signing out stops no workspace.",
            f"It is stopped after 1 hour without use, at the latest {END}.",
            id="keep",
        ),
        pytest.param(
            "keep",
            workspace(profile="never"),
            False,
            "Signing out stops no workspace.",
            "It runs until somebody stops it.",
            id="keep-without-end",
        ),
        pytest.param(
            "stop_idle",
            workspace(quiet=20 * MINUTE),
            True,
            "Nothing has happened in it for 20 minutes.",
            "",
            id="idle",
        ),
        pytest.param(
            "stop_idle",
            workspace(),
            False,
            "It was in use just now.",
            f"It is stopped when nothing has happened in it for 5 minutes, at the latest {END}.",
            id="busy",
        ),
        pytest.param(
            "stop_idle",
            workspace(quiet=6 * MINUTE),
            False,
            "It was in use 6 minutes ago.",
            f"It is stopped when nothing has happened in it for 5 minutes, at the latest {END}.",
            id="a-report-may-be-on-its-way",
        ),
        pytest.param(
            "stop_idle",
            workspace(profile="brief", quiet=3 * MINUTE),
            False,
            "It was in use 3 minutes ago.",
            "It is stopped when nothing has happened in it for 2 minutes.",
            id="the-profile-is-shorter",
        ),
        pytest.param(
            "stop_idle",
            workspace(profile="never", quiet=30 * HOUR),
            False,
            "Its profile never stops it for being idle.",
            "It runs until somebody stops it.",
            id="never-idle",
        ),
        pytest.param(
            "stop_idle",
            workspace(profile="mortal", quiet=HOUR),
            False,
            "Its profile never stops it for being idle.",
            f"It is stopped {END}.",
            id="never-idle-but-mortal",
        ),
        pytest.param(
            "stop_idle",
            workspace(profile="gone", quiet=8 * MINUTE),
            True,
            "Nothing has happened in it for 8 minutes.",
            "",
            id="profile-left-the-catalogue",
        ),
        pytest.param(
            "stop_idle",
            workspace(starting=True),
            False,
            "It is being started.",
            f"It is stopped when nothing has happened in it for 5 minutes, at the latest {END}.",
            id="starting",
        ),
        pytest.param(
            "stop_idle",
            workspace(quiet=None),
            True,
            "Nothing has happened in it for 2 hours.",
            "",
            id="never-reported",
        ),
    ],
)
def test_fate(choice: Choice, seen: ActiveWorkspace, stops: bool, reason: str, later: str) -> None:
    fate = fate_of(seen, replace(RULE, choice=choice), POLICIES, NOW)
    assert (fate.name, fate.title, fate.stops) == ("train", "Training", stops)
    assert fate.reason.startswith(reason)
    assert fate.later == later
    assert fate.watched is (choice == "stop_idle" and not stops)


def test_keep_says_nothing_of_a_culler_that_is_off() -> None:
    fate = fate_of(workspace(), replace(RULE, choice="keep", culled=False), POLICIES, NOW)
    assert fate.later == "It runs until somebody stops it."


@pytest.mark.parametrize("choice", ["stop_idle", "keep"])
def test_without_a_catalogue_nothing_is_stopped(choice: Choice) -> None:
    fate = fate_of(workspace(quiet=9 * HOUR), replace(RULE, choice=choice), None, NOW)
    assert not fate.stops
    assert fate.reason
    assert fate.later


minutes = st.integers(0, 10_000).map(lambda value: timedelta(minutes=value))


@given(
    profile=st.sampled_from([*POLICIES.by_profile, "gone"]),
    quiet=minutes,
    idle_after=minutes,
)
def test_what_the_culler_stops_sign_out_stops_too(
    profile: str, quiet: timedelta, idle_after: timedelta
) -> None:
    seen = workspace(profile=profile, quiet=quiet)
    culled = arbitrate(quiet, seen.model(), POLICIES, NOW, report_every=MINUTE).cull
    over = is_over(seen, replace(RULE, idle_after=idle_after), POLICIES, NOW)
    assert over or not culled
    # And never before two reports had their time: a busy GPU has reported by then.
    if over and not culled:
        assert quiet >= 2 * MINUTE


@given(idle_after=minutes)
def test_shorter_policies_are_never_longer(idle_after: timedelta) -> None:
    for name, policy in sooner(POLICIES, idle_after).by_profile.items():
        before = POLICIES.by_profile[name]
        assert policy.max_lifetime == before.max_lifetime
        if before.timeout is None:
            assert policy.timeout is None
        else:
            assert policy.timeout is not None
            assert policy.timeout <= before.timeout
