"""When a workspace will be stopped by itself, by the rules that the culler applies. Pure.

The moment is a forecast: a workspace that is used again is not idle, and what is told is then told
anew. Two reports of grace are in it, as in `lifecycle.arbitrate`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from studiolo_spawner.catalogue import Profile


@dataclass(frozen=True)
class End:
    """The moment, and which rule it is."""

    at: datetime
    reason: Literal["idle", "lifetime"]


def end_of(
    profile: Profile,
    *,
    started: datetime | None,
    last_activity: datetime | None,
    report_every: timedelta | None,
) -> End | None:
    """Return what comes first; None when nothing stops it. `report_every`: None without a culler.

    Times are in UTC and say so.
    """
    if report_every is None:
        return None
    ends: list[End] = []
    if profile.idle.timeout is not None and last_activity is not None:
        ends.append(End(last_activity + profile.idle.timeout + 2 * report_every, "idle"))
    if profile.max_lifetime is not None and started is not None:
        ends.append(End(started + profile.max_lifetime, "lifetime"))
    return min(ends, key=lambda end: end.at, default=None)
