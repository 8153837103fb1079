"""The registry of benches: what each is called, what it measures, and what it has to reach."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

MEASURES: dict[str, Measure] = {}


@dataclass(frozen=True)
class Figures:
    """What one bench found; ``peer`` is None where there is nothing to compare with."""

    ours: float
    peer: float | None = None


@dataclass(frozen=True)
class Goal:
    """What ours has to be at most: a number, a part of the peer's figure, or both."""

    at_most: float | None = None
    part_of_peer: float | None = None

    def limit(self, peer: float | None) -> float:
        """The figure that must not be exceeded."""
        limits = [] if self.at_most is None else [self.at_most]
        if self.part_of_peer is not None and peer is not None:
            limits.append(self.part_of_peer * peer)
        return min(limits, default=float("inf"))


@dataclass(frozen=True)
class Measure:
    """One bench."""

    id: str
    what: str
    unit: str
    goal: Goal
    run: Callable[[Path], Awaitable[Figures]]


def measure(
    id_: str, what: str, *, unit: str, goal: Goal
) -> Callable[[Callable[[Path], Awaitable[Figures]]], Callable[[Path], Awaitable[Figures]]]:
    """Register a coroutine function that takes an empty folder and returns Figures."""

    def register(
        run: Callable[[Path], Awaitable[Figures]],
    ) -> Callable[[Path], Awaitable[Figures]]:
        MEASURES[id_] = Measure(id_, what, unit, goal, run)
        return run

    return register
