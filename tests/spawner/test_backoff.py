"""Delays double, are cut by jitter, and stop growing at the cap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.backoff import Backoff


def test_doubles_to_the_cap_and_starts_again() -> None:
    backoff = Backoff(first=1, cap=5, draw=lambda _low, high: high)
    assert [backoff.next_delay() for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.next_delay() == 1


@given(st.integers(0, 5000))
def test_never_longer_than_the_cap(failures: int) -> None:
    backoff = Backoff(cap=5)
    backoff.failures = failures
    assert 0 < backoff.next_delay() <= 5
