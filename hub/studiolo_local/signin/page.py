"""The provider's HTML: the list of people to sign in as, and plain messages.

Guarantees: every value is escaped; the page works without JavaScript and loads nothing from
elsewhere; its policy lets the form go to this provider and, by redirect, to the hub alone. Pure.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from studiolo_local.signin.users import LocalUser

_template = Environment(
    loader=PackageLoader("studiolo_local.signin", "."), autoescape=True, undefined=StrictUndefined
).get_template("page.html")


@dataclass(frozen=True)
class Page:
    """A page and the headers that belong to it."""

    html: str
    headers: dict[str, str]


def people_page(
    users: Sequence[LocalUser], *, action: str, ticket: str, redirect_uris: Iterable[str]
) -> Page:
    """Show who can sign in, each as a button."""
    return _page(
        title="Local sign-in",
        message="No passwords, for this machine only. Who do you want to be?",
        users=users,
        action=action,
        ticket=ticket,
        # Browsers hold a form's redirects against form-action too, and the answer goes to the hub.
        form_targets=["'self'", *sorted({_origin(uri) for uri in redirect_uris})],
    )


def message_page(title: str, message: str) -> Page:
    """Show a plain message."""
    return _page(
        title=title, message=message, users=(), action="", ticket="", form_targets=["'none'"]
    )


def _page(
    *,
    title: str,
    message: str,
    users: Sequence[LocalUser],
    action: str,
    ticket: str,
    form_targets: list[str],
) -> Page:
    nonce = secrets.token_urlsafe(16)
    html = _template.render(
        title=title, message=message, users=users, action=action, ticket=ticket, nonce=nonce
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action {' '.join(form_targets)}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return Page(html, {"Content-Security-Policy": policy})


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
