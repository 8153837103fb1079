"""The waits of a kubelet, in one place. Pure.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds, as a kubelet has them by default."""

    event: float = 1.0
    """Until the kubelet sees what happened to a container."""
    sync: float = 10.0
    """Until it tries again what failed without a back-off."""
    first: float = 10.0
    """The first back-off of a pull or of a crashing container; each next one is twice as long."""
    longest: float = 300.0
    """The longest back-off."""
    healthy: float = 600.0
    """After running this long, a container's back-off starts anew."""

    def scaled(self, factor: float) -> Self:
        """The same, faster or slower: for tests."""
        return type(self)(*(getattr(self, each.name) * factor for each in fields(self)))


class Backoff:
    """Doubling waits: 10 s, 20 s, 40 s … 5 minutes."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self.seconds = 0.0
        """The wait that is due now; 0 before the first failure."""

    def failed(self) -> float:
        """Count a failure; the wait that follows it."""
        doubled = self.seconds * 2 if self.seconds else self._timing.first
        self.seconds = min(doubled, self._timing.longest)
        return self.seconds

    def reset(self) -> None:
        """Begin anew."""
        self.seconds = 0.0
