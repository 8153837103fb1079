"""Which image was asked for and which one runs, and the attempts between them, as JSON. I/O.

`GET /hub/studiolo/workspaces/USER[/NAME]/story`, for whoever may read the server: its owner, its
own token, administrators. JupyterHub's own user model shows a server's state to administrators
only; this is the part of it that is its owner's business. It tells of a start that goes on, of a
workspace that runs, and of the last start that failed, also when the hub was restarted since.
"""

from typing import Any

from jupyterhub.scopes import needs_scope
from studiolo_spawner.progress import fallback_reason
from studiolo_spawner.workspace_state import KEY, WorkspaceState

from studiolo_hub.answers import AnswerHandler


def story_document(workspace: WorkspaceState) -> dict[str, object]:
    """Return the story of one workspace; fields are only ever added."""
    return {
        "phase": workspace.phase or None,
        "profile": workspace.profile or None,
        "requested_image": workspace.requested.to_json() if workspace.requested else None,
        "actual_image": workspace.actual.to_json() if workspace.actual else None,
        "fallback_reason": fallback_reason(workspace.attempts),
        "began": workspace.began.isoformat() if workspace.began else None,
        "resumed": workspace.resumed,
        "attempts": [attempt.to_json() for attempt in workspace.attempts],
        "failure": workspace.failure.to_json() if workspace.failure else None,
    }


class StoryHandler(AnswerHandler):
    """Tell the story of one workspace."""

    @needs_scope("read:servers")
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Answer with the document."""
        _, spawner = self.workspace_of(user_name, server_name)
        state = spawner.get_state()
        self.write_json(story_document(WorkspaceState.from_json(state.get(KEY))))


def story_handlers() -> list[tuple[Any, ...]]:
    """Return the handlers, for `page_handlers`."""
    return [
        (r"/studiolo/workspaces/([^/]+)/story", StoryHandler),
        (r"/studiolo/workspaces/([^/]+)/([^/]+)/story", StoryHandler),
    ]
