"""For all tests: the fast ones run first, so that a mistake is seen before the long ones begin."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something of the machine's other work, and nothing of the code.
settings.register_profile("studiolo", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("studiolo")

#: Later in this list means later in the run; tests of no such kind are first.
KINDS = ("cluster", "gpu", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort tests by kind; within a kind their order stays."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> tuple[bool, int]:
    kind = max(
        (KINDS.index(mark.name) + 1 for mark in item.iter_markers() if mark.name in KINDS),
        default=0,
    )
    # The journeys' browser is driven from a loop that runs until the session's end, and no other
    # loop can run beside it: whatever its marks, what uses it comes after everything else.
    return "chromium" in getattr(item, "fixturenames", ()), kind
