"""The kernels and terminals of this server, and which of them a process belongs to.

I/O: asks jupyter_server's managers, on the event loop. A kernel that does not run on this machine
has no process here, and the processes that it starts elsewhere cannot be told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from jupyter_core.utils import ensure_async

from jupyterlab_studiolo.devices import GpuProcess
from jupyterlab_studiolo.said import Said

SESSIONS_SECONDS: Final = 5.0


class Kernel(NamedTuple):
    """A running kernel; `pid` is None where it runs elsewhere."""

    id: str
    name: str
    kind: str
    title: str
    path: str | None
    state: str
    last_activity: float | None
    connections: int
    pid: int | None


class Terminal(NamedTuple):
    """An open terminal and the process of its shell."""

    name: str
    pid: int


class Sessions:
    """Kernels and terminals by demand; their notebooks' names are asked every few seconds."""

    def __init__(
        self, settings: Mapping[str, Any], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._named_at = float("-inf")
        self._named: dict[str, dict[str, Any]] = {}

    async def refresh(self) -> None:
        """Learns anew which notebook or console each kernel serves, where that is due."""
        manager = self._settings.get("session_manager")
        ids = set(self._settings["kernel_manager"].list_kernel_ids())
        old = self._clock() - self._named_at >= SESSIONS_SECONDS
        if manager is None or not ids or not (old or ids - self._named.keys()):
            return
        self._named_at = self._clock()
        found = await ensure_async(manager.list_sessions())
        self._named = {kernel: {} for kernel in ids} | {
            session["kernel"]["id"]: session for session in found if session.get("kernel")
        }

    def kernels(self) -> list[Kernel]:
        """All that run, as they are now."""
        manager = self._settings["kernel_manager"]
        return [
            self._kernel(model, _kernel_pid(manager, model["id"]))
            for model in manager.list_kernels()
        ]

    def terminals(self) -> list[Terminal]:
        """All that are open; none where terminals are switched off."""
        manager = self._settings.get("terminal_manager")
        terminals = getattr(manager, "terminals", None) or {}
        return [Terminal(name, each.ptyproc.pid) for name, each in list(terminals.items())]

    def _kernel(self, model: Mapping[str, Any], pid: int | None) -> Kernel:
        session = self._named.get(model["id"], {})
        kind = session.get("type")
        path = session.get("path") or None
        title = session.get("name") or (path or "").rpartition("/")[2] or model["name"]
        return Kernel(
            id=model["id"],
            name=model["name"],
            kind=kind if kind in ("notebook", "console") else "kernel",
            title=title,
            path=path,
            state=model.get("execution_state") or "unknown",
            last_activity=_unix(model.get("last_activity")),
            connections=model.get("connections") or 0,
            pid=pid,
        )


def owner_of(
    process: GpuProcess,
    kernels: Iterable[Kernel],
    terminals: Iterable[Terminal],
    *,
    server: int,
) -> dict[str, Any]:
    """What a process belongs to: `Owner` in openapi.json."""
    line = (process.pid, *process.ancestors)
    for pid in line:
        for kernel in kernels:
            if kernel.pid == pid:
                return _owner(kernel.kind, kernel.title, path=kernel.path, kernel_id=kernel.id)
        for terminal in terminals:
            if terminal.pid == pid:
                title = Said("Terminal %1", terminal.name)
                return _owner("terminal", title, terminal=terminal.name)
    if server in line:
        return _owner("server", "JupyterLab")
    return _owner("other", "")


def _owner(
    kind: str,
    text: str,
    *,
    path: str | None = None,
    kernel_id: str | None = None,
    terminal: str | None = None,
) -> dict[str, Any]:
    return {
        "kind": kind,
        "text": text,
        "path": path,
        "kernel_id": kernel_id,
        "terminal": terminal,
    }


def _kernel_pid(manager: Any, kernel_id: str) -> int | None:
    try:
        provisioner = manager.get_kernel(kernel_id).provisioner
    except KeyError:  # it has ended meanwhile
        return None
    pid = getattr(provisioner, "pid", None)
    return pid if isinstance(pid, int) and pid > 0 else None


def _unix(moment: Any) -> float | None:
    """From jupyter_server's models, whose times are text."""
    import datetime

    if isinstance(moment, str):
        try:
            moment = datetime.datetime.fromisoformat(moment)
        except ValueError:
            return None
    return moment.timestamp() if isinstance(moment, datetime.datetime) else None
