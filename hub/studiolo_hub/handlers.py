"""Our few addresses, under /hub/studiolo/: static files, stop and add, catalogue and images.

Everything that changes something is a POST that JupyterHub's XSRF check guards and its scopes
decide about; the answers are redirects to our own pages, so that buttons work without JavaScript.
"""

import json
from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.slugs import safe_slug
from jupyterhub.utils import url_escape_path, url_path_join
from tornado import web
from tornado.httputil import url_concat

from studiolo_hub.pages import STATIC_DIR, Pages
from studiolo_hub.stopping import stop_workspace


class StaticHandler(web.StaticFileHandler):
    """Our style sheet, scripts and pictures; kept by browsers when named with their hash."""

    def set_extra_headers(self, path: str) -> None:  # noqa: ARG002
        """Tell browsers to ask again for what was named without a hash."""
        self.set_header("X-Content-Type-Options", "nosniff")
        if "v" not in self.request.arguments:
            self.set_header("Cache-Control", "no-cache")


class StopHandler(BaseHandler):
    """Stop a workspace, or cancel its start, and go home."""

    @web.authenticated
    @needs_scope("delete:servers")
    async def post(self, user_name: str, server_name: str = "") -> None:
        """Stop what runs; what does not run is left alone."""
        user = self.find_user(user_name)
        if user is None or server_name not in user.orm_spawners:
            raise web.HTTPError(404)
        await stop_workspace(self, user, server_name)
        self.redirect(url_path_join(self.hub.base_url, "home"))


class AddHandler(BaseHandler):
    """Begin another workspace: from the name that a person gives to the menu's address."""

    @web.authenticated
    @needs_scope("start:servers")
    async def post(self, user_name: str) -> None:
        """Go to the menu of a new workspace."""
        user = self.find_user(user_name)
        title = self.get_body_argument("name", "").strip()
        if user is None:
            raise web.HTTPError(404)
        if not title:
            raise web.HTTPError(400, "A workspace needs a name.")
        name = safe_slug(title, avoid_collisions=False)
        if name in user.orm_spawners:
            raise web.HTTPError(400, "You have a workspace of that name already: choose another.")
        await self._check_named_server_request(user, name, title)
        menu = url_path_join(self.hub.base_url, "spawn", user.escaped_name, url_escape_path(name))
        self.redirect(url_concat(menu, {"display_name": title}))


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
        (r"/studiolo/catalogue", CatalogueHandler, {"pages": pages}),
        (r"/studiolo/images", ImagesHandler, {"pages": pages}),
        (r"/studiolo/workspaces/([^/]+)/add", AddHandler),
        (r"/studiolo/workspaces/([^/]+)/stop", StopHandler),
        (r"/studiolo/workspaces/([^/]+)/([^/]+)/stop", StopHandler),
    ]
