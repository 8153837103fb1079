"""Answer 503 while the hub's database does not, instead of taking everybody for signed out.

JupyterHub catches whatever goes wrong while it finds out who asks, and goes on without anybody: the
sign-in page then tells people, wrongly, that they have to sign in, and workspaces that report are
refused for good. Other errors of the database it answers with 500. Here both become 503, which says
"in a minute", and which programs try again. Nothing is lost by it: who runs what is in memory, and
is written when the database is back.
"""

from contextvars import ContextVar
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from sqlalchemy import Engine, event
from sqlalchemy.exc import InterfaceError, OperationalError
from tornado import web

AWAY = (OperationalError, InterfaceError)
"""What SQLAlchemy raises when a database is away, locked, or full."""

_failed: ContextVar[bool] = ContextVar("the database failed in this request", default=False)


def answer_for_database() -> None:
    """Have it so for all handlers of this process; once is enough."""
    if getattr(BaseHandler, "_studiolo_answers_for_database", False):
        return
    BaseHandler._studiolo_answers_for_database = True  # noqa: SLF001 - named after us
    event.listen(Engine, "handle_error", _note)
    find, send_error = BaseHandler.get_current_user, BaseHandler.send_error
    resolve = BaseHandler._resolve_roles_and_scopes  # noqa: SLF001

    async def find_or_note(self: Any) -> Any:
        # A request is a task with a context of its own, which begins as a copy of another's.
        _failed.set(False)
        return await find(self)

    def resolve_or_503(self: Any) -> None:
        # Called as soon as it is settled who asks.
        if _failed.get() and self._jupyterhub_user is None:
            self.expanded_scopes = frozenset()
            self.parsed_scopes = {}
            raise web.HTTPError(503, "The database does not answer")
        resolve(self)

    def send_error_or_503(self: Any, status_code: int = 500, **rest: Any) -> None:
        error = (rest.get("exc_info") or (None, None))[1]
        send_error(self, 503 if isinstance(error, AWAY) else status_code, **rest)

    BaseHandler.get_current_user = find_or_note
    BaseHandler._resolve_roles_and_scopes = resolve_or_503  # noqa: SLF001
    BaseHandler.send_error = send_error_or_503


def _note(context: Any) -> None:
    if isinstance(context.sqlalchemy_exception, AWAY):
        _failed.set(True)
