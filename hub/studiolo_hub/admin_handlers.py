"""The administration, under /hub/studiolo/admin: pages for people, the same as JSON for programs.

What changes something is a POST that JupyterHub's XSRF check guards. What all of it shares is in
`admin_base`, the pages about people are in `admin_people_handlers`.
"""

import asyncio
from typing import Any
from urllib.parse import parse_qsl

from jupyterhub.scopes import needs_scope
from studiolo_spawner.translation import translate as _
from tornado.httputil import url_concat

from studiolo_hub import admin_catalogue, admin_gpus, admin_overview, admin_workspaces
from studiolo_hub.admin_base import AdminHandler
from studiolo_hub.admin_events import MAX_STREAMS
from studiolo_hub.admin_images import custom_images, custom_json
from studiolo_hub.admin_people_handlers import PeopleHandler, PersonHandler, VolumesHandler
from studiolo_hub.admin_words import ago
from studiolo_hub.administration import Administration, silent_seconds
from studiolo_hub.answers import Refused
from studiolo_hub.event_stream import EventStreamHandler
from studiolo_hub.stopping import stop_workspace


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
            unmet=await self.unmet(),
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


class EventsHandler(AdminHandler, EventStreamHandler):
    """Tells an open page that something has changed."""

    @needs_scope("admin-ui")
    async def get(self) -> None:
        """Stream until the page is closed."""
        if self.administration.feed.open >= MAX_STREAMS:
            raise Refused(429, "too_many", _("Too many pages are open."), _("Close some."))
        await self.parts()
        await self.stream(self.administration.feed.stream())


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
