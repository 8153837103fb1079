"""Waiting for what no event of the cluster tells a test."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(what: Callable[[], object], *, seconds: float = 90) -> None:
    """Ask again and again until the answer is true; fails with the last one."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
