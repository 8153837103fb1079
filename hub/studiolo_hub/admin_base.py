"""What the administration's handlers share: who asks, what they may read, how it is shown. I/O.

Every address needs `admin-ui`, and the scope of what it shows: JupyterHub decides, with its roles
and their filters, who sees and does what. An address that ends in `.json`, or is asked for with a
token, answers in JSON (docs/administration.md, tests/contract/admin.json).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jupyterhub.utils import url_path_join
from studiolo_spawner.shared_parts import SharedParts
from studiolo_spawner.unmet import Unmet, unmet
from tornado.httputil import url_concat

from studiolo_hub import admin_gpus, admin_workspaces
from studiolo_hub.admin_images import ImageRow, image_rows
from studiolo_hub.admin_reader import HubReader
from studiolo_hub.admin_words import moment
from studiolo_hub.administration import Administration
from studiolo_hub.answers import AnswerHandler

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

#: The report, and whether its figures are up to date: None where nobody wants them.
GpuKnowledge = tuple[admin_gpus.GpuReport | None, bool | None]


class AdminHandler(AnswerHandler):
    """What all of these share."""

    #: Whether an address that ends in `.json` asks for JSON.
    json_by_suffix = True

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
        asked = self.json_by_suffix and self.request.path.endswith(".json")
        return bool(asked or super().for_program)

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

    async def gpus(self, rows: list[admin_workspaces.WorkspaceRow]) -> GpuKnowledge:
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

    async def unmet(self) -> tuple[Unmet, ...]:
        """Return the profiles that no machine takes, as far as machines are known."""
        watch = getattr(await self.parts(), "cluster", None)
        catalogue = self.administration.catalogue.snapshot
        if watch is None or not watch.known or not watch.nodes or catalogue is None:
            return ()
        return unmet(catalogue.profiles, watch.nodes, watch.machines_for)
