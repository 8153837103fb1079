"""Which image and which profile to take for what somebody wants to do, and why. Pure.

An image is recommended only if it provides all that was asked for. Of several: one without a known
problem, not deprecated, not moved; the menu's default if it is among them; else the first of the
catalogue. A profile that can be had at all is recommended: one that is said to suit the tasks; with
a GPU for an image with CUDA and without one for an image without; one where something is free;
the cheapest. Every recommendation has its reason.

static/menu.js does the same while one ticks; a test in a browser holds both together.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from studiolo_spawner.capacity import State
from studiolo_spawner.catalogue import Image, Profile
from studiolo_spawner.choice import Choice
from studiolo_spawner.image_health import ImageProblem
from studiolo_spawner.known_names import name_of
from studiolo_spawner.menu_words import CatalogueWords
from studiolo_spawner.offer import Offer
from studiolo_spawner.resolve import redirect_end
from studiolo_spawner.spoken import listed
from studiolo_spawner.translation import translate as _


@dataclass(frozen=True, slots=True)
class Pick:
    """One recommended entry and the reason for it."""

    id: str
    reason: str


def recommended_image(
    offer: Offer,
    wanted: Choice,
    fitting: Collection[str],
    problems: Mapping[str, ImageProblem],
) -> Pick | None:
    """The image to take, of those that provide what was asked for; None when none does."""
    images = [image for name, image in offer.images.items() if name in fitting]
    if not images:
        return None

    def rank(image: Image) -> tuple[bool, bool, bool, bool]:
        problem = problems.get(redirect_end(offer.catalogue, image).id)
        return (
            problem is not None and problem.avoid,
            image.deprecated is not None,
            image.redirect is not None,
            image.id != offer.default_image,
        )

    best = min(images, key=rank)
    return Pick(best.id, image_reason(offer, wanted, redirect_end(offer.catalogue, best)))


def image_reason(offer: Offer, wanted: Choice, image: Image) -> str:
    """What of the wishes the image meets, in words; the administrators' word where none is said."""
    own = offer.catalogue.menu.names
    has = [
        f"{name_of(name, own)} {image.provides.frameworks[name]}"
        for name in sorted(wanted.frameworks)
        if name in image.provides.frameworks
    ]
    has += [name_of(tool, own) for tool in sorted(wanted.tools)]
    words = {
        "has": listed(has),
        "tasks": listed([name_of(task, own) for task in sorted(wanted.tasks)]),
    }
    if has and wanted.tasks:
        return _("Has %(has)s and suits: %(tasks)s.") % words
    if has:
        return _("Has %(has)s.") % words
    if wanted.tasks:
        return _("Suits: %(tasks)s.") % words
    return _("Your administrators suggest it to begin with.")


def recommended_profile(
    offer: Offer,
    words: CatalogueWords,
    wanted: Choice,
    image: Image | None,
    states: Mapping[str, State],
    refused: Collection[str],
) -> Pick | None:
    """The profile to take with an image; None when none can be had."""
    profiles = [profile for name, profile in offer.profiles.items() if name not in refused]
    if not profiles:
        return None
    cuda = image is not None and image.provides.cuda is not None
    asked = bool(wanted.tasks or wanted.tools or wanted.frameworks)

    def rank(profile: Profile) -> tuple[bool, bool, bool, bool, int]:
        return (
            not asked and profile.id != offer.default_profile,
            not wanted.tasks <= profile.tasks,
            (profile.resource is not None) is not cuda,
            states.get(profile.id) == "full",
            words.profiles[profile.id].rank,
        )

    best = min(profiles, key=rank)
    return Pick(best.id, _profile_reason(offer, wanted, best, image, states, asked=asked))


def _profile_reason(
    offer: Offer,
    wanted: Choice,
    profile: Profile,
    image: Image | None,
    states: Mapping[str, State],
    *,
    asked: bool,
) -> str:
    own = offer.catalogue.menu.names
    gpu = profile.resource is not None
    name = {"image": image.display_name if image else ""}
    if not asked and profile.id == offer.default_profile:
        told = _("Your administrators suggest it to begin with.")
    elif wanted.tasks and wanted.tasks <= profile.tasks:
        names = listed([name_of(task, own) for task in sorted(wanted.tasks)])
        told = _("Suits: %(tasks)s.") % {"tasks": names}
    elif image is not None and gpu and image.provides.cuda is not None:
        told = _("Has a GPU, which %(image)s can use.") % name
    elif image is not None and not gpu and image.provides.cuda is None:
        told = _("%(image)s needs no GPU.") % name
    else:
        told = _("The nearest to what you need.")
    match states.get(profile.id):
        case "free" | "tight":
            return f"{told} {_('Free now.')}"
        case "full":
            return f"{told} {_('Nothing of it is free now: you would wait.')}"
        case _:
            return told
