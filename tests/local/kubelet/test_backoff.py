"""The kubelet's waits."""

from __future__ import annotations

from studiolo_local.kubelet.backoff import Backoff, Timing


def test_waits_double_up_to_five_minutes() -> None:
    backoff = Backoff(Timing())
    assert backoff.seconds == 0
    assert [backoff.failed() for _ in range(7)] == [10, 20, 40, 80, 160, 300, 300]
    backoff.reset()
    assert backoff.failed() == 10


def test_faster_for_tests() -> None:
    assert Timing().scaled(0.5) == Timing(0.5, 5, 5, 150, 300)
