"""What one person sees on the menu: the catalogue in words, with what is selected. Pure.

The menu shows what offer.py grants and nothing else. A saved choice that has become invalid never
breaks it: the default is selected and a notice says why. All texts are plain: the page escapes
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from studiolo_spawner import wording
from studiolo_spawner.capacity import Free, free_words
from studiolo_spawner.catalogue import Catalogue, GpuInfo, IdlePolicy, Image, Profile
from studiolo_spawner.choice import Choice
from studiolo_spawner.errors import StudioloError
from studiolo_spawner.image_health import ImageProblem
from studiolo_spawner.offer import Offer, Person, offer_to
from studiolo_spawner.resolve import redirect_end, resolve, still_valid

__all__ = ["Free", "ImageOption", "Menu", "Person", "ProfileOption", "build_menu"]


@dataclass(frozen=True, slots=True)
class ImageOption:
    """An image on the menu."""

    id: str
    display_name: str
    description: str
    provides: tuple[str, ...]
    """What is in it, in words, the most telling first."""
    tasks: tuple[str, ...]
    tools: tuple[str, ...]
    frameworks: tuple[str, ...]
    deprecated: str | None
    moved: str | None
    """Where a redirect leads and why, in words."""
    problem: str | None
    """What is known against it now, in words; it may be chosen all the same."""
    selected: bool


@dataclass(frozen=True, slots=True)
class ProfileOption:
    """A GPU profile on the menu."""

    id: str
    display_name: str
    description: str
    gpu: str
    shared: bool
    simulated: bool
    cpu: str
    memory: str
    price: str | None
    idle: str
    lifetime: str | None
    free: str | None
    selected: bool


@dataclass(frozen=True, slots=True)
class Menu:
    """Everything that the page shows."""

    images: tuple[ImageOption, ...]
    profiles: tuple[ProfileOption, ...]
    tasks: tuple[str, ...]
    tools: tuple[str, ...]
    frameworks: tuple[str, ...]
    selected_image: str | None
    selected_profile: str | None
    selected: Choice
    """The saved choice as far as it is still offered: tasks, tools, frameworks and fallback."""
    fallback_offered: bool
    """Whether the catalogue lets another image start at all."""
    notices: tuple[str, ...]


def build_menu(
    catalogue: Catalogue,
    person: Person,
    *,
    saved: Choice | None = None,
    capacity: Mapping[str, Free] | None = None,
    problems: Mapping[str, ImageProblem] | None = None,
) -> Menu:
    """The menu of this person, with their saved choice selected as far as it is still offered.

    ``problems``: images that are known to have one now. Such an image is selected only if it was
    chosen before; as a default it gives way to what would start in its place anyway.
    """
    offer = offer_to(person, catalogue)
    known = problems or {}
    selected, notices = still_valid(catalogue, person, saved or Choice())
    image_id = _selected_image(offer, selected)
    if selected.image is None and image_id is not None:
        image_id, notice = _without_problem(offer, image_id, known)
        notices = (*notices, *notice)
    profile_id = selected.profile or offer.default_profile
    free = capacity or {}
    currency = catalogue.defaults.currency
    return Menu(
        images=tuple(
            _image_option(offer, image, known, selected=image.id == image_id)
            for image in offer.images.values()
        ),
        profiles=tuple(
            _profile_option(p, currency, free.get(p.id), selected=p.id == profile_id)
            for p in offer.profiles.values()
        ),
        tasks=offer.tasks,
        tools=offer.tools,
        frameworks=offer.frameworks,
        selected_image=image_id,
        selected_profile=profile_id,
        selected=selected,
        fallback_offered=catalogue.defaults.fallback.allowed,
        notices=(*notices, *_nothing_offered(offer)),
    )


def _selected_image(offer: Offer, selected: Choice) -> str | None:
    """The saved image, what it has moved to if it is no longer shown, or the default."""
    if selected.image in offer.images:
        return selected.image
    saved = offer.permitted.get(selected.image) if selected.image is not None else None
    if saved is not None and (end := redirect_end(offer.catalogue, saved)).id in offer.images:
        return end.id
    return offer.default_image


def _without_problem(
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
            usual = offer.images[default].display_name
            told = f"{usual} has a problem at the moment, so {image.display_name} is selected."
            return image.id, (f"{told} You can still choose {usual}.",)
    return default, ()


def _is_to_avoid(problem: ImageProblem | None) -> bool:
    return problem is not None and problem.avoid


def _problem_of(
    offer: Offer, image: Image, problems: Mapping[str, ImageProblem]
) -> ImageProblem | None:
    """The problem of what starts when this entry is chosen."""
    return problems.get(redirect_end(offer.catalogue, image).id)


def _nothing_offered(offer: Offer) -> list[str]:
    """A menu without a choice needs a sentence, or it looks broken."""
    missing = [
        name
        for name, offered in (("image", offer.images), ("GPU profile", offer.profiles))
        if not offered
    ]
    return [f"No {name} is offered to you. Ask your administrators for access." for name in missing]


def _image_option(
    offer: Offer, image: Image, problems: Mapping[str, ImageProblem], *, selected: bool
) -> ImageOption:
    problem = _problem_of(offer, image, problems)
    provides = image.provides
    words = [f"{name} {version}" for name, version in provides.frameworks.items()]
    words += [f"CUDA {provides.cuda}"] if provides.cuda else []
    words += [f"Python {provides.python}"] if provides.python else []
    tools = tuple(sorted(provides.tools))
    return ImageOption(
        id=image.id,
        display_name=image.display_name,
        description=image.description,
        provides=(*words, *tools),
        tasks=tuple(sorted(image.tasks)),
        tools=tools,
        frameworks=tuple(provides.frameworks),
        deprecated=image.deprecated,
        moved=_moved_words(offer.catalogue, image),
        problem=problem.text if problem else None,
        selected=selected,
    )


def _moved_words(catalogue: Catalogue, image: Image) -> str | None:
    if image.redirect is None:
        return None
    end = redirect_end(catalogue, image)
    return f"Starts {end.display_name} instead. {image.redirect.message}".strip()


def _profile_option(
    profile: Profile, currency: str, free: Free | None, *, selected: bool
) -> ProfileOption:
    return ProfileOption(
        id=profile.id,
        display_name=profile.display_name,
        description=profile.description,
        gpu=_gpu_words(profile),
        shared=profile.gpu is not None and profile.gpu.shared,
        simulated=profile.gpu is not None and profile.gpu.simulated,
        cpu=f"{wording.number(profile.cpu)} CPU core{'s' if profile.cpu != 1 else ''}",
        memory=f"{wording.memory(profile.memory_octets)} memory",
        price=_price_words(profile.price_per_hour, currency),
        idle=_idle_words(profile.idle, profile.gpu),
        lifetime=_lifetime_words(profile.max_lifetime),
        free=free_words(free, profile.count) or None,
        selected=selected,
    )


def _gpu_words(profile: Profile) -> str:
    if profile.resource is None:
        return "No GPU"
    gpu = profile.gpu
    if gpu is None:
        return f"{profile.count} × {profile.resource}"
    size = f"{wording.number(gpu.memory_gib)} GiB"
    if profile.count == 1:
        return f"{gpu.model}, {size}"
    return f"{profile.count} × {gpu.model}, {size} each, on one machine"


def _price_words(price: float | None, currency: str) -> str | None:
    if price is None:
        return None
    if price == 0:
        return "Free of charge"
    return (
        f"{price:.2f} {currency} per hour" if price >= 0.01 else f"{price:.4f} {currency} per hour"
    )


def _idle_words(idle: IdlePolicy, gpu: GpuInfo | None) -> str:
    if idle.timeout is None:
        return "Not stopped for inactivity"
    told = f"Stopped after {wording.duration(idle.timeout)} without activity"
    return f"{told}; a GPU at {idle.gpu_busy_percent} % or more is activity" if gpu else told


def _lifetime_words(lifetime: timedelta | None) -> str | None:
    if lifetime is None:
        return None
    return f"Stopped {wording.duration(lifetime)} after the start, used or not"
