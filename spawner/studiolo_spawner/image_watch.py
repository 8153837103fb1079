"""Check all images of the catalogue again and again, before anybody picks a bad one; I/O.

One task for the whole hub. Guarantees: a round begins at once, after every edit of the catalogue,
and then every period, up to a tenth earlier or later so that several hubs do not keep meeting at a
registry; a few images are asked about at the same time; nothing that a round meets ends the task;
the log tells when an image turns bad or good, and not what stays as it was.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from studiolo_spawner.catalogue import Image
from studiolo_spawner.catalogue_file import CatalogueFile
from studiolo_spawner.catalogue_probe import ProbedImage, Standing, probe
from studiolo_spawner.image_check import CheckedImage
from studiolo_spawner.image_health import Check, HealthBook
from studiolo_spawner.translation import english

AT_ONCE: Final = 4
"""Fewer than on the command line: nobody waits, and starts have the way free."""
_JITTER: Final = 0.1

_Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


class ImageWatch:
    """Writes what it finds into the health book; ``stop`` it at the end."""

    def __init__(
        self,
        catalogue: CatalogueFile,
        book: HealthBook,
        check: Callable[[Image], Awaitable[CheckedImage]],
        *,
        period: float,
        log: _Log,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._catalogue = catalogue
        self._book = book
        self._check = check
        self._period = period
        self._log = log
        self._jitter = jitter
        self._edited = asyncio.Event()
        self._first_round = asyncio.Event()
        self._bad: frozenset[str] = frozenset()
        catalogue.on_change(lambda _new: self._edited.set())
        self._task = asyncio.create_task(self._watch(), name="image checks")

    async def first_round(self, at_most: float) -> None:
        """Wait until every image was asked about once, or for so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most):
                await self._first_round.wait()

    def check_now(self) -> None:
        """Begin a round at once, or one more after the round that is under way."""
        self._edited.set()

    async def stop(self) -> None:
        """Check no longer."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _watch(self) -> None:
        while True:
            self._edited.clear()
            try:
                await self._round()
            except Exception:  # noqa: BLE001 - logged; a fault of one round must not end the rest
                self._log.exception("A round of image checks failed")
            self._first_round.set()
            pause = self._period * self._jitter(1 - _JITTER, 1 + _JITTER)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._edited.wait()

    async def _round(self) -> None:
        images = self._catalogue.snapshot.images
        probed = await probe(images, self._noted, at_once=AT_ONCE)
        bad = {one.image.id: one for one in probed if one.standing is Standing.BAD}
        for name in bad.keys() - self._bad:
            self._tell_bad(bad[name])
        for one in probed:
            if one.image.id in self._bad and one.standing is Standing.GOOD:
                self._log.info("Image %s (%s) is good again", one.image.id, one.image.reference)
        silent = {one.image.id for one in probed if one.standing is Standing.SILENT}
        self._bad = frozenset(bad) | (self._bad & silent)

    async def _noted(self, image: Image) -> CheckedImage:
        checked = await self._check(image)
        self._book.note_check(image, check_of(checked, datetime.now(UTC)))
        return checked

    def _tell_bad(self, one: ProbedImage) -> None:
        if one.checked is not None:
            self._log.warning(
                "Image %s (%s) has a problem: %s: %s",
                one.image.id,
                one.image.reference,
                one.checked.verdict.reason,
                one.checked.answer.detail or english(one.checked.verdict.message),
            )


def check_of(checked: CheckedImage, at: datetime) -> Check:
    """What the health book keeps of an answer."""
    answer = checked.answer
    return Check(at, checked.verdict, answer.digest, answer.size, answer.created)
