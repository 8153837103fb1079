"""Finds and ends processes that carry a mark in their environment. I/O: /proc and signals.

Guarantees that only processes of our own user whose environment held the exact entry at their start
are ended, by a handle that cannot come to mean another process meanwhile. A mark names the
kubelet's data directory, so that two clusters of one user on one machine never end each other's
processes.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

DATA_MARK = "STUDIOLO_KUBELET_DATA"
POD_MARK = "STUDIOLO_POD_UID"
CONTAINER_MARK = "STUDIOLO_CONTAINER_ID"

_PROC = Path("/proc")
_AGAIN_SECONDS = 0.02


def marked(marks: Mapping[str, str]) -> list[int]:
    """The processes of our user whose environment holds all of `marks`, but not this one."""
    entries = {f"{name}={value}".encode() for name, value in marks.items()}
    return [
        int(path.name)
        for path in _PROC.iterdir()
        if path.name.isdigit()
        and int(path.name) != os.getpid()
        and _carries(int(path.name), entries)
    ]


def end_marked(marks: Mapping[str, str], *, seconds: float = 5.0) -> int:
    """Kill every marked process until none is left or `seconds` are over. Tells how many.

    Blocks for a few milliseconds; again and again because a process may fork while it is looked
    for.
    """
    if not marks:
        raise ValueError("Without a mark every process would be meant.")
    entries = {f"{name}={value}".encode() for name, value in marks.items()}
    ended: set[int] = set()
    deadline = time.monotonic() + seconds
    while (found := marked(marks)) and time.monotonic() < deadline:
        ended.update(pid for pid in found if _end(pid, entries))
        time.sleep(_AGAIN_SECONDS)
    return len(ended)


def _end(pid: int, entries: set[bytes]) -> bool:
    with suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            # Looked at again behind the handle: the number may have been given to another meanwhile
            if _carries(pid, entries):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                return True
        finally:
            os.close(handle)
    return False


def _carries(pid: int, entries: set[bytes]) -> bool:
    directory = _PROC / str(pid)
    try:
        if directory.stat().st_uid != os.geteuid():
            return False
        environment = (directory / "environ").read_bytes()
    except OSError:
        return False
    return entries <= set(environment.split(b"\0"))
