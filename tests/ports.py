"""Ports for servers that must know theirs before they listen. I/O: sockets.

Between choice and use nobody else may take one: they lie below those that the system gives out, and
each worker has its own.
"""

from __future__ import annotations

import os
import secrets
import socket

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_OURS = range(10_000 + _WORKER, 20_000, _WORKERS)
_given: set[int] = set()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on and that nobody else is told."""
    for _ in range(1000):
        port = secrets.choice(_OURS)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise AssertionError("There is no free port from 10000 to 19999.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
