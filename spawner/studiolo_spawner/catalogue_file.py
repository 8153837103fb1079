"""Follows the catalogue's file and keeps the last good one. I/O.

The snapshot is always a catalogue that passed every check: an edit takes effect within a few
seconds, and a bad edit, a deleted file or an unreadable one changes nothing but `problem`, one line
in the log and the metrics. What holds a snapshot keeps it; a later edit makes a new one.

A file that is mounted from a ConfigMap is a symbolic link whose target is swapped
(https://kubernetes.io/docs/concepts/configuration/configmap/), so the path is resolved anew at
every look and its content compared: neither watching an inode nor trusting a time stamp would see
it all. Reading and parsing happen in a thread; what is read is bounded.
"""

import asyncio
import contextlib
import errno
import hashlib
import logging
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import Gauge

from studiolo_spawner.catalogue import MAX_BYTES, Catalogue, parse_catalogue
from studiolo_spawner.errors import CatalogueError, Problem

VALID = Gauge(
    "studiolo_catalogue_valid",
    "Whether the catalogue's file is usable as it is now (1), or an older one is in use (0).",
)
LOADED = Gauge(
    "studiolo_catalogue_loaded_timestamp_seconds",
    "When the catalogue that is in use was loaded.",
)

_Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


_SETTLED_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CatalogueProblem:
    """Why the file is not in use as it is now. For administrators."""

    source: str
    problems: tuple[Problem, ...]
    since: datetime


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at the file: what tells that it changed, and what was read."""

    stamp: tuple[int, ...]
    digest: bytes
    content: bytes


class CatalogueFile:
    """The catalogue in a file, followed while the hub runs.

    `start` must succeed once before `snapshot` is used: a hub without any catalogue does not start.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        poll_seconds: float = 2.0,
        log: _Log | None = None,
    ) -> None:
        self.path = Path(path)
        self.problem: CatalogueProblem | None = None
        self._poll_seconds = poll_seconds
        self._log: _Log = log or logging.getLogger(__name__)
        self._snapshot: Catalogue | None = None
        self._stamp: tuple[int, ...] | None = None
        self._digest = b""
        self._callbacks: list[Callable[[Catalogue], None]] = []
        self._refused_digest = b""
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    @property
    def snapshot(self) -> Catalogue:
        """The last good catalogue."""
        if self._snapshot is None:
            raise RuntimeError("the catalogue was not loaded yet: call start first")
        return self._snapshot

    def on_change(self, callback: Callable[[Catalogue], None]) -> None:
        """Call back with every new good catalogue, on the event loop."""
        self._callbacks.append(callback)

    async def start(self) -> None:
        """Load the file and follow it from now on. A bad file raises CatalogueError."""
        async with self._starting:
            if self._task is not None:
                return
            await self.look()
            if self._snapshot is None:
                assert self.problem is not None  # noqa: S101 - a look ends with one of the two
                raise CatalogueError(self.problem.problems, source=self.problem.source)
            self._task = asyncio.create_task(self._follow(), name="catalogue file")

    async def stop(self) -> None:
        """Follow no longer. The snapshot stays."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def look(self) -> None:
        """Look at the file once, and take it over if it changed and is good."""
        try:
            looked = await asyncio.to_thread(_look, self.path, self._stamp)
            if looked is None:
                return
            self._stamp = looked.stamp
            if looked.digest == self._digest:
                # Also the way back after a bad edit was undone, or a deleted file came again.
                self._accept_unchanged()
                return
            if looked.digest == self._refused_digest and self.problem is not None:
                return
            self._refused_digest = looked.digest
            catalogue = await asyncio.to_thread(
                parse_catalogue, looked.content, source=str(self.path)
            )
        except CatalogueError as error:
            self._refuse(error.problems)
        except OSError as error:
            self._stamp, self._refused_digest = None, b""
            told = f"the file cannot be read: {error.strerror or type(error).__name__}"
            self._refuse((Problem("", told, "restore it; the last good catalogue stays in use"),))
        else:
            self._accept(catalogue, looked.digest)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - logged; a fault of one must not end the rest
                # Nothing that one look meets may end the following.
                self._log.exception("Looking at the catalogue %s failed", self.path)

    def _accept(self, catalogue: Catalogue, digest: bytes) -> None:
        first = self._snapshot is None
        self._snapshot, self._digest, self.problem = catalogue, digest, None
        VALID.set(1)
        LOADED.set_to_current_time()
        self._log.info(
            "The catalogue %s is in use: %d images, %d profiles",
            self.path,
            len(catalogue.images),
            len(catalogue.profiles),
        )
        if not first:
            self._call_back(catalogue)

    def _call_back(self, catalogue: Catalogue) -> None:
        for callback in self._callbacks:
            try:
                callback(catalogue)
            except Exception:  # noqa: BLE001 - logged; a fault of one must not end the rest
                self._log.exception("A follower of the catalogue failed")

    def _accept_unchanged(self) -> None:
        if self.problem is not None:
            self.problem = None
            VALID.set(1)
            self._log.info("The catalogue %s is again what is in use", self.path)

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        """Tell once for each new cause, not at every look."""
        VALID.set(0)
        if self.problem is not None and self.problem.problems == problems:
            return
        self.problem = CatalogueProblem(str(self.path), problems, datetime.now(UTC))
        kept = "the last good one stays in use" if self._snapshot else "there is none to use"
        told = "; ".join(map(str, problems))
        self._log.error("The catalogue %s is refused, %s: %s", self.path, kept, told)


def _look(path: Path, known: tuple[int, ...] | None) -> _Look | None:
    """The content, unless nothing changed. In a thread; opens once so that a swap cannot mix two
    files.
    """
    # Not blocking: somebody may have put a named pipe in its place.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a file")
        stamp = (
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )
        if stamp == known:
            return None
        content = file.read(MAX_BYTES + 1)
    # Time stamps are coarse: two edits at nearly the same moment may bear the same one. A file that
    # was just written is therefore read again at the next look.
    settled = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS
    return _Look(stamp if settled else (), hashlib.sha256(content).digest(), content)
