"""Makes views of people's workspaces from what JupyterHub, the catalogue and the state know. Reads.

Everything is in memory: neither a page nor a stream asks the database or the cluster.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyterhub.utils import url_escape_path
from studiolo_spawner import rescue
from studiolo_spawner.catalogue import Catalogue, Profile
from studiolo_spawner.offer import Person, offer_to
from studiolo_spawner.workspace_state import KEY, WorkspaceState

from studiolo_hub.ends import End, end_of
from studiolo_hub.error_words import words_for_error
from studiolo_hub.gpu_use import UseBook
from studiolo_hub.recent_stops import RecentStops, workspace_of
from studiolo_hub.restart_choice import Current, parked
from studiolo_hub.restarts import Restarts
from studiolo_hub.workspace_tools import Tool, tools_of
from studiolo_hub.workspace_view import More, State, Stop, WorkspaceView, view_of

_STATES: Mapping[str, State] = {
    "spawn": "starting",
    "check": "starting",
    "stop": "stopping",
    "rename": "stopped",
}


class WorkspaceReader:
    """Reads views. `catalogue` gives the last good one; `report_every` is None without a culler."""

    def __init__(
        self,
        catalogue: Callable[[], Catalogue | None],
        *,
        stops: RecentStops,
        restarts: Restarts,
        uses: UseBook,
        report_every: timedelta | None,
    ) -> None:
        self._catalogue = catalogue
        self._stops = stops
        self._restarts = restarts
        self._uses = uses
        self._report_every = report_every

    def views(self, user: Any) -> list[WorkspaceView]:
        """Return the views of all workspaces of a person, the first one first."""
        now = datetime.now(UTC)
        return [self.view(user, spawner, now) for spawner in user.all_spawners()]

    def view(self, user: Any, spawner: Any, now: datetime) -> WorkspaceView:
        """Return the view of one; `spawner` is one of `user.all_spawners()`."""
        # all_spawners gives database rows for workspaces that were not touched since the hub began.
        live = user.spawners.get(spawner.name)
        row = live.orm_spawner if live else spawner
        workspace = workspace_of(live) if live else _kept(row)
        state, failure = self._state_and_failure(user.name, spawner.name, live, workspace)
        profile = self._profile(workspace.profile)
        failed = workspace.failure
        restarting = self._restarts.under_way(user.name, spawner.name)
        return view_of(
            name=spawner.name,
            title=row.display_name or spawner.name,
            path=workspace_path(user, spawner.name),
            state="stopping" if restarting and state == "stopped" else state,
            workspace=workspace,
            profile=profile,
            started=utc(row.started),
            failure=failure,
            stopped=self._stop(user.name, spawner.name),
            now=now,
            more=More(
                idle_since=utc(row.last_activity),
                ends_at=self._end(profile, row),
                told=live.last_told if live and state == "starting" else "",
                failed_at=failed.at if failed else None,
                can_park=self._can_park(user, row, workspace),
                restarting=restarting and state in {"stopping", "stopped"},
                tools=self._tools(workspace),
                use=self._uses.of(user.name, spawner.name, now, utc(row.started)),
                can_rescue=failed is not None and failed.reason == rescue.REASON,
                rescuing=(row.user_options or {}).get("rescue") is True,
            ),
        )

    def _state_and_failure(
        self, user_name: str, server_name: str, live: Any | None, workspace: WorkspaceState
    ) -> tuple[State, str]:
        if live is not None and live.pending:
            return _STATES.get(live.pending, "starting"), ""
        if live is not None and live.ready:
            return "running", ""
        if live is not None and live._failed:  # noqa: SLF001 - as JupyterHub's pages do
            error = live._spawn_future.exception()  # noqa: SLF001
            return "failed", words_for_error(500, "", error).text
        kept = workspace.failure.message if workspace.failure else ""
        told = kept or self._restarts.trouble(user_name, server_name)
        return ("failed", told) if told else ("stopped", "")

    def _end(self, profile: Profile | None, row: Any) -> End | None:
        if profile is None:
            return None
        started, used = utc(row.started), utc(row.last_activity)
        return end_of(profile, started=started, last_activity=used, report_every=self._report_every)

    def _stop(self, user_name: str, server_name: str) -> Stop | None:
        remembered = self._stops.of(user_name, server_name)
        if remembered is None:
            return None
        at, profile_id = remembered
        profile = self._profile(profile_id)
        return Stop(at, gpu=bool(profile and profile.count))

    def _profile(self, profile_id: str) -> Profile | None:
        catalogue = self._catalogue()
        return catalogue.profile(profile_id) if catalogue and profile_id else None

    def _can_park(self, user: Any, row: Any, workspace: WorkspaceState) -> bool:
        catalogue = self._catalogue()
        if catalogue is None:
            return False
        offer = offer_to(person_of(user), catalogue)
        return parked(offer, Current(row.user_options or {}, workspace)) is not None

    def _tools(self, workspace: WorkspaceState) -> tuple[Tool, ...]:
        catalogue = self._catalogue()
        image = catalogue.image(workspace.actual.id) if catalogue and workspace.actual else None
        return tools_of(image.provides.tools) if image else ()


def person_of(user: Any) -> Person:
    """Return the person that JupyterHub's user is, as the catalogue's rules know people."""
    groups = frozenset(group.name for group in user.groups)
    return Person(user.name, groups, bool(user.admin))


def workspace_path(user: Any, server_name: str) -> str:
    """Return the part of an address that names one workspace, escaped."""
    escaped: str = user.escaped_name
    return f"{escaped}/{url_escape_path(server_name)}" if server_name else escaped


def utc(value: datetime | None) -> datetime | None:
    """Read a moment of JupyterHub's database, which is in UTC and does not say so."""
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def _kept(row: Any) -> WorkspaceState:
    return WorkspaceState.from_json((row.state or {}).get(KEY))
