"""What our templates ask for, under the one name `studiolo`. Reads JupyterHub's objects.

JupyterHub renders its pages from templates; ours extend them and take what they show beyond it from
a `Pages` object: the brand, addresses of our static files, the views of a person's workspaces, the
words of an error, the catalogue's problem (for administrators). Nothing here changes anything.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from jupyterhub.spawner import SpawnException
from jupyterhub.utils import url_escape_path
from studiolo_spawner.catalogue import Catalogue, Profile
from studiolo_spawner.catalogue_file import CatalogueProblem
from studiolo_spawner.image_health import HealthBook
from studiolo_spawner.workspace_state import KEY, WorkspaceState

from studiolo_hub.error_words import Words, plain_message, words_for_error
from studiolo_hub.image_report import health_report
from studiolo_hub.restarts import Restarts
from studiolo_hub.settings import Brand
from studiolo_hub.workspace_view import State, Stop, WorkspaceView, view_of

STATIC_DIR = Path(__file__).parent / "static"
_STATES: Mapping[str, State] = {
    "spawn": "starting",
    "check": "starting",
    "stop": "stopping",
    "rename": "stopped",
}


class KnownCatalogue(Protocol):
    """What the pages need of the catalogue (CatalogueLink has it)."""

    path: str
    health: HealthBook

    async def follow(self) -> None:
        """See to it that the file is followed."""

    @property
    def snapshot(self) -> Catalogue | None:
        """The last good catalogue."""

    @property
    def problem(self) -> CatalogueProblem | None:
        """Why the file is not in use as it is now."""


class Issuer(Protocol):
    """What the login page needs of the sign-in service (IssuerProbe has it)."""

    async def away(self) -> bool:
        """Whether it does not answer."""


class RecentStops:
    """Remembers when workspaces stopped, to tell their people; the oldest make room.

    JupyterHub forgets a workspace when it stops. After a restart of the hub nothing is told, which
    is less but not wrong.
    """

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


class Pages:
    """The templates' `studiolo`."""

    def __init__(
        self,
        brand: Brand,
        *,
        issuer: Issuer,
        stops: RecentStops,
        catalogue: KnownCatalogue,
    ) -> None:
        self.brand = brand
        self._issuer = issuer
        self._stops = stops
        self._catalogue = catalogue
        self.restarts = Restarts()

    def __deepcopy__(self, _memo: object) -> Self:
        """Stay one, for the templates and the handlers alike (see `RecentStops`)."""
        return self

    def asset(self, name: str) -> str:
        """Return a static file's name with its content's hash, so that browsers may keep it."""
        return f"{name}?v={_digest(name)}"

    async def sign_in_away(self) -> bool:
        """Whether the sign-in service does not answer. For the login page, which is async."""
        return await self._issuer.away()

    def catalogue_problem(self) -> CatalogueProblem | None:
        """What is wrong with the catalogue's last edit; None when it is in effect."""
        return self._catalogue.problem

    def has_catalogue(self) -> bool:
        """Whether there is a good catalogue to start workspaces from."""
        return self._catalogue.snapshot is not None

    async def follow(self) -> None:
        """See to it that the catalogue is followed."""
        await self._catalogue.follow()

    @property
    def catalogue(self) -> Catalogue | None:
        """The last good catalogue."""
        return self._catalogue.snapshot

    async def catalogue_status(self) -> dict[str, object]:
        """The same as JSON, with what is in use."""
        await self._catalogue.follow()
        problem, catalogue = self._catalogue.problem, self._catalogue.snapshot
        return {
            "source": self._catalogue.path,
            "in_effect": problem is None,
            "images": len(catalogue.images) if catalogue else 0,
            "profiles": len(catalogue.profiles) if catalogue else 0,
            "since": problem.since.isoformat() if problem else None,
            "problems": [asdict(each) for each in problem.problems] if problem else [],
        }

    async def image_health(self) -> dict[str, object]:
        """Return how the images have fared, for administrators."""
        await self._catalogue.follow()
        catalogue = self._catalogue.snapshot
        images = catalogue.images if catalogue else ()
        return health_report(images, self._catalogue.health, datetime.now(UTC))

    async def workspaces(self, user: Any) -> list[WorkspaceView]:
        """Return the views of all workspaces of a person, the first one first."""
        await self._catalogue.follow()
        now = datetime.now(UTC)
        return [self._view(user, spawner, now) for spawner in user.all_spawners()]

    def workspace_path(self, user: Any, server_name: str) -> str:
        """Return the part of an address that names one workspace, escaped."""
        escaped: str = user.escaped_name
        return f"{escaped}/{url_escape_path(server_name)}" if server_name else escaped

    def form_action(self, url: str) -> str:
        """Return a form's address without the XSRF token, which the form carries as a field.

        In an address it would stand in histories and logs.
        """
        parts = urlsplit(url)
        query = [
            pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "_xsrf"
        ]
        return urlunsplit(parts._replace(query=urlencode(query)))

    def seconds_since_start(self, spawner: Any) -> int:
        """Return for how long a start has been under way."""
        started = spawner.orm_spawner.started
        if started is None:
            return 0
        return max(int((datetime.now(UTC) - started.replace(tzinfo=UTC)).total_seconds()), 0)

    def error(self, status: int, message: str, exception: BaseException | None) -> Words:
        """Return the words of an error page."""
        return words_for_error(status, message or "", exception)

    def is_refused_start(self, exception: object) -> bool:
        """Whether an error is a start that we refused, whose HTML is our own."""
        return isinstance(exception, SpawnException)

    def plain_message(self, message: str | None) -> str:
        """Return a failed start's message without JupyterHub's technical words."""
        return plain_message(message or "")

    def _view(self, user: Any, spawner: Any, now: datetime) -> WorkspaceView:
        # all_spawners gives database rows for workspaces that were not touched since the hub began.
        live = user.spawners.get(spawner.name)
        row = live.orm_spawner if live else spawner
        workspace = workspace_of(live) if live else WorkspaceState()
        return view_of(
            name=spawner.name,
            title=row.display_name or spawner.name,
            path=self.workspace_path(user, spawner.name),
            state=_state(live),
            workspace=workspace,
            profile=self._profile(workspace.profile),
            started=row.started.replace(tzinfo=UTC) if row.started else None,
            failure=_failure(live),
            stopped=self._stop(user.name, spawner.name),
            now=now,
        )

    def _stop(self, user_name: str, server_name: str) -> Stop | None:
        remembered = self._stops.of(user_name, server_name)
        if remembered is None:
            return None
        at, profile_id = remembered
        profile = self._profile(profile_id)
        return Stop(at, gpu=bool(profile and profile.count))

    def _profile(self, profile_id: str) -> Profile | None:
        catalogue = self._catalogue.snapshot
        return catalogue.profile(profile_id) if catalogue and profile_id else None


def workspace_of(spawner: Any) -> WorkspaceState:
    """Return what a live spawner's state says about its workspace; an empty one says nothing."""
    return WorkspaceState.from_json(spawner.get_state().get(KEY))


def _state(spawner: Any | None) -> State:
    if spawner is None:
        return "stopped"
    if spawner.pending:
        return _STATES.get(spawner.pending, "starting")
    if spawner.ready:
        return "running"
    return "failed" if spawner._failed else "stopped"  # noqa: SLF001 - as JupyterHub's pages do


def _failure(spawner: Any | None) -> str:
    if spawner is None or not spawner._failed:  # noqa: SLF001
        return ""
    return words_for_error(500, "", spawner._spawn_future.exception()).text  # noqa: SLF001


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC_DIR / name).read_bytes()).hexdigest()[:16]
