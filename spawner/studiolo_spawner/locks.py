"""Which fields of the menu are fixed for a person, and what a choice says against that. Pure.

A lock grants nothing: it narrows what is offered to one entry, so that the menu shows that one and
the resolver accepts no other, by whatever way in. Whoever is bound to an entry that is not offered
to them is offered none. Group names are compared exactly; administrators of the hub are not bound,
since they must be able to try what others see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studiolo_spawner import wording
from studiolo_spawner.catalogue_menu import Lock
from studiolo_spawner.errors import Problem
from studiolo_spawner.translation import translate as _

if TYPE_CHECKING:
    from studiolo_spawner.choice import Choice
    from studiolo_spawner.offer import Person


@dataclass(frozen=True, slots=True)
class Locks:
    """The lock that binds a person in each field, if one does."""

    image: Lock | None = None
    profile: Lock | None = None
    fallback: Lock | None = None

    def problems(self, choice: Choice) -> Iterator[Problem]:
        """What the choice wants otherwise than it is fixed."""
        if self.image is not None and (
            choice.custom_image is not None or choice.image not in {None, self.image.image}
        ):
            yield _problem(
                "image",
                _("the image is fixed to %(image)s") % {"image": wording.quoted(self.image.image)},
            )
        if self.profile is not None and choice.profile not in {None, self.profile.profile}:
            told = _("the GPU profile is fixed to %(profile)s") % {
                "profile": wording.quoted(self.profile.profile)
            }
            yield _problem("profile", told)
        if self.fallback is not None and choice.fallback not in {None, self.fallback.fallback}:
            told = _("it is fixed that another image may not start instead")
            if self.fallback.fallback:
                told = _("it is fixed that another image may start instead")
            yield _problem("fallback", told)


def locks_of(locked: Iterable[Lock], person: Person) -> Locks:
    """The first lock for each field among those that bind the person."""
    if person.admin:
        return Locks()
    image = profile = fallback = None
    for lock in locked:
        if not person.is_in(lock.groups):
            continue
        image = image or (lock if lock.image is not None else None)
        profile = profile or (lock if lock.profile is not None else None)
        fallback = fallback or (lock if lock.fallback is not None else None)
    return Locks(image, profile, fallback)


def _problem(path: str, told: str) -> Problem:
    return Problem(path, told, _("your administrators have decided so; leave it out"))
