"""Looks at kernels, terminals and other tools, and tells `Activity`. I/O: managers and /proc.

On the event loop, but for the search for other tools: that reads files that can block, in a thread
of its own that lives for a moment with every second check.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Final

from jupyterlab_studiolo.activity import Activity
from jupyterlab_studiolo.own_processes import OwnProcesses
from jupyterlab_studiolo.said import Said
from jupyterlab_studiolo.sessions import Sessions
from jupyterlab_studiolo.tools import ToolSession, ToolWatch

CHECK_SECONDS: Final = 30.0
TOOLS_EVERY: Final = 2
NAMED: Final = 3

log = logging.getLogger("jupyterlab_studiolo")


class Watch:
    """`start` it once; `look` does the part that takes microseconds, whenever somebody looks."""

    def __init__(
        self,
        activity: Activity,
        sessions: Sessions,
        own: OwnProcesses,
        *,
        loop: asyncio.AbstractEventLoop,
        proc: Path = Path("/proc"),
    ) -> None:
        self._activity = activity
        self._sessions = sessions
        self._own = own
        self._loop = loop
        self._proc = proc
        self._tools = ToolWatch(own, proc=proc)
        self._thread: threading.Thread | None = None
        self._terminals: list[dict[str, Any]] = []
        self._checks = 0

    @property
    def terminals(self) -> list[dict[str, Any]]:
        """As `look` found them: `Terminal` in openapi.json."""
        return self._terminals

    def start(self) -> None:
        """Checks now, and again and again."""
        try:
            self.look()
            self._activity.check_keep_alive()
            if self._checks % TOOLS_EVERY == 0:
                self._search_tools()
            self._checks += 1
        except Exception as error:  # noqa: BLE001 - one bad look must not end the watch
            log.warning("Activity could not be looked at: %s", type(error).__name__)
        self._loop.call_later(CHECK_SECONDS, self.start)

    def look(self) -> None:
        """At kernels and terminals, once."""
        kernels = self._sessions.kernels()
        self._activity.on_kernels([each.title for each in kernels if each.state == "busy"])
        self._terminals = []
        running = ""
        for terminal in self._sessions.terminals():
            program = self._program_of(terminal.pid)
            busy = program is not None
            self._terminals.append({"name": terminal.name, "busy": busy, "program": program})
            if program is not None and not running:
                running = Said("%1 runs in Terminal %2.", program, terminal.name)
        self._activity.note("terminal", running)

    def _program_of(self, shell: int) -> str | None:
        child = first_child(shell, proc=self._proc)
        if child is None:
            return None
        found = self._own.stat(child)
        return "".join(filter(str.isprintable, found.command))[:64] if found else Said("a program")

    def _search_tools(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._run_search, name="studiolo-tools", daemon=True
            )
            self._thread.start()

    def _run_search(self) -> None:
        sessions = self._tools.sessions()
        try:
            self._loop.call_soon_threadsafe(self._found_tools, sessions)
        except RuntimeError:  # the server has ended
            log.debug("Open sessions of tools were found after the server's end.")

    def _found_tools(self, sessions: tuple[ToolSession, ...]) -> None:
        self._activity.note("tool", connected(sessions[:NAMED]))


def connected(sessions: Sequence[ToolSession]) -> str:
    """Which tools somebody is connected to; empty when to none."""
    if not sessions:
        return ""
    named = [Said("%1 (port %2)", session.name, str(session.port)) for session in sessions]
    return Said("Connected: %1.", reduce(lambda told, name: Said("%1, %2", told, name), named))


def first_child(pid: int, *, proc: Path = Path("/proc")) -> int | None:
    """A child of a process, which is what a shell has while a program runs in it.

    https://www.kernel.org/doc/html/latest/filesystems/proc.html#proc-pid-task-tid-children
    """
    try:
        for path in (proc / str(pid) / "task").glob("*/children"):
            children = path.read_text("ascii").split()
            if children:
                return int(children[0])
    except OSError:  # it has ended meanwhile
        return None
    return None
