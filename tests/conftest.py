"""For all tests: the fast ones run first, so that a mistake is seen before the long ones begin.

`make test` gives whole files to several workers (pytest-xdist), in this order. Each worker has what
is started for a session of its own; nothing but build/screenshots is shared between them.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

#: Later in this list means later in the run; tests of no such kind are first.
KINDS = ("cluster", "gpu", "browser")

# How fast a machine is, or how busy with another worker, says nothing about what is tested.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort files by their latest kind, and a file's tests by kind; else their order stays."""
    latest: dict[object, tuple[bool, int]] = {}
    for item in items:
        latest[item.path] = max(latest.get(item.path, (False, 0)), _place(item))
    items.sort(key=lambda item: (latest[item.path], _place(item)))


def _place(item: pytest.Item) -> tuple[bool, int]:
    kind = max(
        (KINDS.index(mark.name) + 1 for mark in item.iter_markers() if mark.name in KINDS),
        default=0,
    )
    # The journeys' browser is driven from a loop that runs until the session's end, and no other
    # loop can run beside it: whatever its marks, what uses it comes after everything else.
    return "chromium" in getattr(item, "fixturenames", ()), kind
