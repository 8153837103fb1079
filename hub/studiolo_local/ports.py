"""Finds free ports on the loopback address and remembers them. I/O: sockets, one file.

Guarantees: a port that was free when it was asked for, and the same one as last time where that is
free again, so that bookmarks and kubeconfigs stay good.
"""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Iterable
from pathlib import Path

HOST = "127.0.0.1"
TRIES = 100

# Below those that Linux and macOS give to connections and to whoever asks for any: what is chosen
# here is listened on a moment later, and again at the next start.
_ANY = range(20_000, 32_768)


class NoFreePortError(OSError):
    """Every port that may be used is taken."""


def first_free(wanted: int, *, tries: int = TRIES, taken: Iterable[int] = ()) -> int:
    """Give the first free port from `wanted` upwards; raises NoFreePortError."""
    avoid = set(taken)
    last = min(wanted + tries - 1, 65535)
    for port in range(wanted, last + 1):
        if port not in avoid and _is_free(port):
            return port
    raise NoFreePortError(
        f"No port from {wanted} to {last} is free on {HOST}. Name another: make demo PORT=..."
    )


def any_free() -> int:
    """Give a free port by chance; raises NoFreePortError."""
    for _ in range(TRIES):
        port = secrets.choice(_ANY)
        if _is_free(port):
            return port
    raise NoFreePortError(f"No port from {_ANY.start} to {_ANY.stop - 1} is free on {HOST}.")


def remembered(path: Path, names: Iterable[str], *, taken: Iterable[int] = ()) -> dict[str, int]:
    """Give each name a free port, the one that `path` holds for it where it is still free."""
    before = _read(path)
    used = set(taken)
    ports: dict[str, int] = {}
    for name in names:
        port = before.get(name, 0)
        while port in used or port == 0 or not _is_free(port):
            port = any_free()
        ports[name] = port
        used.add(port)
    if ports != before:
        path.write_text(json.dumps(ports))
    return ports


def _read(path: Path) -> dict[str, int]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}  # nothing remembered, or nothing that can be read: any ports will do
    if not isinstance(found, dict):
        return {}
    return {
        name: port
        for name, port in found.items()
        if isinstance(port, int) and 1024 <= port <= 65535
    }


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do, so that connections of the last run in TIME_WAIT are no hindrance
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
