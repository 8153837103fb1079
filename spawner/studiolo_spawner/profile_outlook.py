"""What a person may expect of each profile now: what is free, and what their quotas say; reads.

For the choices of a restart and the offers of the waiting page. Nothing here keeps anything from
being tried: the start itself is what decides.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studiolo_spawner import spawner_quotas
from studiolo_spawner.capacity import State, free_words, state_of
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.offer import offer_to

if TYPE_CHECKING:
    from studiolo_spawner.spawner import WorkspaceSpawner


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is free of a profile in words and in one word; why it would be refused, if it would."""

    capacity: str | None = None
    state: State = "unknown"
    refusal: str | None = None


NOTHING_KNOWN = Outlook()


async def outlooks(spawner: WorkspaceSpawner) -> dict[str, Outlook]:
    """The outlook for each profile that is offered to the spawner's person."""
    parts = await spawner.parts()
    catalogue = parts.catalogue.snapshot
    capacity = (parts.cluster.capacity(catalogue) if parts.cluster else None) or {}
    refusals = {}
    with suppress(ClusterFault):
        # Who cannot count refuses nothing before the start does.
        refusals = (await spawner_quotas.quota_view(spawner, parts)).refusals
    told = {}
    for profile in offer_to(spawner.person(), catalogue).profiles.values():
        free, refused = capacity.get(profile.id), refusals.get(profile.id)
        told[profile.id] = Outlook(
            free_words(free, profile.count) or None,
            state_of(free),
            refused.text if refused else None,
        )
    return told
