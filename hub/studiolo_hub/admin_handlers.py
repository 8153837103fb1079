"""The administration, under /hub/studiolo/admin: pages for people, the same as JSON for programs.

Every address needs `admin-ui`, and the scope of what it shows: JupyterHub decides, with its roles
and their filters, who sees and does what. An address that ends in `.json`, or is asked for with a
token, answers in JSON (docs/administration.md, tests/contract/admin.json). What changes something
is a POST that JupyterHub's XSRF check guards.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_path_join
from studiolo_spawner.shared_parts import SharedParts
from tornado.httputil import url_concat

from studiolo_hub import (
    admin_catalogue,
    admin_gpus,
    admin_overview,
    admin_people,
    admin_workspaces,
    volumes,
)
from studiolo_hub.admin_events import MAX_STREAMS
from studiolo_hub.admin_images import ImageRow, custom_images, custom_json, image_rows
from studiolo_hub.admin_reader import HubReader
from studiolo_hub.admin_words import ago, moment
from studiolo_hub.administration import Administration, silent_seconds
from studiolo_hub.answers import AnswerHandler, Refused
from studiolo_hub.event_stream import EventStreamHandler
from studiolo_hub.stopping import stop_workspace

#: What each page is called in the second line of navigation, and the scope that it needs.
PAGES = {
    "": "admin-ui",
    "workspaces": "read:servers",
    "gpus": "read:servers",
    "images": "admin-ui",
    "catalogue": "admin-ui",
    "people": "list:users",
    "volumes": "admin:servers",
}


class AdminHandler(AnswerHandler):
    """What all of these share."""

    def initialize(self, administration: Administration) -> None:
        """Take what the pages know."""
        self.administration = administration
        self.now = datetime.now(UTC)

    async def prepare(self) -> None:
        """Lead people who are not signed in to the login, and programs to a refusal."""
        await super().prepare()
        anonymous = not self._finished and self.current_user is None
        if anonymous and self.request.method in {"GET", "HEAD"} and not self.for_program:
            next_page = {"next": self.request.uri}
            self.redirect(url_concat(self.settings["login_url"], next_page))

    @property
    def for_program(self) -> bool:
        """Whether JSON is wanted."""
        return bool(self.request.path.endswith(".json") or super().for_program)

    @property
    def reader(self) -> HubReader:
        """What this request may read of the hub."""
        return HubReader(self, self.administration.pages)

    @property
    def spawner(self) -> Any:
        """The reader's own spawner, for its configuration; None for a service."""
        return getattr(self.current_user, "spawner", None)

    def at(self, page: str) -> str:
        """Return the address of one of the pages."""
        return str(url_path_join(self.hub.base_url, "studiolo/admin", page)).rstrip("/")

    def argument(self, name: str) -> str:
        """Return one value of the address's query."""
        return str(self.get_query_argument(name, ""))

    async def show(self, page: str, document: Callable[[], dict[str, Any]], **names: Any) -> None:
        """Answer with the JSON document, or with the page of that name."""
        if self.for_program:
            self.write_json({"at": moment(self.now), **document()})
            return
        pages = [name for name, scope in PAGES.items() if scope in self.parsed_scopes]
        self.set_header("Cache-Control", "no-store")
        self.finish(
            await self.render_template(
                f"admin/{page}.html", here="admin", page=page, pages=pages, at=self.at, **names
            )
        )

    async def parts(self) -> SharedParts | None:
        """Return what the spawners share."""
        return await self.administration.parts(self.spawner)

    def images(self) -> tuple[ImageRow, ...]:
        """Return how the images fare."""
        link = self.administration.catalogue
        catalogue = link.snapshot
        return image_rows(catalogue.images if catalogue else (), link.health, self.now)

    async def gpus(self, rows: list[admin_workspaces.WorkspaceRow]) -> "GpuKnowledge":
        """Return who holds what, named as far as `rows` are the reader's to see."""
        parts = await self.parts()
        watch = getattr(parts, "cluster", None)
        if watch is None or not watch.nodes:
            return None, False if watch is not None and watch.scope != "off" else None
        seen = {(row.user, row.name) for row in rows}
        everything = self.reader.sees_all_servers
        report = admin_gpus.gpu_report(
            watch.nodes,
            watch.holders(),
            watch.waiting(),
            catalogue=self.administration.catalogue.snapshot,
            may_read=lambda user, server: everything or (user, server) in seen,
            now=self.now,
        )
        return report, bool(watch.known)


#: The report, and whether its figures are up to date: None where nobody wants them.
GpuKnowledge = tuple[admin_gpus.GpuReport | None, bool | None]


class OverviewHandler(AdminHandler):
    """What is wrong, who holds what, who waits."""

    @needs_scope("admin-ui")
    async def get(self) -> None:
        """Show it."""
        rows = await self.reader.workspaces(stopped=False)
        gpus, known = await self.gpus(rows)
        link = self.administration.catalogue
        sign_in_away, cluster_away = await asyncio.gather(
            self.administration.pages.sign_in_away(),
            self.administration.cluster_away(self.spawner),
        )
        signs = admin_overview.Signs(
            problem=link.problem,
            has_catalogue=link.snapshot is not None,
            images=self.images(),
            silent_seconds=silent_seconds(),
            capacity_known=known,
            cluster_away=cluster_away,
            sign_in_away=sign_in_away,
            workspaces=rows,
            gpus=gpus,
        )
        found = admin_overview.alarms(signs, self.now)
        states = admin_workspaces.count_states(rows)
        del states["stopped"]  # nobody was asked about those
        await self.show(
            "overview",
            lambda: {
                "alarms": admin_overview.as_json(found),
                "workspaces": states,
                "gpus": admin_gpus.as_json(gpus) if gpus else None,
            },
            alarms=found,
            states=states,
            gpus=gpus,
            known=known,
        )


class WorkspacesHandler(AdminHandler):
    """Everybody's workspaces."""

    @needs_scope("admin-ui")
    @needs_scope("read:servers", post_filter=True)
    async def get(self) -> None:
        """Show the list, narrowed as the address asks."""
        chosen = admin_workspaces.Filter.of(self.argument)
        await self.administration.catalogue.follow()
        asked_for_stopped = chosen.state in {"all", "stopped"}
        rows = await self.reader.workspaces(stopped=asked_for_stopped)
        shown = admin_workspaces.workspace_list(rows, chosen)
        catalogue = self.administration.catalogue.snapshot
        await self.show(
            "workspaces",
            lambda: admin_workspaces.as_json(shown),
            shown=shown,
            profiles=_choices(catalogue.profiles if catalogue else ()),
            images=_choices(catalogue.images if catalogue else ()),
            stopped=self.argument("stopped"),
        )


class StopHandler(AdminHandler):
    """Stop anybody's workspace, and go back to the list."""

    @needs_scope("admin-ui")
    async def post(self, user_name: str, server_name: str = "") -> None:
        """Stop it; JupyterHub's scope for stopping that very workspace decides."""
        await self._stop(user_name=user_name, server_name=server_name)

    @needs_scope("delete:servers")
    async def _stop(self, user_name: str, server_name: str) -> None:
        user, _spawner = self.workspace_of(user_name, server_name)
        self.log.info("%s stops %r of %s", self.current_user.name, server_name, user_name)
        await stop_workspace(self, user, server_name)
        query = dict(parse_qsl(self.get_body_argument("filter", "")))
        back = admin_workspaces.Filter.of(lambda name: query.get(name, "")).query
        told = {"stopped": f"{user_name}/{server_name}".rstrip("/")}
        page = url_concat(self.at("workspaces"), dict(parse_qsl(back)) | told)
        self.answer({"stopped": told["stopped"]}, page=page, status=202)


class GpusHandler(AdminHandler):
    """GPUs by machine, kind and holder."""

    @needs_scope("admin-ui")
    @needs_scope("read:servers", post_filter=True)
    async def get(self) -> None:
        """Show who holds what, what is free, and who waits."""
        rows = [] if self.reader.sees_all_servers else await self.reader.workspaces(stopped=False)
        report, known = await self.gpus(rows)
        await self.show(
            "gpus",
            lambda: {"known": known, **(admin_gpus.as_json(report) if report else {})},
            gpus=report,
            known=known,
        )


class ImagesHandler(AdminHandler):
    """How the images fare."""

    @needs_scope("admin-ui")
    async def get(self) -> None:
        """Show it; the JSON is that of /hub/studiolo/images, and the custom images."""
        parts = await self.parts()
        health = await self.administration.pages.image_health() if self.for_program else {}
        catalogue = self.administration.catalogue.snapshot
        workspaces = await self.reader.workspaces(stopped=False)
        custom = custom_images(workspaces, catalogue.images if catalogue else ())
        await self.show(
            "images",
            lambda: {**health, "custom_images": custom_json(custom)},
            rows=self.images(),
            custom=custom,
            checks=parts is not None and parts.watch is not None,
            asked=self.argument("asked"),
        )


class CheckHandler(AdminHandler):
    """Have all images checked."""

    @needs_scope("admin-ui")
    async def post(self) -> None:
        """Begin a round of checks; not more often than the registries like it."""
        await self.administration.check_images(self.spawner)
        self.log.info("%s asked for a check of all images", self.current_user.name)
        page = url_concat(self.at("images"), {"asked": "1"})
        self.answer({"checking": True}, page=page, status=202)


class CatalogueHandler(AdminHandler):
    """The catalogue's state, and what it allows to whom."""

    @needs_scope("admin-ui")
    async def get(self) -> None:
        """Show it."""
        link = self.administration.catalogue
        status = await self.administration.pages.catalogue_status()
        report = admin_catalogue.catalogue_report(link.snapshot) if link.snapshot else None
        problem = link.problem
        await self.show(
            "catalogue",
            lambda: {"state": status, **(admin_catalogue.as_json(report) if report else {})},
            status=status,
            problem=problem,
            since=ago(problem.since, self.now) if problem else "",
            report=report,
        )


class DownloadHandler(AdminHandler):
    """The catalogue that is in effect, as a file."""

    @needs_scope("admin-ui")
    async def get(self) -> None:
        """Answer with YAML."""
        await self.administration.catalogue.follow()
        catalogue = self.administration.catalogue.snapshot
        if catalogue is None:
            self.redirect(self.at("catalogue"))
            return
        self.set_header("Content-Type", "application/yaml; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="catalogue.yaml"')
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(admin_catalogue.as_yaml(catalogue))


class PeopleHandler(AdminHandler):
    """Everybody whom the hub knows."""

    @needs_scope("admin-ui")
    @needs_scope("list:users", post_filter=True)
    async def get(self) -> None:
        """Show who they are and what they have."""
        shown = self.reader.people(self.argument("q").strip()[:100])
        await self.show("people", lambda: admin_people.as_json(shown), shown=shown)


class PersonHandler(AdminHandler):
    """One person, with their workspaces and volumes."""

    @property
    def for_program(self) -> bool:
        """Whether JSON is asked for in a header: a name may end in `.json`."""
        return AnswerHandler.for_program.__get__(self)  # type: ignore[no-any-return]

    @needs_scope("admin-ui")
    async def get(self, user_name: str) -> None:
        """Show them; JupyterHub's scope for reading that very person decides."""
        await self._show(user_name=user_name)

    @needs_scope("list:users")
    async def _show(self, user_name: str) -> None:
        user = self.person_of(user_name)
        person = self.reader.person(user)
        rows = await self.reader.of_person(user)
        claims = volumes.Claims()
        if self.has_scope("admin:servers"):
            claims = await self._claims()
        found = [
            row
            for row in volumes.volume_rows(claims.items, frozenset({user.name}), self.now)
            if row.owner == user.name or row.name in {each.volume for each in rows if each.volume}
        ]
        shown = admin_workspaces.workspace_list(rows, admin_workspaces.Filter(state="all"))
        await self.show(
            "person",
            lambda: {
                "person": admin_people.entry(person),
                "workspaces": admin_workspaces.as_json(shown)["workspaces"],
                "volumes": volumes.as_json(found),
                "volumes_trouble": claims.trouble or None,
            },
            person=person,
            shown=shown,
            volumes=found,
            trouble=claims.trouble,
        )

    async def _claims(self) -> volumes.Claims:
        return await claims_of(self.spawner)


class VolumesHandler(AdminHandler):
    """All volumes of the workspaces' namespace."""

    @needs_scope("admin-ui")
    @needs_scope("admin:servers")
    async def get(self) -> None:
        """Show whose they are, those without a known owner first."""
        claims = await claims_of(self.spawner)
        rows = volumes.volume_rows(claims.items, self.reader.names(), self.now)
        await self.show(
            "volumes",
            lambda: {
                "volumes": volumes.as_json(rows),
                "trouble": claims.trouble or None,
                "cut": claims.cut,
            },
            volumes=rows,
            trouble=claims.trouble,
            cut=claims.cut,
        )


class EventsHandler(AdminHandler, EventStreamHandler):
    """Tells an open page that something has changed."""

    @needs_scope("admin-ui")
    async def get(self) -> None:
        """Stream until the page is closed."""
        if self.administration.feed.open >= MAX_STREAMS:
            raise Refused(429, "too_many", "Too many pages are open.", "Close some.")
        await self.parts()
        await self.stream(self.administration.feed.stream())


async def claims_of(spawner: Any) -> volumes.Claims:
    """Return the volume claims where workspaces run, as far as the hub may list them."""
    core = getattr(spawner, "api", None)
    if core is None:
        return volumes.Claims(trouble="Nothing is known of volumes here.")
    if getattr(spawner, "enable_user_namespaces", False):
        return volumes.Claims(
            trouble="Everybody has a namespace of their own here: the volumes are in those."
        )
    return await volumes.claims_in(core, spawner.namespace)


def _choices(entries: Any) -> list[tuple[str, str]]:
    return [(entry.id, entry.display_name) for entry in entries]


def admin_handlers(administration: Administration) -> list[tuple[Any, ...]]:
    """Return the handlers of the administration, for JupyterHub's `extra_handlers`."""
    known = {"administration": administration}
    pages = {
        "": OverviewHandler,
        "/workspaces": WorkspacesHandler,
        "/gpus": GpusHandler,
        "/images": ImagesHandler,
        "/catalogue": CatalogueHandler,
        "/people": PeopleHandler,
        "/volumes": VolumesHandler,
    }
    at = r"/studiolo/admin"
    return [
        *((rf"{at}{page}(?:\.json)?", handler, known) for page, handler in pages.items()),
        (rf"{at}/people/([^/]+)", PersonHandler, known),
        (rf"{at}/catalogue\.yaml", DownloadHandler, known),
        (rf"{at}/images/check", CheckHandler, known),
        (rf"{at}/workspaces/([^/]+)/stop", StopHandler, known),
        (rf"{at}/workspaces/([^/]+)/([^/]+)/stop", StopHandler, known),
        (rf"{at}/events", EventsHandler, known),
    ]
