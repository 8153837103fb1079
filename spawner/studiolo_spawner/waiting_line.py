"""Where a workspace stands among those that wait for the same kind of device. Pure.

Without a queueing system nobody keeps a line: Kubernetes tries all that wait and starts what fits.
The order in which they were asked for is told as what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from studiolo_spawner.causes import Cause
from studiolo_spawner.holders import Holder
from studiolo_spawner.queueing import Line
from studiolo_spawner.wording import ordinal

WITHOUT_ROOM = frozenset({"no_free_gpu", "no_room", "unschedulable"})
"""Reasons of causes for which others may wait, too."""


def line_of(pod: str, waiting: Sequence[Holder]) -> Line | None:
    """The pod's place ("namespace/name") among workspaces that wait for the same resource.

    ``waiting``: those that asked first stand first; what a queue holds back waits elsewhere.
    """
    own = next((each for each in waiting if each.pod == pod), None)
    if own is None or own.gated:
        return None
    same = [
        each.pod
        for each in waiting
        if each.user and not each.gated and each.resource == own.resource
    ]
    return Line(same.index(pod) + 1, len(same)) if pod in same else None


def with_line(found: Cause, line: Line | None) -> Cause:
    """The cause with the place in line, where somebody else waits, too."""
    if line is None or line.length < 2 or found.reason not in WITHOUT_ROOM:
        return found
    told = (
        f"{line.length} workspaces wait for the same, and yours is the {ordinal(line.place)} by "
        "the time it was asked for; Kubernetes starts whichever fits first."
    )
    return replace(found, message=f"{found.message} {told}")
