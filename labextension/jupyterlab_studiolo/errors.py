"""What can go wrong for a person, in words meant for them. Pure.

PanelError           reason: a short label for machines; user_message; status: HTTP
  ├ NotInHub         this server was not started by a hub
  ├ NotOwner         someone else's workspace
  └ HubFault         the hub refused, failed or did not answer
"""

from __future__ import annotations


class PanelError(Exception):
    """The base: a request that cannot be met."""

    def __init__(self, reason: str, user_message: str, status: int) -> None:
        super().__init__(user_message)
        self.reason = reason
        self.user_message = user_message
        self.status = status


class NotInHub(PanelError):  # noqa: N818
    """There is no hub that could stop this server."""

    def __init__(self) -> None:
        super().__init__(
            "not_in_hub",
            "This JupyterLab was not started by a hub, so there is nothing to stop.",
            409,
        )


class NotOwner(PanelError):  # noqa: N818
    """A guest or an administrator in someone's workspace."""

    def __init__(self) -> None:
        super().__init__("not_owner", "Only the owner can stop this workspace from inside it.", 403)


class HubFault(PanelError):  # noqa: N818
    """The hub did not do what it was asked. The message never holds its answer's text."""
