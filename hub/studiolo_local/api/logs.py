"""How the API is given containers' output: by whoever runs the containers. Pure types."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime


class LogsUnavailable(Exception):  # noqa: N818 (it is an answer, not a fault)
    """There is no output to show; the message says why, for the user of kubectl."""


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Which output is wanted, and how much of it."""

    namespace: str
    pod: str
    uid: str
    container: str
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since: datetime | None = None


LogProvider = Callable[[LogRequest], AsyncGenerator[bytes, None]]
"""Yields the output in chunks until it ends; raises LogsUnavailable before the first."""
