"""A token bucket for each of many names: so many at once, then so many a second. Pure but for time.

Bounded: the names that were heard of longest ago make room. Whoever is forgotten begins with a full
bucket, which is less strict but never locks anybody out.
"""

import time
from collections import OrderedDict
from collections.abc import Callable


class RateLimit:
    """Remembers how much each name has left; used from one event loop."""

    def __init__(
        self,
        *,
        at_once: int,
        per_second: float,
        names: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._at_once = at_once
        self._per_second = per_second
        self._names = names
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, name: str) -> float:
        """Take one and return 0, or return the seconds after which there is one again."""
        now = self._clock()
        left, at = self._buckets.get(name, (float(self._at_once), now))
        left = min(left + (now - at) * self._per_second, float(self._at_once))
        if left < 1:
            return (1 - left) / self._per_second
        self._buckets[name] = (left - 1, now)
        self._buckets.move_to_end(name)
        while len(self._buckets) > self._names:
            self._buckets.popitem(last=False)
        return 0.0
