"""A table of (reason, patterns) over other programs' texts; the first row that matches wins.

Pure. Patterns are case-insensitive and may span lines; texts are cut, so that matching is
bounded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_TEXT = 16_384


class TextTable:
    """Compiled once, asked often."""

    def __init__(self, rows: Sequence[tuple[str, Sequence[str]]]) -> None:
        self._rows = tuple(
            (reason, re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL))
            for reason, patterns in rows
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons in the order in which they are tried."""
        return tuple(reason for reason, _ in self._rows)

    def reason_of(self, text: str) -> str | None:
        """The reason of the first row that matches anywhere in the text."""
        cut = text[:MAX_TEXT]
        return next((reason for reason, pattern in self._rows if pattern.search(cut)), None)

    def patterns(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        """The rows, for tables that are asked about several texts at once."""
        return self._rows
