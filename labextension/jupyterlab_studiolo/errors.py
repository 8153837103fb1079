"""What can go wrong for a person, in words meant for them. Pure.

PanelError           reason: a short label for machines; user_message; hint; status: HTTP
  ├ BadRequest       what was sent cannot be understood
  ├ NotInHub         this server was not started by a hub
  ├ NotOwner         someone else's workspace
  ├ Refused          it is not offered here and now
  └ HubFault         the hub refused, failed or did not answer
"""

from __future__ import annotations

from jupyterlab_studiolo.said import Said


class PanelError(Exception):
    """The base: a request that cannot be met."""

    def __init__(self, reason: str, user_message: str, status: int, hint: str = "") -> None:
        super().__init__(user_message)
        self.reason = reason
        self.user_message = user_message
        self.status = status
        self.hint = hint


class BadRequest(PanelError):  # noqa: N818
    """What was sent cannot be understood; the message names the place."""

    def __init__(self, user_message: str) -> None:
        super().__init__("bad_request", user_message, 400)


class NotInHub(PanelError):  # noqa: N818
    """There is no hub that could stop or restart this server."""

    def __init__(self) -> None:
        super().__init__(
            "not_in_hub",
            Said("This JupyterLab was not started by a hub, so there is nothing to stop."),
            409,
        )


class NotOwner(PanelError):  # noqa: N818
    """A guest or an administrator in someone's workspace."""

    def __init__(self) -> None:
        super().__init__(
            "not_owner",
            Said("Only the owner can do this to the workspace from inside it."),
            403,
        )


class Refused(PanelError):  # noqa: N818
    """It is not offered here and now; the message says why."""

    def __init__(self, user_message: str) -> None:
        super().__init__("not_offered", user_message, 409)


class HubFault(PanelError):  # noqa: N818
    """The hub did not do what it was asked.

    The message holds none of its answer's text, but for a refusal in Studiolo's own envelope, which
    is written for people.
    """
