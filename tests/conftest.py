"""For all tests: the fast ones run first, so that a mistake is seen before the long ones begin."""

from __future__ import annotations

import pytest

#: Later in this list means later in the run; tests of no such kind are first.
KINDS = ("cluster", "gpu", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort tests by kind; within a kind their order stays."""
    items.sort(key=_kind)


def _kind(item: pytest.Item) -> int:
    return max(
        (KINDS.index(mark.name) + 1 for mark in item.iter_markers() if mark.name in KINDS),
        default=0,
    )
