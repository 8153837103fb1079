"""Reads what the shim wrote of a container's output, for kubectl logs. I/O: files.

The files are in the format of the container runtime interface: time, stream, F for a full line or P
for a part of one, and the text. Memory stays bounded by the log's own bound.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Self

from studiolo_local.api.logs import LogRequest
from studiolo_local.kubelet.process import LOG_FILES

_LOOK_AGAIN_SECONDS: Final = 0.2
_TAIL_BYTES: Final = 2048
_TAIL_LINES: Final = 80


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a log; `partial` when the next one goes on in the same line."""

    time: str
    partial: bool
    text: bytes

    def shown(self, *, timestamps: bool) -> bytes:
        """The record as kubectl prints it."""
        prefix = self.time.encode() + b" " if timestamps else b""
        return prefix + self.text + (b"" if self.partial else b"\n")


def parse_line(record: bytes) -> Line | None:
    """A record without its line end; None for what is no record."""
    parts = record.split(b" ", 3)
    if len(parts) != 4:
        return None
    return Line(parts[0].decode("ascii", "replace"), parts[2] == b"P", parts[3])


def last_words(path: Path) -> str:
    """The end of a container's output, as short as a termination message may be."""
    lines = [line.text for line in _stored(path)][-_TAIL_LINES:]
    return b"\n".join(lines)[-_TAIL_BYTES:].decode("utf-8", "replace")


async def read_log(
    path: Path, request: LogRequest, *, ended: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    """The output that is asked for; with `follow` until `ended` says that no more will come."""
    with _Follower(path) as follower:
        stored = await asyncio.to_thread(lambda: list(_stored(path, upto=follower)))
        left = request.limit_bytes
        for line in _selected(stored, request):
            left, data = _within(left, line.shown(timestamps=request.timestamps))
            yield data
        while request.follow and left != 0:
            was_ended = ended()
            lines = follower.read()
            for line in _since(lines, request):
                left, data = _within(left, line.shown(timestamps=request.timestamps))
                yield data
            if was_ended and not lines:
                return
            if not lines:
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _within(left: int | None, data: bytes) -> tuple[int | None, bytes]:
    if left is None:
        return None, data
    return left - len(data[:left]), data[:left]


def _selected(lines: list[Line], request: LogRequest) -> list[Line]:
    chosen = _since(lines, request)
    if request.tail_lines is None:
        return chosen
    return chosen[-request.tail_lines :] if request.tail_lines else []


def _since(lines: list[Line], request: LogRequest) -> list[Line]:
    if request.since is None:
        return lines
    since = request.since
    return [line for line in lines if _moment(line) >= since]


def _moment(line: Line) -> datetime:
    # Nine digits of a second are more than a datetime takes
    return datetime.fromisoformat(f"{line.time[:26].rstrip('Z')}+00:00")


def _stored(path: Path, upto: _Follower | None = None) -> Iterator[Line]:
    """All records that are there, the rotated files first."""
    files = [path.with_name(f"{path.name}.{number}") for number in range(LOG_FILES - 1, 0, -1)]
    for file in files:
        with suppress(FileNotFoundError):
            yield from _parsed(file.read_bytes())
    if upto is not None:
        yield from upto.read()
        return
    with suppress(FileNotFoundError):
        yield from _parsed(path.read_bytes())


def _parsed(content: bytes) -> Iterator[Line]:
    for record in content.split(b"\n"):
        line = parse_line(record)
        if line is not None:
            yield line


class _Follower:
    """Reads on from where it was, over a rotation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def read(self) -> list[Line]:
        """The records that came since the last call."""
        if self._file is None:
            self._open()
        data = self._file.read() if self._file is not None else b""
        if not data and self._rotated():
            self._open()
            data = self._file.read() if self._file is not None else b""
        *records, self._rest = (self._rest + data).split(b"\n")
        return [line for record in records if (line := parse_line(record)) is not None]

    def _open(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        with suppress(FileNotFoundError):
            self._file = self._path.open("rb")

    def _rotated(self) -> bool:
        if self._file is None:
            return False
        with suppress(FileNotFoundError):
            return os.fstat(self._file.fileno()).st_ino != self._path.stat().st_ino
        return False
