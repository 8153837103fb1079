"""Says when something about a workspace changed that pages show; no I/O.

JupyterHub has no event for the state of a server: it sets flags on the spawner. A spawner that
`TellsChanges` says so whenever one of them is set to another value, and when told itself (news of a
start, a new name). Listeners are called at once and in the loop; they are to take note and to look
later, when whatever set the flag has finished.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

Listener = Callable[[str, str], None]
"""Takes the names of the user and of the server ("" for the first one)."""


class Changes:
    """Everybody who wants to hear of changes."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have ``listener`` called at every change; returns what ends that."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def tell(self, user_name: str, server_name: str) -> None:
        """Say that a workspace has changed."""
        for listener in tuple(self._listeners):
            listener(user_name, server_name)


changes: Final = Changes()
"""The changes of this process: JupyterHub makes the spawners, so none can be handed in."""


class _Flag:
    """An attribute of a spawner whose changes are told."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, spawner: Any, owner: type) -> Any:
        return False if spawner is None else spawner.__dict__.get(self._name, False)

    def __set__(self, spawner: Any, value: Any) -> None:
        before = spawner.__dict__.get(self._name, False)
        spawner.__dict__[self._name] = value
        if value is not before:
            spawner.tell_change()


class TellsChanges:
    """For a spawner class, before JupyterHub's: the flags of jupyterhub.spawner.Spawner, told."""

    _spawn_pending: Any = _Flag()
    _start_pending: Any = _Flag()
    _stop_pending: Any = _Flag()
    _proxy_pending: Any = _Flag()
    _check_pending: Any = _Flag()
    _rename_pending: Any = _Flag()
    _waiting_for_response: Any = _Flag()

    user: Any
    name: Any

    def tell_change(self) -> None:
        """Say that this workspace has changed."""
        # JupyterHub makes spawners without a user, too, to look at their traits.
        if self.user is not None:
            changes.tell(self.user.name, self.name)
