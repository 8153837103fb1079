"""What is done to a workspace, under /hub/studiolo/workspaces/USER[/NAME]/: stop, restart, add.

Everything that changes something is a POST that JupyterHub's XSRF check guards and its scopes
decide about. Forms are answered by redirects, so that buttons work without JavaScript; programs,
such as the panel in Lab with its workspace's own token, get JSON.
"""

from collections.abc import Mapping
from typing import Any

from jupyterhub.scopes import needs_scope
from jupyterhub.slugs import is_valid_display_name, normalise_unicode, safe_slug
from jupyterhub.utils import url_escape_path, url_path_join
from studiolo_spawner.errors import StudioloError
from studiolo_spawner.offer import Offer, offer_to
from studiolo_spawner.profile_outlook import NOTHING_KNOWN
from studiolo_spawner.refused_start import to_spawn_exception
from studiolo_spawner.translation import translate as _
from tornado.httputil import url_concat

from studiolo_hub.answers import AnswerHandler, Refused
from studiolo_hub.pages import Pages
from studiolo_hub.recent_stops import workspace_of
from studiolo_hub.restart_choice import (
    Current,
    choices_document,
    options_of_menu,
    wish_of_form,
    wished_options,
)
from studiolo_hub.restarts import Restarts
from studiolo_hub.stopping import stop_workspace
from studiolo_hub.workspace_reading import person_of
from studiolo_hub.workspace_view import title_of

MAX_NAME = 60

#: Addresses of a person's first workspace, and of one that has a name.
OF_USER = r"/studiolo/workspaces/([^/]+)"
OF_SERVER = r"/studiolo/workspaces/([^/]+)/([^/]+)"


class WorkspaceHandler(AnswerHandler):
    """What all of these share: the pages' knowledge and the restarts under way."""

    def initialize(self, pages: Pages) -> None:
        """Take what the pages know."""
        self.pages = pages

    @property
    def restarts(self) -> Restarts:
        """The restarts under way."""
        return self.pages.restarts

    def home(self) -> str:
        """The address of the person's own workspaces."""
        return str(url_path_join(self.hub.base_url, "home"))

    def waiting_page(self, user: Any, server_name: str) -> str:
        """The address of the page that follows a start."""
        path = self.pages.workspace_path(user, server_name)
        return str(url_path_join(self.hub.base_url, "spawn-pending", path))

    def address_of(self, user: Any, server_name: str) -> str:
        """The address under which a workspace's actions are."""
        path = self.pages.workspace_path(user, server_name)
        return str(url_path_join(self.hub.base_url, "studiolo/workspaces", path))

    @staticmethod
    def title_of(spawner: Any) -> str:
        """What people call a workspace."""
        return title_of(spawner.orm_spawner.display_name, spawner.name)

    def sharers_of(self, user: Any, spawner: Any) -> list[str]:
        """The person's other workspaces that have the same files."""
        others = (user.spawners[name] for name in user.orm_spawners if name != spawner.name)
        return [self.title_of(each) for each in others if each.pvc_name == spawner.pvc_name]

    async def offer_to(self, user: Any) -> Offer:
        """What the owner of a workspace may use now."""
        await self.pages.follow()
        catalogue = self.pages.catalogue
        if catalogue is None:
            raise Refused(
                503,
                "no_catalogue",
                _("There is no catalogue to start from."),
                _("Tell an administrator."),
            )
        return offer_to(person_of(user), catalogue)

    def current(self, user: Any, server_name: str) -> Current:
        """How a workspace was chosen, and what came of it."""
        options = user.orm_spawners[server_name].user_options
        return Current(options or {}, workspace_of(user.spawners[server_name]))


class StopHandler(WorkspaceHandler):
    """Stop a workspace, or cancel its start, and go home."""

    @needs_scope("delete:servers")
    async def post(self, user_name: str, server_name: str = "") -> None:
        """Stop what runs, starts or is about to; what does not run is left alone."""
        user, _spawner = self.workspace_of(user_name, server_name)
        await stop_workspace(self, user, server_name)
        self.answer({"url": self.home()}, page=self.home(), status=202)


class RestartHandler(WorkspaceHandler):
    """Start a workspace with another choice, stopping it first if it runs."""

    @needs_scope("delete:servers")
    @needs_scope("start:servers")
    async def post(self, user_name: str, server_name: str = "") -> None:
        """Check the choice, save it, stop, start. Nothing is stopped for a choice that is refused.

        A wish names what changes (`restart_choice`); a form may also be the whole menu's (`whole`).
        """
        user, spawner = self.workspace_of(user_name, server_name)
        options = await self._options(user, server_name)
        await spawner.checked(options)
        await self._refresh_sign_in(user)
        self._check_room(spawner)
        self.restarts.begin(self, user, server_name, options)
        page = self.waiting_page(user, server_name)
        self.answer({"url": page}, page=page, status=202)

    async def _options(self, user: Any, server_name: str) -> dict[str, object]:
        try:
            form = self.form_body() if not self.for_program else {}
            if form.pop("whole", None):
                return options_of_menu(form)
            wish = self.json_body() if self.for_program else wish_of_form(form)
            return wished_options(wish, self.current(user, server_name), await self.offer_to(user))
        except StudioloError as error:
            raise to_spawn_exception(error) from None

    async def _refresh_sign_in(self, user: Any) -> None:
        """Find out before anything is stopped what the hub would ask before the start."""
        if self.authenticator.refresh_pre_spawn and not await self.refresh_auth(user, force=True):
            raise Refused(
                403,
                "signed_out",
                _("Your sign-in has expired, so nothing was stopped."),
                _("Sign in again."),
            )

    def _check_room(self, spawner: Any) -> None:
        """Refuse while the hub would not start anything: better than to stop and then wait."""
        limit, counts = self.concurrent_spawn_limit, self.users.count_active_users()
        under_way = counts["spawn_pending"] + counts["proxy_pending"]
        if limit and under_way >= limit and not spawner.pending:
            raise Refused(
                429,
                "busy",
                _("Many people start workspaces now, so nothing was stopped."),
                _("Try again in a minute."),
            )


class ChoicesHandler(WorkspaceHandler):
    """What a workspace may be restarted with, for programs."""

    @needs_scope("read:servers")
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Answer with tests/contract/choices.json."""
        user, spawner = self.workspace_of(user_name, server_name)
        offer = await self.offer_to(user)
        outlooks = await spawner.outlooks()
        self.write_json(
            choices_document(
                offer,
                self.current(user, server_name),
                outlook=lambda name: outlooks.get(name, NOTHING_KNOWN),
            )
        )


class AddHandler(WorkspaceHandler):
    """Begin another workspace: from the name that a person gives to the menu's address."""

    @needs_scope("start:servers")
    async def post(self, user_name: str) -> None:
        """Go to the menu of a new workspace."""
        user = self.person_of(user_name)
        title = read_name(self.get_body_argument("name", ""))
        name = safe_slug(title, avoid_collisions=False)
        if name in user.orm_spawners:
            raise Refused(
                400, "name_taken", _("You have a workspace of that name already: choose another.")
            )
        await self._check_number(user)
        await self._check_named_server_request(user, name, title)
        menu = url_path_join(self.hub.base_url, "spawn", user.escaped_name, url_escape_path(name))
        self.redirect(url_concat(menu, {"display_name": title}))

    async def _check_number(self, user: Any) -> None:
        """In our own words what JupyterHub would say."""
        most, has = await self.get_current_user_named_server_limit(), len(user.orm_spawners) - 1
        if not self.allow_named_servers or (most > 0 and has >= most):
            raise Refused(
                403,
                "too_many_workspaces",
                _("You may have %(most)s workspaces beside the first one, and you have %(has)s.")
                % {"most": most if self.allow_named_servers else 0, "has": has},
                _("Delete one to add another.") if has else _("Ask your administrator for more."),
            )


def read_name(given: object) -> str:
    """Return a name for people as they meant it. Raises Refused for what is none."""
    name = normalise_unicode(" ".join(given.split())) if isinstance(given, str) else ""
    if not name:
        raise Refused(400, "invalid_name", _("A workspace needs a name."))
    if not is_valid_display_name(name) or len(name) > MAX_NAME:
        raise Refused(
            400,
            "invalid_name",
            _("That is no name for a workspace."),
            _("Use up to %(most)s letters, figures and spaces.") % {"most": MAX_NAME},
        )
    return name


def workspace_handlers(pages: Pages) -> list[tuple[Any, ...]]:
    """Return the handlers of workspaces, for `page_handlers`."""
    actions = {"stop": StopHandler, "restart": RestartHandler, "choices": ChoicesHandler}
    return [(rf"{OF_USER}/add", AddHandler, {"pages": pages}), *routes(actions, pages)]


def routes(actions: Mapping[str, type[WorkspaceHandler]], pages: Pages) -> list[tuple[Any, ...]]:
    """Return what leads to these actions, for a person's first workspace and for named ones."""
    return [
        (rf"{of}/{action}", handler, {"pages": pages})
        for of in (OF_USER, OF_SERVER)
        for action, handler in actions.items()
    ]
