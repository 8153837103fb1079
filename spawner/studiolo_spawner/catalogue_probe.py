"""Ask the registries about every image of a catalogue, a few at a time; I/O.

Guarantees: one result for each entry, in the catalogue's order; never raises for a registry's
trouble; a registry that is silent costs its time-out once, whatever the number of its images.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from studiolo_spawner.catalogue import Image
from studiolo_spawner.image_check import CheckedImage
from studiolo_spawner.registry_answer import Outcome
from studiolo_spawner.verdict import Decision

AT_ONCE: Final = 8
"""Checks under way at the same time: enough to be quick, too few to make a registry tired of us."""


class Standing(Enum):
    """How an entry of the catalogue stands."""

    GOOD = "good"
    BAD = "bad"
    SILENT = "no answer"
    """Its registry does not answer, or asks us to wait: nothing is known of the image."""
    HIDDEN = "not visible"
    """Only the machines may see it, as the administrator has set it up."""
    MOVED = "not used"
    """It is redirected, and so never starts."""


@dataclass(frozen=True, slots=True)
class ProbedImage:
    """One entry and what was found; ``checked`` is None where there was nothing to ask."""

    image: Image
    checked: CheckedImage | None

    @property
    def standing(self) -> Standing:
        """What the check means for the entry."""
        if self.checked is None:
            return Standing.MOVED
        if self.checked.verdict.decision is Decision.ACCEPTED:
            return Standing.GOOD
        if self.checked.verdict.decision is not Decision.UNKNOWN:
            return Standing.BAD
        silent = self.checked.answer.outcome in {Outcome.UNREACHABLE, Outcome.RATE_LIMITED}
        return Standing.SILENT if silent else Standing.HIDDEN


async def probe(
    images: Sequence[Image],
    check: Callable[[Image], Awaitable[CheckedImage]],
    *,
    at_once: int = AT_ONCE,
) -> tuple[ProbedImage, ...]:
    """Check the images; redirected ones are not asked about."""
    room = asyncio.Semaphore(at_once)

    async def probed(image: Image) -> ProbedImage:
        if image.redirect is not None:
            return ProbedImage(image, None)
        async with room:
            return ProbedImage(image, await check(image))

    return tuple(await asyncio.gather(*map(probed, images)))
