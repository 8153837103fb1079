"""Who asks, and what of the catalogue is offered to them. Pure.

The one place that decides on groups: the menu shows an Offer, the resolver accepts nothing outside
it, and fallbacks are taken from it. Group names are compared exactly. Administrators may use every
entry: they can edit the catalogue anyway, and must be able to try what others see.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from studiolo_spawner.catalogue import Catalogue, CustomImages, Image, Profile, SharedVolume
from studiolo_spawner.locks import Locks, locks_of

_Entry = TypeVar("_Entry", Image, Profile)
_UNBOUND = Locks()


@dataclass(frozen=True, slots=True)
class Person:
    """A user as the hub knows them at this moment."""

    name: str
    groups: frozenset[str] = frozenset()
    admin: bool = False

    def is_in(self, groups: frozenset[str], users: frozenset[str] = frozenset()) -> bool:
        """Whether an entry for these groups and users (none: everyone) is for this person."""
        if not groups and not users:
            return True
        return self.admin or self.name in users or not groups.isdisjoint(self.groups)


@dataclass(frozen=True)
class Offer:
    """What one person may use, in the catalogue's order."""

    catalogue: Catalogue
    person: Person
    permitted: Mapping[str, Image]
    """Every image they may run, hidden and redirected ones too."""
    images: Mapping[str, Image]
    """Those of them that the menu shows."""
    profiles: Mapping[str, Profile]
    locks: Locks = _UNBOUND
    """What is fixed for them; the entries above are narrowed by it."""

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """What the images on the menu are for, sorted."""
        return tuple(sorted(frozenset().union(*(i.tasks for i in self.images.values()))))

    @cached_property
    def tools(self) -> tuple[str, ...]:
        """What the images on the menu bring along, sorted."""
        return tuple(sorted(frozenset().union(*(i.provides.tools for i in self.images.values()))))

    @cached_property
    def frameworks(self) -> tuple[str, ...]:
        """The frameworks of the images on the menu, sorted."""
        return tuple(sorted({name for i in self.images.values() for name in i.provides.frameworks}))

    @property
    def volumes(self) -> tuple[SharedVolume, ...]:
        """The shared volumes that they get."""
        return tuple(v for v in self.catalogue.volumes if self.person.is_in(v.groups, v.users))

    @property
    def custom_images(self) -> CustomImages | None:
        """By which rules they may name images of their own; None where they may not."""
        rules = self.catalogue.custom_images
        if rules is None or self.locks.image is not None:
            return None
        return rules if self.person.is_in(rules.groups) else None

    @property
    def default_image(self) -> str | None:
        """The image that starts when none is named; None when none is offered."""
        return _first(self.catalogue.defaults.image, self.images)

    @property
    def default_profile(self) -> str | None:
        """The profile that is used when none is named; None when none is offered."""
        return _first(self.catalogue.defaults.profile, self.profiles)


def offer_to(person: Person, catalogue: Catalogue) -> Offer:
    """What of the catalogue this person may use."""
    locks = locks_of(catalogue.menu.locked, person)
    permitted = {i.id: i for i in catalogue.images if person.is_in(i.groups, i.users)}
    images = {name: image for name, image in permitted.items() if not image.hidden}
    profiles = {p.id: p for p in catalogue.profiles if person.is_in(p.groups, p.users)}
    return Offer(
        catalogue,
        person,
        permitted=permitted,
        images=_only(images, locks.image.image if locks.image else None),
        profiles=_only(profiles, locks.profile.profile if locks.profile else None),
        locks=locks,
    )


def _only(offered: dict[str, _Entry], fixed: str | None) -> dict[str, _Entry]:
    if fixed is None:
        return offered
    return {fixed: offered[fixed]} if fixed in offered else {}


def _first(wanted: str | None, offered: Mapping[str, object]) -> str | None:
    return wanted if wanted in offered else next(iter(offered), None)
