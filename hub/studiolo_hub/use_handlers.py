"""POST /hub/studiolo/workspaces/USER[/NAME]/use: a workspace says what its GPUs do (gpu_use)."""

from datetime import UTC, datetime
from typing import Any

from jupyterhub.scopes import needs_scope
from studiolo_spawner.changes import changes

from studiolo_hub.gpu_use import read_use
from studiolo_hub.pages import Pages
from studiolo_hub.workspace_handlers import WorkspaceHandler, routes


class UseHandler(WorkspaceHandler):
    """Takes the report of a workspace's own token; JSON only."""

    only_for_programs = True

    def _record_activity(self, obj: Any, timestamp: datetime | None = None) -> bool:  # noqa: ARG002
        """A report is sent whether or not anybody works: it is no activity."""
        return False

    @needs_scope("users:activity")
    async def post(self, user_name: str, server_name: str = "") -> None:
        """Take note, and tell the owner's open pages."""
        user = self.person_of(user_name)
        if server_name in user.spawners and user.spawners[server_name].active:
            use = read_use(self.json_body(), datetime.now(UTC))
            self.pages.uses.note(user.name, server_name, use)
            changes.tell(user.name, server_name)
        self.write_json({})


def use_handlers(pages: Pages) -> list[tuple[Any, ...]]:
    """Return the handlers, for `page_handlers`."""
    return routes({"use": UseHandler}, pages)
