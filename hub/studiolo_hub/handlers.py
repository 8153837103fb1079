"""Our addresses, under /hub/studiolo/: static files, catalogue and images, and what others add.

Who may ask for what is JupyterHub's scopes to decide.
"""

import json
from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.scopes import needs_scope
from studiolo_spawner.menu_page import ASSETS_DIR
from tornado import web

from studiolo_hub.capacity_handlers import capacity_handlers
from studiolo_hub.event_handlers import EventsHandler
from studiolo_hub.image_check_handlers import image_check_handlers
from studiolo_hub.look import look_handlers
from studiolo_hub.offers_handlers import offers_handlers
from studiolo_hub.pages import STATIC_DIR, Pages
from studiolo_hub.story_handlers import story_handlers
from studiolo_hub.use_handlers import use_handlers
from studiolo_hub.workspace_handlers import workspace_handlers
from studiolo_hub.workspace_pages import workspace_pages


class StaticHandler(web.StaticFileHandler):
    """Our style sheet, scripts and pictures; kept by browsers when named with their hash."""

    def set_extra_headers(self, path: str) -> None:  # noqa: ARG002
        """Tell browsers to ask again for what was named without a hash."""
        self.set_header("X-Content-Type-Options", "nosniff")
        if "v" not in self.request.arguments:
            self.set_header("Cache-Control", "no-cache")


class CatalogueHandler(BaseHandler):
    """The catalogue's state, as JSON, for administrators."""

    def initialize(self, pages: Pages) -> None:
        """Take what the pages know."""
        self.pages = pages

    @web.authenticated
    @needs_scope("admin-ui")
    async def get(self) -> None:
        """Say whether the file's last edit is in effect, and if not, why."""
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(await self.pages.catalogue_status()))


class ImagesHandler(BaseHandler):
    """How the images have fared, as JSON, for administrators."""

    def initialize(self, pages: Pages) -> None:
        """Take what the pages know."""
        self.pages = pages

    @web.authenticated
    @needs_scope("admin-ui")
    async def get(self) -> None:
        """Tell of each image its last check, last good digest, failures and fallbacks."""
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(await self.pages.image_health()))


def page_handlers(pages: Pages) -> list[tuple[Any, ...]]:
    """Return the handlers for JupyterHub's `extra_handlers`."""
    return [
        (r"/studiolo/static/(.*)", StaticHandler, {"path": str(STATIC_DIR)}),
        (r"/studiolo/menu/(.*)", StaticHandler, {"path": str(ASSETS_DIR)}),
        *look_handlers(pages.look),
        (r"/studiolo/catalogue", CatalogueHandler, {"pages": pages}),
        (r"/studiolo/images", ImagesHandler, {"pages": pages}),
        (r"/studiolo/events", EventsHandler, {"pages": pages}),
        *workspace_handlers(pages),
        *workspace_pages(pages),
        *use_handlers(pages),
        *capacity_handlers(),
        *offers_handlers(),
        *image_check_handlers(),
        *story_handlers(),
    ]
