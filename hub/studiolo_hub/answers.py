"""How our handlers read requests and answer them: forms by redirects, programs by JSON. I/O.

A page's button sends a form with the XSRF token of its cookie and is led on to a page; a program
(the panel in Lab, a script) sends a token and JSON and gets JSON. What is refused is told to
both in the same words; a program gets them as {"version", "reason", "message", "hint"}.
"""

import json
from typing import Any, cast

from jupyterhub.handlers import BaseHandler
from jupyterhub.spawner import SpawnException
from studiolo_spawner.translation import english, joined
from studiolo_spawner.translation import translate as _
from tornado import web

from studiolo_hub.error_words import words_for_error

VERSION = 1
MAX_BODY = 64 * 1024

_REASONS = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    429: "too_many",
    503: "unavailable",
}


class Refused(web.HTTPError):
    """What was asked for is not done: a short label, a sentence, and what to do instead."""

    def __init__(self, status: int, reason: str, message: str, hint: str = "") -> None:
        super().__init__(status, english(message))
        self.label = reason
        self.message = message
        self.hint = hint
        # What JupyterHub and our error page show.
        self.jupyterhub_message = joined(message, hint)


class AnswerHandler(BaseHandler):
    """A handler for people's forms and programs' JSON alike."""

    _accept_token_auth = True
    #: Nobody reads the answers as a page.
    only_for_programs = False

    @property
    def for_program(self) -> bool:
        """Whether a program asks, which wants JSON and no page."""
        headers = self.request.headers
        return (
            self.only_for_programs
            or self.get_auth_token() is not None
            or headers.get("Content-Type", "").startswith("application/json")
            or headers.get("Accept", "").startswith("application/json")
        )

    def json_body(self) -> dict[str, object]:
        """Return the JSON object that was sent; an empty one when nothing was."""
        if len(self.request.body) > MAX_BODY:
            raise Refused(400, "too_large", _("The request is too large."))
        try:
            found = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Refused(400, "bad_request", _("The body must be a JSON object."))
        return cast("dict[str, object]", found)

    def form_body(self) -> dict[str, list[str]]:
        """Return the fields of the form that was sent, without the XSRF token."""
        fields = self.request.body_arguments
        return {name: self.get_body_arguments(name) for name in fields if name != "_xsrf"}

    def person_of(self, user_name: str) -> Any:
        """Return JupyterHub's user of that name; 404 when there is none."""
        user = self.find_user(user_name)
        if user is None:
            raise web.HTTPError(404)
        return user

    def workspace_of(self, user_name: str, server_name: str) -> tuple[Any, Any]:
        """Return a user and the spawner of one of their workspaces; 404 when there is none."""
        user = self.person_of(user_name)
        if server_name not in user.orm_spawners:
            raise web.HTTPError(404)
        return user, user.spawners[server_name]

    def answer(self, document: dict[str, object], *, page: str, status: int = 200) -> None:
        """Tell a program what was done, and lead a person on to a page."""
        if not self.for_program:
            self.redirect(page)
            return
        self.set_status(status)
        self.write_json(document)

    def write_json(self, document: dict[str, object]) -> None:
        """Answer with a JSON document of this version."""
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps({"version": VERSION, **document}))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tell a program in JSON, and a person on the error page, why nothing was done."""
        # Errors may come before anyone was identified; then nobody knows who asks.
        if not hasattr(self, "_jupyterhub_user") or not self.for_program:
            super().write_error(status_code, **kwargs)
            return
        error = kwargs.get("exc_info", (None, None, None))[1]
        for name, value in (getattr(error, "headers", None) or {}).items():
            self.set_header(name, str(value))
        self.set_header("Content-Type", "application/json")
        self.write({"version": VERSION, **envelope(status_code, error)})


def envelope(status: int, error: BaseException | None) -> dict[str, str]:
    """Return what a program is told of an error. Never more than a person would read."""
    if isinstance(error, Refused):
        return {"reason": error.label, "message": error.message, "hint": error.hint}
    reason = _REASONS.get(status, "error")
    if isinstance(error, SpawnException) and error.reason:
        reason = error.reason
    raw = error.log_message or "" if isinstance(error, web.HTTPError) else ""
    return {"reason": reason, "message": words_for_error(status, raw, error).text, "hint": ""}
