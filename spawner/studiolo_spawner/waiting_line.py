"""What somebody waits for who finds no room, and where they stand among others who do. Pure.

Without a queueing system nobody keeps a line: Kubernetes tries all that wait and starts what fits.
The order in which they were asked for is told as what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from studiolo_spawner.capacity import Free
from studiolo_spawner.causes import Cause
from studiolo_spawner.holders import Holder
from studiolo_spawner.queueing import Line
from studiolo_spawner.resource_words import counted, devices
from studiolo_spawner.wording import ordinal

WITHOUT_ROOM = frozenset({"no_free_gpu", "no_room", "unschedulable"})
"""Reasons of causes for which others may wait, too."""


NO_FREE_GPU = "no_free_gpu"


def with_figures(found: Cause, free: Free | None, resource: str | None, count: int) -> Cause:
    """The cause with what is free, as the menu counts it, in place of the scheduler's view.

    The scheduler says for how many machines there is too little; people count devices.
    """
    if found.reason != NO_FREE_GPU or free is None or resource is None or free.fits:
        return found
    # A device plugin may keep the whole ones' name for shares.
    shares = free.unit == "share" and not resource.endswith(".shared")
    kind = f"{resource}.shared" if shares else resource
    return replace(found, message=_shortage(free, kind, count))


def _shortage(free: Free, kind: str, count: int) -> str:
    if not free.total:
        return f"No machine offers {devices(kind, 2)} for this profile at the moment."
    if not free.free:
        if free.total == 1:
            return f"The only {devices(kind, 1)} for this profile is in use."
        return f"All {counted(kind, free.total)} for this profile are in use."
    if free.largest_block < count:
        return (
            f"No machine has {counted(kind, count)} free at once: {free.free} of {free.total} are "
            f"free, at most {free.largest_block} on one machine."
        )
    return f"{free.free} of {counted(kind, free.total)} are free, with too little CPU or memory."


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
