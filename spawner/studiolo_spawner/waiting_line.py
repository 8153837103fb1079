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
from studiolo_spawner.translation import joined
from studiolo_spawner.translation import translate as _

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
    words = {
        "kind": devices(kind, 2 if free.total != 1 else 1),
        "all": counted(kind, free.total),
        "free": str(free.free),
    }
    if not free.total:
        told = _("No machine offers %(kind)s for this profile at the moment.")
    elif not free.free and free.total == 1:
        told = _("The only %(kind)s for this profile is in use.")
    elif not free.free:
        told = _("All %(all)s for this profile are in use.")
    elif free.largest_block < count:
        told = _(
            "No machine has %(wanted)s free at once: %(free)s of %(total)s are free, at most "
            "%(most)s on one machine."
        )
        words |= {
            "wanted": counted(kind, count),
            "total": str(free.total),
            "most": str(free.largest_block),
        }
    else:
        told = _("%(free)s of %(all)s are free, with too little CPU or memory.")
    return told % words


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
    told = _(
        "%(count)s workspaces wait for the same, and yours is number %(place)s by the time it was "
        "asked for; Kubernetes starts whichever fits first."
    ) % {"count": line.length, "place": line.place}
    return replace(found, message=joined(found.message, told))
