"""Our errors as JupyterHub wants them: the one translation; pure.

Neither a user's mistake nor the cluster's trouble counts, as a SpawnException, towards the failures
after which a hub ends itself.
"""

from __future__ import annotations

from jupyterhub.spawner import SpawnException
from markupsafe import Markup, escape

from studiolo_spawner.errors import CatalogueError, StudioloError
from studiolo_spawner.translation import translate as _


class WorkspaceRefused(SpawnException):
    """A StudioloError as JupyterHub wants it, with what its pages and its API show."""

    def __init__(self, message: str, *, reason: str, status_code: int) -> None:
        html = str(Markup("<br>").join(escape(line) for line in message.splitlines()))
        super().__init__(message, reason=reason, message_html=html, status_code=status_code)
        self.jupyterhub_message = message
        self.jupyterhub_html_message = html


def to_spawn_exception(error: StudioloError) -> SpawnException:
    """The one translation of our errors for JupyterHub."""
    message = error.user_message
    if isinstance(error, CatalogueError):
        # The problems are for administrators: they are in the log and on their banner.
        message = _("The catalogue of images cannot be read. Tell your administrator.")
    return WorkspaceRefused(message, reason=error.reason, status_code=error.status)
