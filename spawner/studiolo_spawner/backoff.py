"""How long to wait before trying again: exponential, jittered, capped; pure.

Jitter keeps many clients that failed together from coming back together.
"""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Delays in seconds that double from ``first`` up to ``cap``, each cut by up to a half."""

    def __init__(
        self,
        *,
        first: float = 0.1,
        cap: float = 5.0,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._first = first
        self._cap = cap
        self._draw = draw
        self.failures = 0

    def next_delay(self) -> float:
        """Count one failure and return the delay that follows it."""
        # 2**30 is far above any cap and keeps the power from growing for ever.
        delay = min(self._cap, self._first * 2 ** min(self.failures, 30))
        self.failures += 1
        return self._draw(delay / 2, delay)

    def reset(self) -> None:
        """Start from the first delay again."""
        self.failures = 0
