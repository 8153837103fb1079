from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from studiolo_hub.lifecycle import CullArbiter, Policies, Policy, arbitrate, policies_of
from studiolo_spawner.catalogue import Catalogue, parse_catalogue
from studiolo_spawner.errors import CatalogueError, Problem

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
REPORT = timedelta(minutes=1)
POLICIES = Policies(
    {
        "short": Policy(HOUR),
        "long": Policy(8 * HOUR),
        "never": Policy(None),
        "bounded": Policy(None, max_lifetime=12 * HOUR),
        "both": Policy(HOUR, max_lifetime=12 * HOUR),
    },
    default_profile="long",
    unknown=Policy(4 * HOUR),
)


def server(profile: object = None, age: timedelta = HOUR, **changes: Any) -> dict[str, Any]:
    options = {} if profile is None else {"profile": profile}
    return {
        "full_name": "ana/",
        "started": (NOW - age).isoformat(),
        "user_options": options,
        **changes,
    }


@pytest.mark.parametrize(
    ("inactive", "model", "cull"),
    [
        pytest.param(HOUR + 2 * REPORT, server("short"), True, id="idle-for-the-timeout"),
        pytest.param(HOUR, server("short"), False, id="a-report-may-be-on-its-way"),
        pytest.param(
            HOUR + 2 * REPORT - timedelta(seconds=1), server("short"), False, id="a-second-less"
        ),
        pytest.param(HOUR, server("long"), False, id="other-profile-other-timeout"),
        pytest.param(365 * 24 * HOUR, server("never"), False, id="never"),
        pytest.param(None, server("short"), False, id="activity-unknown"),
        pytest.param(timedelta(0), server("bounded", 12 * HOUR), True, id="lifetime-over"),
        pytest.param(timedelta(0), server("bounded", 11 * HOUR), False, id="lifetime-not-over"),
        pytest.param(timedelta(0), server("both", 12 * HOUR), True, id="lifetime-over-in-use"),
        pytest.param(9 * HOUR, server(), True, id="no-profile-is-the-default-one"),
        pytest.param(7 * HOUR, server(), False, id="default-profile-not-yet"),
        pytest.param(5 * HOUR, server("gone"), True, id="unknown-profile"),
        pytest.param(3 * HOUR, server("gone"), False, id="unknown-profile-not-yet"),
        pytest.param(5 * HOUR, server(["short"]), True, id="profile-is-no-text"),
        pytest.param(9 * HOUR, server(user_options=None), True, id="no-options"),
        pytest.param(9 * HOUR, server(user_options="x"), True, id="options-malformed"),
        pytest.param(timedelta(0), server("bounded", started=None), False, id="start-unknown"),
        pytest.param(timedelta(0), server("bounded", started="soon"), False, id="start-malformed"),
        pytest.param(
            timedelta(0),
            server("bounded", started="2026-02-27T12:00:00"),
            True,
            id="no-zone",
        ),
    ],
)
def test_arbitrate(inactive: timedelta | None, model: dict[str, Any], cull: bool) -> None:
    decision = arbitrate(inactive, model, POLICIES, NOW, report_every=REPORT)
    assert decision.cull is cull
    assert decision.reason


CATALOGUE = """
version: 1
defaults: {profile: cpu}
images: [{id: a, display_name: A, reference: "registry.example/a:1"}]
profiles:
  - {id: cpu, display_name: CPU, cpu: 1, memory: 1Gi, idle: {timeout: 30m}}
  - {id: gpu, display_name: GPU, cpu: 1, memory: 1Gi, idle: {timeout: never}, max_lifetime: 2d}
"""


def test_policies_are_the_catalogues() -> None:
    assert policies_of(parse_catalogue(CATALOGUE), unknown=HOUR) == Policies(
        {"cpu": Policy(timedelta(minutes=30)), "gpu": Policy(None, timedelta(days=2))},
        "cpu",
        Policy(HOUR),
    )


class Followed:
    """A catalogue file that may be bad at first."""

    def __init__(self, text: str, *, bad_looks: int = 0) -> None:
        self.snapshot: Catalogue = parse_catalogue(text)
        self.bad_looks = bad_looks

    async def start(self) -> None:
        if self.bad_looks:
            self.bad_looks -= 1
            raise CatalogueError([Problem("images", "is missing")], source="catalogue.yaml")


async def test_the_hook_follows_an_edit_of_the_catalogue() -> None:
    followed = Followed(CATALOGUE)
    hook = CullArbiter(followed, report_every=REPORT, clock=lambda: NOW)
    assert await hook(HOUR, 14400, server("cpu"))
    followed.snapshot = parse_catalogue(CATALOGUE.replace("30m", "2h"))
    assert not await hook(HOUR, 14400, server("cpu"))


async def test_the_cullers_own_limit_is_for_unknown_profiles() -> None:
    hook = CullArbiter(Followed(CATALOGUE), report_every=REPORT, clock=lambda: NOW)
    assert not await hook(2 * HOUR, 14400, server("gone"))
    assert await hook(5 * HOUR, 14400, server("gone"))


async def test_nothing_is_stopped_while_the_catalogue_was_never_good() -> None:
    hook = CullArbiter(Followed(CATALOGUE, bad_looks=1), report_every=REPORT, clock=lambda: NOW)
    assert not await hook(9 * HOUR, 14400, server("cpu"))
    assert await hook(9 * HOUR, 14400, server("cpu"))
