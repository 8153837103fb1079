"""Remembers when workspaces stopped, to tell their people. Pure, in memory, bounded.

JupyterHub forgets a workspace when it stops. After a restart of the hub nothing is told, which is
less but not wrong.
"""

from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any, Self

from studiolo_spawner.workspace_state import KEY, WorkspaceState


class RecentStops:
    """The last stops of all people; the oldest make room."""

    def __init__(self, *, limit: int = 10_000) -> None:
        self._stops: OrderedDict[tuple[str, str], tuple[datetime, str]] = OrderedDict()
        self._limit = limit

    def __deepcopy__(self, _memo: object) -> Self:
        """Stay one: traitlets copies configuration, and what is recorded must be found again."""
        return self

    def record(self, spawner: Any) -> None:
        """Note that a workspace has stopped (JupyterHub's `post_stop_hook`)."""
        key = (spawner.user.name, spawner.name)
        self._stops.pop(key, None)
        self._stops[key] = (datetime.now(UTC), workspace_of(spawner).profile)
        while len(self._stops) > self._limit:
            self._stops.popitem(last=False)

    def of(self, user_name: str, server_name: str) -> tuple[datetime, str] | None:
        """Return when one workspace stopped, and with which profile, if that is remembered."""
        return self._stops.get((user_name, server_name))


def workspace_of(spawner: Any) -> WorkspaceState:
    """Return what a live spawner's state says about its workspace; an empty one says nothing."""
    return WorkspaceState.from_json(spawner.get_state().get(KEY))
