"""What somebody who waits for hardware could have at once instead. Pure.

Offered are only profiles that are this person's to choose, that no quota refuses and that fit now.
The nearest come first: fewer of the same devices, then slices and shares of a GPU, other devices,
and last a workspace without any, to go on with what needs none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from studiolo_spawner import spoken
from studiolo_spawner.capacity import Free
from studiolo_spawner.catalogue import Catalogue, Profile
from studiolo_spawner.offer import Person, offer_to
from studiolo_spawner.resource_words import counted
from studiolo_spawner.translation import translate as _

MOST = 3
"""More would be a second menu."""

_ORDER: Mapping[str | None, int] = {"slice": 1, "share": 2, "gpu": 3, "device": 4, None: 5}


@dataclass(frozen=True, slots=True)
class FreeOffer:
    """A profile to take instead, and why."""

    profile_id: str
    display_name: str
    text: str


def offers_for(
    person: Person,
    profile: Profile,
    capacity: Mapping[str, Free] | None,
    catalogue: Catalogue,
    *,
    refused: Collection[str] = (),
) -> tuple[FreeOffer, ...]:
    """What fits now for somebody who waits for ``profile``; the nearest first.

    ``refused``: profiles that a quota does not allow them now.
    """
    if capacity is None or profile.resource is None:
        return ()
    found: list[tuple[tuple[int, float], FreeOffer]] = []
    for other in offer_to(person, catalogue).profiles.values():
        free = capacity.get(other.id)
        if other.id == profile.id or other.id in refused or free is None or not free.fits:
            continue
        if other.resource == profile.resource and other.count >= profile.count:
            continue
        same = other.resource == profile.resource
        rank = 0 if same else _ORDER[free.unit]
        memory = other.gpu.memory_gib * other.count if other.gpu else float(other.count)
        told = FreeOffer(other.id, other.display_name, _words(other, free, same=same))
        found.append(((rank, -memory), told))
    found.sort(key=lambda each: each[0])
    return tuple(offer for _rank, offer in found[:MOST])


def _words(other: Profile, free: Free, *, same: bool) -> str:
    if other.resource is None:
        return _(
            "A workspace without a GPU starts at once, with the same files: go on there, and come "
            "back for the GPU later."
        )
    what = counted(other.resource, other.count)
    if same:
        return _("%(devices)s free now: take fewer.") % {"devices": what}
    size = f" ({other.gpu.model}, {spoken.number(other.gpu.memory_gib)} GiB)" if other.gpu else ""
    if free.unit == "slice":
        return _("A slice of a GPU%(size)s is free now: take it instead.") % {"size": size}
    if free.unit == "share":
        told = _(
            "A share of a GPU%(size)s is free now: take it instead. Others compute on it, too."
        )
        return told % {"size": size}
    return _("%(devices)s%(size)s free now: take this instead.") % {"devices": what, "size": size}
