"""When a workspace is stopped: the idle policy of its profile, applied to what the Hub knows.

`arbitrate` is pure: it decides from one server's model, the policies and the time. `CullArbiter` is
the thin edge that jupyterhub-idle-culler calls; it keeps the policies in step with the catalogue.

Truth about idleness is in the pod: kernels, terminals and GPU activity all reach the Hub as the
server's `last_activity`, so that a training run counts as use. What is decided here is only how
long a pause may be.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from studiolo_spawner.catalogue import Catalogue
from studiolo_spawner.errors import CatalogueError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Policy:
    """How long a workspace may go on: unused (`timeout`), and in all (`max_lifetime`).

    None means without end.
    """

    timeout: timedelta | None
    max_lifetime: timedelta | None = None


@dataclass(frozen=True)
class Policies:
    """The policy of every profile, of workspaces that named none, and of unknown profiles."""

    by_profile: Mapping[str, Policy]
    default_profile: str | None
    unknown: Policy

    def of(self, server: Mapping[str, object]) -> Policy:
        """Return the policy for one server model, found by the profile it was started with."""
        options = server.get("user_options")
        named = options.get("profile") if isinstance(options, Mapping) else None
        profile = named if named is not None else self.default_profile
        if not isinstance(profile, str):
            return self.unknown
        return self.by_profile.get(profile, self.unknown)


@dataclass(frozen=True)
class Decision:
    """Whether to stop a workspace, and why (for the log)."""

    cull: bool
    reason: str


def policies_of(catalogue: Catalogue, *, unknown: timedelta) -> Policies:
    """Return the policies that a catalogue states."""
    return Policies(
        {
            profile.id: Policy(profile.idle.timeout, profile.max_lifetime)
            for profile in catalogue.profiles
        },
        catalogue.defaults.profile,
        Policy(unknown),
    )


def arbitrate(
    inactive: timedelta | None,
    server: Mapping[str, object],
    policies: Policies,
    now: datetime,
    *,
    report_every: timedelta,
) -> Decision:
    """Decide about one running server. `server` is the Hub API's model of it, `now` is in UTC.

    Workspaces tell only every `report_every` when they were last active. An idle one is stopped two
    reports after its time-out: whoever went on working in the last moment is known by then, even
    if one report was lost.
    """
    policy = policies.of(server)
    started = _time(server.get("started"))
    if policy.max_lifetime is not None and started and now - started >= policy.max_lifetime:
        return Decision(cull=True, reason=f"has run for its maximum of {policy.max_lifetime}")
    if policy.timeout is None:
        return Decision(cull=False, reason="its profile never stops it for being idle")
    if inactive is not None and inactive >= policy.timeout + 2 * report_every:
        return Decision(cull=True, reason=f"was idle for its profile's {policy.timeout}")
    return Decision(cull=False, reason="is in use, or not idle for long enough")


def _time(value: object) -> datetime | None:
    """Read a time of the Hub's API, which is UTC whether or not it says so."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


class Watched(Protocol):
    """What the arbiter needs of the watched catalogue (CatalogueFile has it)."""

    @property
    def snapshot(self) -> Catalogue:
        """The last good catalogue."""

    async def start(self) -> None:
        """Read the file and follow it; nothing when that is done already."""


class CullArbiter:
    """The `cull_arbiter_hook` of jupyterhub-idle-culler."""

    def __init__(
        self,
        catalogue: Watched,
        *,
        report_every: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._catalogue = catalogue
        self._report_every = report_every
        self._clock = clock

    async def __call__(
        self, inactive: timedelta | None, inactive_limit: float, server: Mapping[str, object]
    ) -> bool:
        """Tell the culler whether to stop `server`. `inactive_limit` is for unknown profiles."""
        try:
            # Here, not in the constructor: the culler reads its configuration before its loop runs.
            await self._catalogue.start()
        except CatalogueError as error:
            # Without any policy nobody's work is stopped; the next round looks again.
            log.warning("Nothing is stopped: %s", error)
            return False
        policies = policies_of(self._catalogue.snapshot, unknown=timedelta(seconds=inactive_limit))
        decision = arbitrate(
            inactive, server, policies, self._clock(), report_every=self._report_every
        )
        if decision.cull:
            log.info("Workspace %s is stopped: it %s", server.get("full_name"), decision.reason)
        return decision.cull
