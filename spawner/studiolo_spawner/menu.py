"""What one person sees on the menu: the catalogue in words, with what is selected. Pure.

The menu lets one choose what offer.py grants and nothing else; what is not granted is shown beside
it with the reason, where the catalogue says so. A saved choice that has become invalid never breaks
it: the default is selected and a notice says why. All texts are plain: the page escapes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from studiolo_spawner import spoken
from studiolo_spawner.capacity import Free, State, free_words, state_of
from studiolo_spawner.catalogue import Catalogue, Image, Profile
from studiolo_spawner.choice import Choice
from studiolo_spawner.custom_option import CustomOption, custom_option
from studiolo_spawner.errors import StudioloError
from studiolo_spawner.image_health import HealthBook, ImageProblem
from studiolo_spawner.locks import Locks
from studiolo_spawner.menu_words import (
    CatalogueWords,
    ImageWords,
    ProfileWords,
    facts_words,
    words_of,
)
from studiolo_spawner.needs import Needs, declared_needs
from studiolo_spawner.offer import Offer, Person, offer_to
from studiolo_spawner.recommend import Pick, recommended_image, recommended_profile
from studiolo_spawner.resolve import redirect_end, resolve, still_valid
from studiolo_spawner.translation import translate as _
from studiolo_spawner.wishes import FrameworkWish, Tick, framework_wishes, ticks

__all__ = ["Free", "ImageOption", "Menu", "Person", "ProfileOption", "build_menu"]

Origin = Literal["last", "link", "form"]
"""Where the choice that fills the menu in comes from: the last start, a link, the form itself."""


@dataclass(frozen=True, slots=True)
class ImageOption:
    """An image on the menu."""

    id: str
    words: ImageWords
    facts: str
    """Size, age and last check, as far as the registry told them."""
    problem: str | None
    """What is known against it now, in words; it may be chosen all the same."""
    avoid: bool
    """The problem is such that it is not to be recommended."""
    lacks: str | None
    """What it lacks of what was asked for."""
    recommended: str | None
    """Why it is the one to take, if it is."""
    last: bool
    """It was chosen the last time."""
    selected: bool


@dataclass(frozen=True, slots=True)
class ProfileOption:
    """A GPU profile on the menu."""

    id: str
    words: ProfileWords
    free: str
    """What is free now; empty where nobody knows."""
    state: State
    refused: str | None
    """Why it cannot be chosen at the moment (a quota)."""
    recommended: str | None
    last: bool
    selected: bool


@dataclass(frozen=True, slots=True)
class NotPermitted:
    """An entry that is shown and cannot be chosen."""

    display_name: str
    about: str
    reason: str


@dataclass(frozen=True, slots=True)
class Menu:
    """Everything that the page shows."""

    images: tuple[ImageOption, ...]
    profiles: tuple[ProfileOption, ...]
    images_not_permitted: tuple[NotPermitted, ...]
    profiles_not_permitted: tuple[NotPermitted, ...]
    tasks: tuple[Tick, ...]
    tools: tuple[Tick, ...]
    frameworks: tuple[FrameworkWish, ...]
    selected_image: str | None
    selected_profile: str | None
    selected: Choice
    """The saved choice as far as it is still offered: tasks, tools, frameworks and fallback."""
    filled: bool
    """Something was chosen before: in the last start, by a link or in the form."""
    default_image: str | None
    default_profile: str | None
    custom: CustomOption | None
    """The field for an image that they name themselves, where they may."""
    locks: Locks
    summary: str
    """How many images fit and what is recommended; empty while nothing is asked for."""
    fallback_offered: bool
    """Whether the catalogue lets another image start at all."""
    quotas: tuple[str, ...]
    """What of their quotas is in use, in words."""
    hide_refused: bool
    """Whether profiles that a quota does not allow now are hidden, rather than shown as such."""
    notices: tuple[str, ...]


def build_menu(
    catalogue: Catalogue,
    person: Person,
    *,
    saved: Choice | None = None,
    origin: Origin = "last",
    capacity: Mapping[str, Free] | None = None,
    health: HealthBook | None = None,
    problems: Mapping[str, ImageProblem] | None = None,
    refused: Mapping[str, str] | None = None,
    quotas: Sequence[str] = (),
    now: datetime | None = None,
) -> Menu:
    """The menu of this person, with their saved choice selected as far as it is still offered.

    ``problems``: images that are known to have one now; by default those of ``health``. Such an
    image is selected only if it was chosen before; as a default it gives way to what would start in
    its place anyway. ``refused``: profiles that a quota does not allow now, with the reason.
    """
    offer = offer_to(person, catalogue)
    now = now or datetime.now(UTC)
    if problems is None:
        problems = health.problems(catalogue.images, now) if health else {}
    selected, notices = still_valid(
        catalogue, person, saved or Choice(), unfinished=origin == "form"
    )
    builder = _Builder(
        offer,
        words_of(catalogue),
        selected,
        problems,
        capacity or {},
        refused or {},
        health,
        now,
        declared_needs(selected),
    )
    image_id, image_notices = builder.image_to_select(origin)
    profile_id = builder.profile_to_select()
    image_pick = builder.image_pick()
    profile_pick = builder.profile_pick(image_pick.id if image_pick else image_id)
    last = saved if saved is not None and origin == "last" else Choice()
    return Menu(
        images=builder.images(image_id, image_pick, last.image),
        profiles=builder.profiles(profile_id, profile_pick, last.profile),
        images_not_permitted=_not_permitted(offer, catalogue.images, "image"),
        profiles_not_permitted=_not_permitted(offer, catalogue.profiles, "profile"),
        tasks=ticks(offer.tasks, selected.tasks, catalogue.menu.names),
        tools=ticks(offer.tools, selected.tools, catalogue.menu.names),
        frameworks=framework_wishes(offer, selected),
        selected_image=image_id,
        selected_profile=profile_id,
        selected=selected,
        filled=saved is not None,
        default_image=offer.default_image,
        default_profile=offer.default_profile,
        custom=custom_option(offer, selected),
        locks=offer.locks,
        summary=builder.summary(image_pick, profile_pick),
        fallback_offered=catalogue.defaults.fallback.allowed,
        quotas=tuple(quotas),
        hide_refused=catalogue.menu.over_quota == "hide",
        notices=(*_origin_notice(origin), *notices, *image_notices, *_nothing_offered(offer)),
    )


_NO_NEEDS = Needs()


@dataclass(frozen=True, slots=True)
class _Builder:
    """What all parts of one menu are made from."""

    offer: Offer
    words: CatalogueWords
    selected: Choice
    problems: Mapping[str, ImageProblem]
    capacity: Mapping[str, Free]
    refused: Mapping[str, str]
    health: HealthBook | None
    now: datetime
    needs: Needs
    """What is asked for; each image of the page is compared with it."""

    def image_to_select(self, origin: Origin) -> tuple[str | None, tuple[str, ...]]:
        """The saved image, what it has moved to, the default or what stands in for it."""
        if self.selected.custom_image is not None:
            return None, ()
        chosen = _still_shown(self.offer, self.selected)
        if chosen is not None and (origin != "form" or self._fits(chosen)):
            return chosen, ()
        if self.needs != _NO_NEEDS:
            pick = self.image_pick()
            return (pick.id if pick else self.offer.default_image), ()
        default = self.offer.default_image
        return (None, ()) if default is None else _fit_default(self.offer, default, self.problems)

    def profile_to_select(self) -> str | None:
        """The saved profile or the default, unless a quota forbids it and another one is left."""
        wanted = self.selected.profile or self.offer.default_profile
        if wanted not in self.refused:
            return wanted
        return next((name for name in self.offer.profiles if name not in self.refused), None)

    def image_pick(self) -> Pick | None:
        """The image that is recommended."""
        fitting = [name for name in self.offer.images if self._fits(name)]
        return recommended_image(self.offer, self.selected, fitting, self.problems)

    def profile_pick(self, image_id: str | None) -> Pick | None:
        """The profile that is recommended with an image."""
        image = self.offer.images.get(image_id or "")
        end = redirect_end(self.offer.catalogue, image) if image else None
        states = {name: state_of(self.capacity.get(name)) for name in self.offer.profiles}
        return recommended_profile(
            self.offer, self.words, self.selected, end, states, self.refused.keys()
        )

    def summary(self, image: Pick | None, profile: Pick | None) -> str:
        """What is told above the images once something is asked for."""
        if self.needs == _NO_NEEDS:
            return ""
        fitting = sum(self._fits(name) for name in self.offer.images)
        if not fitting or image is None:
            return _("No image provides all of this. Untick something.")
        counts = {"fitting": fitting, "all": len(self.offer.images)}
        told = _("%(fitting)s of %(all)s images fit.") % counts
        names = {
            "image": self.offer.images[image.id].display_name,
            "profile": self.offer.profiles[profile.id].display_name if profile else "",
        }
        if profile is None:
            return f"{told} {_('Recommended: %(image)s.') % names}"
        return f"{told} {_('Recommended: %(image)s with %(profile)s.') % names}"

    def images(
        self, selected: str | None, pick: Pick | None, last: str | None
    ) -> tuple[ImageOption, ...]:
        """The images, those first that have what was asked for."""
        options = [
            self._image(image, pick, last=image.id == last, selected=image.id == selected)
            for image in self.offer.images.values()
        ]
        return tuple(sorted(options, key=lambda option: option.lacks is not None))

    def _image(self, image: Image, pick: Pick | None, *, last: bool, selected: bool) -> ImageOption:
        problem = _problem_of(self.offer, image, self.problems)
        return ImageOption(
            id=image.id,
            words=self.words.images[image.id],
            facts=self._facts(image),
            problem=problem.text if problem else None,
            avoid=_is_to_avoid(problem),
            lacks=self._lacks(image),
            recommended=pick.reason if pick and pick.id == image.id else None,
            last=last,
            selected=selected,
        )

    def _facts(self, image: Image) -> str:
        if self.health is None:
            return ""
        health = self.health.of(redirect_end(self.offer.catalogue, image))
        created = health.found.created if health.found else None
        return facts_words(health, self.now - created if created else None)

    def _lacks(self, image: Image) -> str | None:
        needs = self.needs
        if needs == _NO_NEEDS:
            return None
        missing = needs.missing_from(redirect_end(self.offer.catalogue, image))
        return _("Lacks %(what)s.") % {"what": spoken.listed(missing)} if missing else None

    def _fits(self, image_id: str) -> bool:
        needs = self.needs
        image = self.offer.images[image_id]
        return needs == _NO_NEEDS or needs.met_by(redirect_end(self.offer.catalogue, image))

    def profiles(
        self, selected: str | None, pick: Pick | None, last: str | None
    ) -> tuple[ProfileOption, ...]:
        """The profiles; those that a quota forbids now with its reason, or not at all."""
        hide = self.offer.catalogue.menu.over_quota == "hide"
        return tuple(
            ProfileOption(
                id=profile.id,
                words=self.words.profiles[profile.id],
                free=free_words(self.capacity.get(profile.id), profile.count),
                state=state_of(self.capacity.get(profile.id)),
                refused=self.refused.get(profile.id),
                recommended=pick.reason if pick and pick.id == profile.id else None,
                last=profile.id == last,
                selected=profile.id == selected,
            )
            for profile in self.offer.profiles.values()
            if not (hide and profile.id in self.refused)
        )


def _origin_notice(origin: Origin) -> tuple[str, ...]:
    if origin != "link":
        return ()
    return (_("A link has filled this in. Nothing was started: look it over and press Start."),)


def _still_shown(offer: Offer, selected: Choice) -> str | None:
    """The saved image, or what it has moved to if it is no longer shown."""
    if selected.image in offer.images:
        return selected.image
    saved = offer.permitted.get(selected.image) if selected.image is not None else None
    if saved is not None and (end := redirect_end(offer.catalogue, saved)).id in offer.images:
        return end.id
    return None


def _fit_default(
    offer: Offer, default: str, problems: Mapping[str, ImageProblem]
) -> tuple[str, tuple[str, ...]]:
    """The default image, or the first of its fallbacks on the menu that is fit, with a notice."""
    if not _is_to_avoid(_problem_of(offer, offer.images[default], problems)):
        return default, ()
    try:
        request = resolve(offer.catalogue, offer.person, Choice(image=default))
    except StudioloError:
        return default, ()
    for image in (candidate.image for candidate in request.candidates[1:]):
        if image.id in offer.images and not _is_to_avoid(problems.get(image.id)):
            words = {"usual": offer.images[default].display_name, "image": image.display_name}
            told = _(
                "%(usual)s has a problem at the moment, so %(image)s is selected. "
                "You can still choose %(usual)s."
            )
            return image.id, (told % words,)
    return default, ()


def _is_to_avoid(problem: ImageProblem | None) -> bool:
    return problem is not None and problem.avoid


def _problem_of(
    offer: Offer, image: Image, problems: Mapping[str, ImageProblem]
) -> ImageProblem | None:
    """The problem of what starts when this entry is chosen."""
    if image.redirect is None:
        return problems.get(image.id)
    return problems.get(redirect_end(offer.catalogue, image).id)


def _nothing_offered(offer: Offer) -> list[str]:
    """A menu without a choice needs a sentence, or it looks broken."""
    told = []
    if not offer.images and offer.custom_images is None:
        told.append(_("No image is offered to you. Ask your administrators for access."))
    if not offer.profiles:
        told.append(_("No GPU profile is offered to you. Ask your administrators for access."))
    return told


def _for_whom(groups: frozenset[str]) -> str:
    """Whom an entry is for; people who are named in it are not told of."""
    if not groups:
        return _("For some people by name.")
    return _("For members of %(groups)s.") % {"groups": spoken.either(sorted(groups))}


def _not_permitted(
    offer: Offer, entries: Sequence[Image] | Sequence[Profile], what: Literal["image", "profile"]
) -> tuple[NotPermitted, ...]:
    """Entries for other groups, where the catalogue lets them be seen. A fixed field has none."""
    locked = offer.locks.image if what == "image" else offer.locks.profile
    if offer.catalogue.menu.not_permitted == "hide" or locked is not None:
        return ()
    return tuple(
        NotPermitted(
            entry.display_name,
            entry.description,
            _for_whom(entry.groups),
        )
        for entry in entries
        if not offer.person.is_in(entry.groups, entry.users) and not getattr(entry, "hidden", False)
    )
