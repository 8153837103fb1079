"""A workspace's lesser pages and what they do: another choice, a new name, its log, its end.

As in `workspace_handlers`, what changes something is a POST with scopes and the XSRF token.
Deleting files is asked on a page of its own that names the volume, needs the workspace's name typed
in, and needs the person: no workspace's token reaches it.
"""

from typing import Any

from jupyterhub.scopes import needs_scope
from studiolo_spawner import spoken
from studiolo_spawner.errors import StudioloError
from studiolo_spawner.log_text import MAX_LOG
from studiolo_spawner.refused_start import to_spawn_exception
from studiolo_spawner.translation import translate as _
from tornado import web

from studiolo_hub.answers import Refused
from studiolo_hub.pages import Pages
from studiolo_hub.workspace_handlers import WorkspaceHandler, read_name, routes


class ChangeHandler(WorkspaceHandler):
    """The menu, for a workspace that runs: restart it with another choice."""

    @web.authenticated
    @needs_scope("delete:servers")
    @needs_scope("start:servers")
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Show the menu with the workspace's choice in it."""
        user, spawner = self.workspace_of(user_name, server_name)
        form = await spawner.get_options_form()
        self.finish(
            await self.render_template(
                "restart.html",
                for_user=user,
                title=self.title_of(spawner),
                spawner_options_form=form,
                url=f"{self.address_of(user, server_name)}/restart",
            )
        )


class RenameHandler(WorkspaceHandler):
    """Give a workspace that was added another name for people; its files and address stay."""

    @needs_scope("start:servers")
    async def post(self, user_name: str, server_name: str = "") -> None:
        """Change the name, also while it runs."""
        _user, spawner = self.workspace_of(user_name, server_name)
        if not server_name:
            raise Refused(400, "first_workspace", _("Your first workspace has no name to change."))
        given = self.json_body() if self.for_program else self.form_body()
        value = given.get("display_name")
        name = value[0] if isinstance(value, list) and value else value
        name = read_name(name)
        spawner.orm_spawner.display_name = name
        self.db.commit()
        self.answer({"display_name": name}, page=self.home())


class RemoveHandler(WorkspaceHandler):
    """The page that asks what to delete."""

    @web.authenticated
    @needs_scope("servers")
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Ask, and name the volume and whoever shares it."""
        user, spawner = self.workspace_of(user_name, server_name)
        self.finish(
            await self.render_template(
                "remove.html",
                named=bool(server_name),
                active=spawner.active,
                title=self.title_of(spawner),
                volume=spawner.pvc_name,
                sharers=self.sharers_of(user, spawner),
                url=f"{self.address_of(user, server_name)}/delete",
            )
        )


class DeleteHandler(WorkspaceHandler):
    """Delete a workspace, with or without its files."""

    @needs_scope("servers")
    async def post(self, user_name: str, server_name: str = "") -> None:
        """Delete what was asked for, the files first: if they cannot be, nothing else is."""
        user, spawner = self.workspace_of(user_name, server_name)
        files, confirmed = self._asked()
        if files not in {"keep", "delete"} or (files == "keep" and not server_name):
            raise Refused(
                400,
                "unclear",
                _("It was not said what to delete, so nothing was."),
                _("Say whether the files are kept or deleted; the first workspace itself stays."),
            )
        if files == "delete" and confirmed != self.title_of(spawner):
            raise Refused(
                400,
                "not_confirmed",
                _("The name that was typed is another one, so nothing was deleted."),
                _("Type “%(title)s” to delete its files.") % {"title": self.title_of(spawner)},
            )
        if spawner.active or self.restarts.under_way(user.name, server_name):
            raise Refused(
                409,
                "running",
                _("The workspace still runs, so nothing was deleted."),
                _("Stop it first."),
            )
        if files == "delete":
            await self._delete_files(user, spawner)
        if server_name:
            self._forget(user, spawner)
        self.pages.feed.tell(user.name)
        self.answer({"deleted": True, "files": files}, page=self.home())

    def _asked(self) -> tuple[str, str]:
        if self.for_program:
            body = self.json_body()
            return str(body.get("files", "")), str(body.get("confirm", ""))
        return self.get_body_argument("files", ""), self.get_body_argument("confirm", "")

    async def _delete_files(self, user: Any, spawner: Any) -> None:
        sharers = self.sharers_of(user, spawner)
        if sharers:
            raise Refused(
                409,
                "home_shared",
                _("These files are also those of %(names)s, so nothing was deleted.")
                % {"names": spoken.listed(sharers)},
                _("Delete the workspace and keep the files."),
            )
        # Nobody may start it while its files go.
        spawner._rename_pending = True  # noqa: SLF001 - JupyterHub starts nothing meanwhile
        try:
            await spawner.delete_files()
        except StudioloError as error:
            raise to_spawn_exception(error) from None
        finally:
            spawner._rename_pending = False  # noqa: SLF001
        self.log.info("%s deleted the files of %r", self.current_user.name, spawner.name)

    def _forget(self, user: Any, spawner: Any) -> None:
        """As JupyterHub's own handler does; but its `delete_forever` could delete files."""
        self.log.info("%s deletes the workspace %r", self.current_user.name, spawner.name)
        self.restarts.forget(user.name, spawner.name)
        self.db.delete(spawner.orm_spawner)
        user.spawners.pop(spawner.name, None)
        self.db.commit()


class LogHandler(WorkspaceHandler):
    """What the last start wrote and Kubernetes said of it, for whoever may use the workspace."""

    @needs_scope("access:servers")
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Show a page, or tell a program."""
        user, spawner = self.workspace_of(user_name, server_name)
        attempts = _capped(await spawner.last_start())
        if self.for_program:
            self.write_json({"attempts": attempts})
            return
        self.finish(
            await self.render_template(
                "log.html",
                title=self.title_of(spawner),
                attempts=attempts,
                path=self.pages.workspace_path(user, server_name),
            )
        )


def _capped(attempts: Any) -> list[dict[str, object]]:
    """Return the attempts as JSON, the newest whole and the older ones as far as there is room."""
    room, told = MAX_LOG, []
    for attempt in reversed(attempts):
        events: list[str] = []
        for line in attempt.events:
            room -= len(line)
            if room > 0:
                events.append(line)
        log = attempt.log[-room:] if room > 0 else ""
        room -= len(log)
        at = attempt.at.isoformat(timespec="seconds")
        told.append({"at": at, "image": attempt.image, "events": events, "log": log})
    return told[::-1]


def workspace_pages(pages: Pages) -> list[tuple[Any, ...]]:
    """Return the handlers, for `page_handlers`."""
    actions = {
        "change": ChangeHandler,
        "rename": RenameHandler,
        "remove": RemoveHandler,
        "delete": DeleteHandler,
        "log": LogHandler,
    }
    return routes(actions, pages)
