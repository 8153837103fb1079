"""When this workspace will be stopped, and why. Pure.

The hub decides by what it has been told, and the workspace reports only every so often: an idle
one is stopped two reports after its time-out, so that whoever went on working in the last moment is
known by then (`arbitrate` in the hub's lifecycle). The same rule gives the moments here. They are
the earliest ones: the hub looks at intervals of its own.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from jupyterlab_studiolo.said import Said
from jupyterlab_studiolo.workspace import Workspace

DEFAULT_REPORT_SECONDS: Final = 300.0  # JupyterHub's own
REPORTS: Final = 2


class KeepAlive(NamedTuple):
    """Whether a press of Keep alive does anything, and how long the last one counts."""

    offered: bool
    longest_seconds: float
    until: float | None


class Stops(NamedTuple):
    """All times are Unix seconds; None: never, or not known."""

    at: float | None
    reason: str | None
    message: str
    warn: bool
    warn_from: float | None
    idle_at: float | None
    idle_timeout_seconds: float | None
    lifetime_at: float | None
    keep_alive: KeepAlive

    def to_json(self) -> dict[str, Any]:
        """The wire format: `Stops` in openapi.json."""
        return self._asdict() | {"keep_alive": self.keep_alive._asdict()}


NEVER: Final = Stops(None, None, "", False, None, None, None, None, KeepAlive(False, 0, None))


def stops(
    workspace: Workspace | None,
    *,
    last_activity: float,
    busy: bool,
    now: float,
    report_seconds: float,
    kept_until: float | None,
) -> Stops:
    """By the profile's policy; without one nothing stops it that we know of."""
    if workspace is None:
        return NEVER
    idle = workspace.idle
    begun = _unix(workspace.lifetime_from or workspace.started_at)
    longest = workspace.max_lifetime_seconds
    lifetime_at = None if begun is None or longest is None else begun + longest
    idle_at = None
    if idle.timeout_seconds is not None:
        # Until then it counts as active, whatever happens.
        active = max(last_activity, now if busy else 0.0, kept_until or 0.0)
        idle_at = active + idle.timeout_seconds + REPORTS * report_seconds
    useful = idle_at is not None and (lifetime_at is None or idle_at < lifetime_at)
    keep = KeepAlive(
        useful and idle.keep_alive_seconds > 0, float(idle.keep_alive_seconds), kept_until
    )
    at, reason = _earlier(idle_at, lifetime_at)
    # A time-out shorter than the warning would warn all the time.
    before = float(idle.warn_before_seconds)
    if reason == "idle" and idle.timeout_seconds is not None:
        before = min(before, idle.timeout_seconds / 2)
    warn_from = None if at is None else at - before
    return Stops(
        at=at,
        reason=reason,
        message=_message(reason, workspace),
        warn=warn_from is not None and now >= warn_from,
        warn_from=warn_from,
        idle_at=idle_at,
        idle_timeout_seconds=idle.timeout_seconds,
        lifetime_at=lifetime_at,
        keep_alive=keep,
    )


def keep_alive_end(
    workspace: Workspace, state: Stops, *, wanted: float | None, now: float
) -> float:
    """Until when one press may count: within the policy, and never beyond the longest run."""
    longest = float(workspace.idle.keep_alive_seconds)
    end = now + (longest if wanted is None else min(wanted, longest))
    return end if state.lifetime_at is None else min(end, state.lifetime_at)


def report_seconds(environment: Mapping[str, str]) -> float:
    """How often this server tells the hub of its activity."""
    text = environment.get("JUPYTERHUB_ACTIVITY_INTERVAL", "")
    return float(text) if text.isdecimal() and int(text) > 0 else DEFAULT_REPORT_SECONDS


def duration(seconds: float) -> str:
    """Such as "45 min" or "1 h 30 min": units that are the same in every language."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(0, round(seconds))} s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _earlier(idle_at: float | None, lifetime_at: float | None) -> tuple[float | None, str | None]:
    if lifetime_at is not None and (idle_at is None or lifetime_at <= idle_at):
        return lifetime_at, "max_lifetime"
    return (None, None) if idle_at is None else (idle_at, "idle")


def _message(reason: str | None, workspace: Workspace) -> str:
    if reason == "max_lifetime":
        longest = duration(workspace.max_lifetime_seconds or 0)
        return Said("Stopped at the end of its longest run of %1, used or not.", longest)
    if reason == "idle":
        pause = duration(workspace.idle.timeout_seconds or 0)
        return Said("Stopped after %1 without activity, at the earliest.", pause)
    return ""


def _unix(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()
