"""What the error page says, for every status and the errors that people meet. Pure.

JupyterHub's own messages are written for administrators and may repeat what a service answered, so
a message is shown only when it is ours or a client's own mistake; everything else gets a sentence
from here. The log keeps the rest.
"""

import re
from dataclasses import dataclass, replace

from jupyterhub.spawner import SpawnException
from studiolo_spawner.translation import marked as _
from studiolo_spawner.translation import translate
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError

#: How JupyterHub writes a refused start into its messages: the words stand after the colon.
_PREFIXES = re.compile(r"(Spawn failed: )?(\d{3} \w+\(reason=[^)]*\): )?")

_SIGN_IN_INTERRUPTED = re.compile(
    r"OAuth state|code_verifier|callback made without a code|Authentication Cancelled"
)
_SIGN_IN_REFUSED = re.compile(r"OAuth error|access token was not returned|id token")
_NOT_PERMITTED = re.compile(r"authorized with current scopes|requires any of \[")
_PAGE_TOO_OLD = re.compile(r"xsrf", re.IGNORECASE)


@dataclass(frozen=True)
class Words:
    """A page's title and sentence, and whether the way on is to sign in again."""

    title: str
    text: str
    sign_in: bool = False


_BY_STATUS = {
    400: Words(_("That cannot be done"), _("The request could not be understood.")),
    403: Words(_("This is not for you"), _("You do not have permission to see or do this.")),
    404: Words(
        _("There is nothing here"),
        _("The page does not exist, or the workspace is not running, or it is somebody else's."),
    ),
    405: Words(_("That cannot be done"), _("This address only answers a button on our pages.")),
    424: Words(_("The workspace is not running"), _("Start it again and your files are there.")),
    429: Words(
        _("Too much at once"), _("Many people start workspaces now. Try again in a minute.")
    ),
    503: Words(
        _("Not available now"), _("Something that this needs is away. Try again in a minute.")
    ),
}
_OUR_FAULT = Words(
    _("Something went wrong here"),
    _(
        "It is not your doing, and your files are safe. Try again; if it happens again, "
        "ask for help."
    ),
)
_INTERRUPTED = Words(
    _("Sign-in was interrupted"),
    _("It took too long, or it was begun in another window. Nothing is lost: sign in again."),
    sign_in=True,
)
_REFUSED = Words(
    _("Sign-in did not succeed"), _("The sign-in service said no. Sign in again."), sign_in=True
)
_SERVICE_AWAY = Words(
    _("The sign-in service does not answer"),
    _("Workspaces that run go on running. Try to sign in again in a minute."),
    sign_in=True,
)
_TOO_OLD = Words(
    _("This page was open for too long"), _("Go back, load the page again and repeat what you did.")
)


def words_for_error(status: int, message: str, exception: BaseException | None) -> Words:
    """Return what the error page says. `message` is JupyterHub's, for the status `status`."""
    found = _words(status, message, exception)
    return replace(found, title=translate(found.title), text=translate(found.text))


def _words(status: int, message: str, exception: BaseException | None) -> Words:
    if isinstance(exception, HTTPClientError | OSError):
        # The hub's own requests go to the sign-in service while a page is made.
        return _SERVICE_AWAY
    generic = _BY_STATUS.get(status, _OUR_FAULT)
    own = getattr(exception, "jupyterhub_message", None)
    if isinstance(own, str) and own:
        return Words(generic.title, plain_message(own), sign_in=status == 403)
    if isinstance(exception, SpawnException):
        return Words(_("The workspace was not started"), plain_message(exception.message))
    for pattern, words in (
        (_SIGN_IN_INTERRUPTED, _INTERRUPTED),
        (_SIGN_IN_REFUSED, _REFUSED),
        (_NOT_PERMITTED, _BY_STATUS[403]),
        (_PAGE_TOO_OLD, _TOO_OLD),
    ):
        if pattern.search(message):
            return words
    if isinstance(exception, HTTPError) and status < 500 and message and status != 404:
        return Words(generic.title, message)
    return generic


def plain_message(message: str) -> str:
    """Return JupyterHub's message about a failed start without the technical words before it."""
    match = _PREFIXES.match(message)
    return message[match.end() :] if match else message
