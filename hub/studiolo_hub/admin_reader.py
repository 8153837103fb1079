"""Read JupyterHub's people and workspaces, as far as a request's scopes let. Reads the database.

What may be seen is JupyterHub's own decision (`get_scope_filter`): an administrator sees everybody,
and a role with a filter such as `read:servers!group=vision` sees that group. People whom the hub
has not met since it began are read from the database without waking anything.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

from jupyterhub import orm
from jupyterhub.scopes import Scope
from jupyterhub.utils import url_escape_path
from sqlalchemy import false, or_
from sqlalchemy.orm import selectinload
from studiolo_spawner.translation import translate as _
from studiolo_spawner.workspace_state import KEY, WorkspaceState

from studiolo_hub.admin_people import MAX_ROWS, PeopleList, PersonRow
from studiolo_hub.admin_words import ago
from studiolo_hub.admin_workspaces import WorkspaceRow
from studiolo_hub.pages import Pages
from studiolo_hub.recent_stops import workspace_of
from studiolo_hub.workspace_reading import utc
from studiolo_hub.workspace_view import State, WorkspaceView

PAGE: Final = 100
"""After so many people others have their turn on the hub's loop."""

_COLUMNS: Final = (
    "id",
    "user_id",
    "name",
    "display_name",
    "started",
    "last_activity",
    "user_options",
    "state",
)


class HubReader:
    """Reads for one request; `handler` is its handler, whose person's scopes count."""

    def __init__(self, handler: Any, pages: Pages) -> None:
        self._handler = handler
        self._pages = pages
        self._now = datetime.now(UTC)
        self._sees_server = handler.get_scope_filter("read:servers")

    @property
    def sees_all_servers(self) -> bool:
        """Whether no workspace is kept from the reader."""
        return bool(self._handler.parsed_scopes.get("read:servers") == Scope.ALL)

    async def workspaces(self, *, stopped: bool) -> list[WorkspaceRow]:
        """Return the workspaces that do not stand still, and the others if `stopped` asks so."""
        rows: list[WorkspaceRow] = []
        for number, user in enumerate(list(dict.values(self._handler.users))):
            if stopped or _has_news(user):
                rows += await self._of_known(user, stopped=stopped)
            await _let_others(number)
        if stopped:
            async for row in self._of_sleepers():
                rows.append(row)
        return rows

    async def of_person(self, user: Any) -> list[WorkspaceRow]:
        """Return all workspaces of one person."""
        return await self._of_known(user, stopped=True)

    async def _of_known(self, user: Any, *, stopped: bool) -> list[WorkspaceRow]:
        views = {view.name: view for view in await self._pages.workspaces(user)}
        rows = []
        for row in list(user.orm_spawners.values()):
            view = views.get(row.name)
            if view is None or not self._sees_server(row, kind="server"):
                continue
            if view.state != "stopped" or (stopped and _was_used(row)):
                rows.append(self._row(user.name, row, view, user.spawners.get(row.name)))
        return rows

    async def _of_sleepers(self) -> AsyncIterator[WorkspaceRow]:
        """Workspaces of people who were not here since the hub began: none of them runs.

        Columns and not objects: there may be thousands of them.
        """
        known = set(dict.keys(self._handler.users))
        columns = (
            orm.User.name.label("user_name"),
            *(getattr(orm.Spawner, name) for name in _COLUMNS),
        )
        query = self._handler.db.query(*columns).join(orm.User, orm.Spawner.user_id == orm.User.id)
        async for row in _in_pages(permitted(self._handler, query, "read:servers"), orm.Spawner.id):
            if row.user_id not in known and _was_used(row):
                yield self._row(row.user_name, row, None, None)

    def _row(self, user_name: str, row: Any, view: WorkspaceView | None, live: Any) -> WorkspaceRow:
        workspace = workspace_of(live) if live is not None else _kept(row)
        runs = workspace.actual or workspace.requested
        options = row.user_options if isinstance(row.user_options, dict) else {}
        profile_id = workspace.profile or _text(options, "profile")
        image_id = runs.id if runs else _text(options, "image")
        failure = workspace.failure
        state: State = view.state if view else "failed" if failure else "stopped"
        told = view.failure or view.fallback_reason if view else ""
        path = url_escape_path(user_name)
        return WorkspaceRow(
            user=user_name,
            name=row.name,
            title=view.title if view else row.display_name or row.name or _("My workspace"),
            state=state,
            image_id=image_id,
            image=(view.image if view else "") or self._image(image_id),
            requested_image=view.requested_image if view else "",
            reason=told or (failure.message if failure and state == "failed" else ""),
            profile_id=profile_id,
            profile=(view.profile if view else "") or self._profile(profile_id),
            started=utc(row.started) if state != "stopped" else None,
            last_activity=utc(row.last_activity),
            end=view.end if view else "",
            failed_at=failure.at if failure and state == "failed" else None,
            path=f"{path}/{url_escape_path(row.name)}" if row.name else path,
            reference=runs.reference if runs else "",
            volume=_volume(row, live),
            since=view.since if view and state in {"running", "starting"} else "",
            active=ago(utc(row.last_activity), self._now),
        )

    def _image(self, image_id: str) -> str:
        catalogue = self._pages.catalogue
        image = catalogue.image(image_id) if catalogue else None
        return image.display_name if image else image_id

    def _profile(self, profile_id: str) -> str:
        catalogue = self._pages.catalogue
        profile = catalogue.profile(profile_id) if catalogue else None
        return profile.display_name if profile else profile_id

    def people(self, text: str) -> PeopleList:
        """Return those whom the reader may list and whose name or group holds each word."""
        everybody = permitted(self._handler, self._handler.db.query(orm.User), "list:users")
        found = everybody
        for word in text.split():
            pattern = f"%{_literal(word)}%"
            named = orm.User.name.ilike(pattern, escape="\\")
            grouped = orm.User.groups.any(orm.Group.name.ilike(pattern, escape="\\"))
            found = found.filter(or_(named, grouped) if self._sees_groups else named)
        rows = (
            found.options(
                selectinload(orm.User.roles),
                selectinload(orm.User.groups),
                selectinload(orm.User._orm_spawners),  # noqa: SLF001 - as JupyterHub's own list does
            )
            .order_by(orm.User.name)
            .limit(MAX_ROWS)
        )
        people = tuple(self._person(user) for user in rows)
        return PeopleList(people, found.count(), everybody.count(), text)

    @property
    def _sees_groups(self) -> bool:
        """Whether groups may be searched: who finds somebody by a group knows the group."""
        return bool(self._handler.parsed_scopes.get("read:users:groups") == Scope.ALL)

    def person(self, user: Any) -> PersonRow:
        """Return one person."""
        return self._person(user.orm_user)

    def _person(self, user: Any) -> PersonRow:
        def sees(scope: str) -> bool:
            return bool(self._handler.get_scope_filter(scope)(user, kind="user"))

        awake = self._handler.users[user.id] if user.id in dict.keys(self._handler.users) else None
        rows = [row for row in user.orm_spawners.values() if self._sees_server(row, kind="server")]
        live = [awake.spawners.get(row.name) for row in rows] if awake else []
        seen = utc(user.last_activity) if sees("read:users:activity") else None
        groups = tuple(sorted(group.name for group in user.groups))
        roles = tuple(sorted(role.name for role in user.roles))
        return PersonRow(
            name=user.name,
            path=url_escape_path(user.name),
            groups=groups if sees("read:users:groups") else None,
            roles=roles if sees("read:roles:users") else None,
            active=sum(bool(each is not None and each.active) for each in live),
            workspaces=sum(map(_was_used, rows)),
            last_activity=seen,
            seen=ago(seen, self._now),
        )

    def names(self) -> frozenset[str]:
        """Return the names of everybody whom the hub knows."""
        return frozenset(name for (name,) in self._handler.db.query(orm.User.name))


def permitted(handler: Any, query: Any, scope: str) -> Any:
    """Narrow a query of people, or of workspaces with their people, to what a scope lets see.

    As JupyterHub's own list of users does, and for workspaces by the workspace, too.
    """
    allowed = handler.parsed_scopes.get(scope)
    if allowed == Scope.ALL:
        return query
    ways = []
    for kind, names in (allowed or {}).items():
        if kind == "user":
            ways.append(orm.User.name.in_(names))
        elif kind == "group":
            ways.append(orm.User.groups.any(orm.Group.name.in_(names)))
        elif kind == "server" and scope == "read:servers":
            ways.append((orm.User.name + "/" + orm.Spawner.name).in_(names))
    return query.filter(or_(*ways)) if ways else query.filter(false())


def _literal(word: str) -> str:
    """Escape what SQL's LIKE takes for a placeholder."""
    return re.sub(r"([\\%_])", r"\\\1", word)


async def _in_pages(query: Any, key: Any) -> AsyncIterator[Any]:
    """Read rows by their ids, a page at a time, and let the hub do something else in between."""
    last = -1
    while page := query.filter(key > last).order_by(key).limit(PAGE).all():
        for row in page:
            yield row
        last = page[-1].id
        await asyncio.sleep(0)


async def _let_others(number: int) -> None:
    if number % PAGE == PAGE - 1:
        await asyncio.sleep(0)


def _has_news(user: Any) -> bool:
    """Whether a workspace runs, is about to, or did not start: the others need no look."""
    return any(
        spawner.active or spawner.pending or spawner._failed  # noqa: SLF001 - as the home page has it
        for spawner in user.spawners.values()
    ) or any(_kept(row).failure for row in user.orm_spawners.values())


def _kept(row: Any) -> WorkspaceState:
    return WorkspaceState.from_json((row.state or {}).get(KEY))


def _was_used(row: Any) -> bool:
    """JupyterHub makes a row for everybody's first workspace before there is one."""
    return row.started is not None or row.last_activity is not None or bool(row.user_options)


def _volume(row: Any, live: Any) -> str:
    name = getattr(live, "pvc_name", None)
    if not name and isinstance(row.state, dict):
        name = row.state.get("pvc_name")
    return name if isinstance(name, str) else ""


def _text(options: dict[str, Any], key: str) -> str:
    found = options.get(key)
    return found if isinstance(found, str) else ""
