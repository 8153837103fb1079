"""Open sessions of tools other than Jupyter: editors, RStudio, remote desktops, ssh. I/O: /proc.

A session is an established TCP connection to a port on which such a tool of this workspace listens.
It is seen in the kernel's table, so the tool need not know of us and needs no setting. What goes
through jupyter-server-proxy with traffic counts by that extension's own doing as well.

An editor that is left open in a browser's tab keeps its connection and so counts as used; a
profile's `max_lifetime` is the limit of that. Dashboards (TensorBoard and the like) are not listed:
they ask for news by themselves, at work or not.

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

from jupyterlab_studiolo.own_processes import OwnProcesses
from jupyterlab_studiolo.said import Said

_REMOTE_DESKTOP: Final = Said("the remote desktop")

# What stands in the command line, and the name for people.
TOOLS: Final[dict[str, str]] = {
    "code-server": "code-server",
    "openvscode-server": "VS Code",
    "vscode-server": "VS Code",
    "rsession": "RStudio",
    "rserver": "RStudio",
    "marimo": "marimo",
    "theia": "Theia",
    "Xvnc": _REMOTE_DESKTOP,
    "Xtigervnc": _REMOTE_DESKTOP,
    "kasmvnc": _REMOTE_DESKTOP,
    "websockify": _REMOTE_DESKTOP,
    "sshd": "ssh",
}
_ESTABLISHED: Final = "01"
_LISTEN: Final = "0A"
_WORDS: Final = 3  # the tool stands among the first words of its command line


class ToolSession(NamedTuple):
    """A tool that someone is connected to."""

    name: str
    port: int


class ToolWatch:
    """Looks at each process once, and at the sockets of those that are tools."""

    def __init__(self, own: OwnProcesses, *, proc: Path = Path("/proc")) -> None:
        self._own = own
        self._proc = proc
        self._names: dict[int, str | None] = {}

    def sessions(self) -> tuple[ToolSession, ...]:
        """Every tool with a connection; reads files that can block, so not for the event loop."""
        tools = self._tools()
        if not tools:
            return ()
        listening, established = self._connections()
        found = {
            ToolSession(name, established[inode])
            for pid, name in tools.items()
            for inode in self._sockets(pid)
            if established.get(inode) in listening
        }
        return tuple(sorted(found))

    def _tools(self) -> dict[int, str]:
        try:
            entries = os.listdir(self._proc)  # noqa: PTH208
        except OSError:
            return {}
        pids = {int(entry) for entry in entries if entry.isdecimal()}
        names = {pid: name for pid, name in self._names.items() if pid in pids}
        for pid in pids - names.keys():
            names[pid] = self._name(pid)
        self._names = names
        return {pid: name for pid, name in names.items() if name is not None}

    def _name(self, pid: int) -> str | None:
        try:
            words = (self._proc / str(pid) / "cmdline").read_bytes()[:4096].split(b"\0")
        except OSError:
            return None
        parts = {
            part
            for word in words[:_WORDS]
            for part in word.decode("utf-8", "replace").rstrip(":").split("/")
        }
        name = next((name for word, name in TOOLS.items() if word in parts), None)
        return name if name is not None and self._own.find(pid) is not None else None

    def _sockets(self, pid: int) -> set[str]:
        """The inodes of its open sockets; none where they are not ours to see."""
        folder = self._proc / str(pid) / "fd"
        found = set()
        try:
            for entry in os.listdir(folder):  # noqa: PTH208 - as below
                try:
                    target = os.readlink(folder / entry)  # noqa: PTH115
                except FileNotFoundError:  # closed meanwhile
                    continue
                if target.startswith("socket:["):
                    found.add(target[8:-1])
        except OSError:
            return set()
        return found

    def _connections(self) -> tuple[set[int], dict[str, int]]:
        """The ports on which someone listens, and the local port of each connection's inode."""
        listening: set[int] = set()
        established: dict[str, int] = {}
        for table in ("tcp", "tcp6"):
            try:
                lines = (self._proc / "self/net" / table).read_text("ascii").splitlines()[1:]
            except OSError:
                continue
            for line in lines:
                words = line.split()
                if len(words) > 9 and words[3] in (_LISTEN, _ESTABLISHED):
                    port = int(words[1].rpartition(":")[2], 16)
                    if words[3] == _LISTEN:
                        listening.add(port)
                    else:
                        established[words[9]] = port
        return listening, established
