from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from studiolo_hub.ends import End, end_of
from studiolo_hub.lifecycle import Policies, Policy, arbitrate
from studiolo_spawner.catalogue import Profile

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def profile(**changes: Any) -> Profile:
    return Profile.model_validate(
        {"id": "p", "display_name": "P", "cpu": 1, "memory": "1Gi", **changes}
    )


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        pytest.param({}, End(NOW + 62 * MINUTE, "idle"), id="idle"),
        pytest.param(
            {"max_lifetime": "2h"}, End(NOW + 60 * MINUTE, "lifetime"), id="lifetime-first"
        ),
        pytest.param({"max_lifetime": "4h"}, End(NOW + 62 * MINUTE, "idle"), id="idle-first"),
        pytest.param({"idle": {"timeout": "never"}}, None, id="never"),
    ],
)
def test_what_comes_first(changes: dict[str, Any], end: End | None) -> None:
    started = NOW - timedelta(hours=1)
    found = end_of(profile(**changes), started=started, last_activity=NOW, report_every=MINUTE)
    assert found == end


def test_nobody_stops_anything_without_a_culler() -> None:
    found = end_of(profile(max_lifetime="1h"), started=NOW, last_activity=NOW, report_every=None)
    assert found is None


def test_what_is_unknown_is_not_forecast() -> None:
    found = end_of(profile(), started=None, last_activity=None, report_every=MINUTE)
    assert found is None


@pytest.mark.parametrize("lifetime", ["50m", "3h"])
def test_the_forecast_is_the_cullers_moment(lifetime: str) -> None:
    """At the moment that was told the culler stops it, and not a second sooner."""
    one = profile(max_lifetime=lifetime)
    end = end_of(one, started=NOW, last_activity=NOW, report_every=MINUTE)
    assert end
    policies = Policies(
        {"p": Policy(one.idle.timeout, one.max_lifetime)}, None, Policy(timedelta(hours=9))
    )
    server = {"started": NOW.isoformat(), "user_options": {"profile": "p"}}
    for at, stops in ((end.at, True), (end.at - timedelta(seconds=1), False)):
        decision = arbitrate(at - NOW, server, policies, at, report_every=MINUTE)
        assert decision.cull is stops
