"""Images that a person names themselves: from a text to an entry like those of the catalogue. Pure.

The text is a reference by the strict grammar, within the catalogue's patterns; whatever else is
refused with what is allowed. What comes out is an `Image` that the rest of the way treats as any
other: it is checked, pinned, tried, told about, and replaced by what provides the same. It never
carries anything of the person's but the reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from studiolo_spawner import spoken, wording
from studiolo_spawner.catalogue import Catalogue, CustomImages, Image, Profile, Provides
from studiolo_spawner.choice import CUSTOM_IMAGE, Choice
from studiolo_spawner.errors import InvalidReference, Problem
from studiolo_spawner.image_pattern import allows
from studiolo_spawner.label_provides import provides_of
from studiolo_spawner.offer import Offer
from studiolo_spawner.reference import MAX_LENGTH, ImageReference, parse_reference
from studiolo_spawner.translation import translate as _

FIELD: Final = "custom_image"
_MAX_NAME: Final = 80


def is_custom(image: Image) -> bool:
    """Whether a person named the image and no catalogue did."""
    return image.id == CUSTOM_IMAGE


def allowed_words(rules: CustomImages) -> str:
    """What may be named, in words."""
    return _("allowed is %(patterns)s") % {"patterns": spoken.either(rules.patterns)}


def reference_problem(rules: CustomImages, text: str, default_tag: str | None) -> Problem | None:
    """What is wrong with the text that a person typed; None when it may be tried."""
    read = _read(text, default_tag)
    if isinstance(read, Problem):
        return read
    if not allows(rules.patterns, read):
        told = _("%(image)s is not among the images you may name") % {
            "image": wording.quoted(str(read), MAX_LENGTH)
        }
        return Problem(FIELD, told, allowed_words(rules))
    return None


def profile_problem(offer: Offer, rules: CustomImages, profile: Profile | None) -> Problem | None:
    """Why an image of one's own cannot be combined with the profile."""
    if profile is None or not rules.profiles or profile.id in rules.profiles:
        return None
    possible = [name for name in offer.profiles if name in rules.profiles]
    told = _("an image of your own cannot be combined with %(profile)s") % {
        "profile": wording.quoted(profile.display_name)
    }
    hint = may_choose(possible)
    return Problem("profile", told, hint)


def custom_image(
    catalogue: Catalogue, text: str, labels: Mapping[str, str] | None = None
) -> Image | None:
    """The entry for the text; None where the catalogue does not let it be.

    ``labels``: the image's own, as far as they were read; what it provides is told by nothing else.
    """
    rules = catalogue.custom_images
    if rules is None:
        return None
    read = _read(text, catalogue.defaults.default_tag)
    if isinstance(read, Problem) or not allows(rules.patterns, read):
        return None
    return Image(
        id=CUSTOM_IMAGE,
        display_name=short_name(read),
        description="An image that was named by its reference.",
        reference=str(read),
        provides=provides_of(labels) if labels else Provides(),
        fallback=rules.fallback,
        fallback_allowed=rules.fallback_allowed,
        start_tries=rules.start_tries,
        pull_secret=rules.pull_secret,
    )


def chosen(
    offer: Offer,
    choice: Choice,
    profile: Profile | None,
    labels: Mapping[str, str] | None,
    *,
    invalid: list[Problem],
    forbidden: list[Problem],
) -> Image | None:
    """The image that the person named, or None with what is wrong put into the lists."""
    text, rules = choice.custom_image or "", offer.custom_images
    if rules is None:
        told = _("you may not name an image of your own")
        forbidden.append(Problem(FIELD, told, may_choose(offer.images)))
        return None
    default_tag = offer.catalogue.defaults.default_tag
    problems = (reference_problem(rules, text, default_tag), profile_problem(offer, rules, profile))
    invalid += [problem for problem in problems if problem is not None]
    return custom_image(offer.catalogue, text, labels)


def may_name(offer: Offer, text: str) -> bool:
    """Whether this person may name this image, with whatever profile."""
    rules = offer.custom_images
    if rules is None:
        return False
    return reference_problem(rules, text, offer.catalogue.defaults.default_tag) is None


def short_name(reference: ImageReference) -> str:
    """The reference as people read it, cut in front where it is too long: the end tells most."""
    text = str(reference)
    return text if len(text) <= _MAX_NAME else f"…{text[-(_MAX_NAME - 1) :]}"


def _read(text: str, default_tag: str | None) -> ImageReference | Problem:
    try:
        return parse_reference(text, default_tag=default_tag)
    except InvalidReference as error:
        told = _("%(text)s is not an image reference: %(problem)s") % {
            "text": wording.quoted(text),
            "problem": error.message,
        }
        return Problem(FIELD, told, error.hint)


def may_choose(names: Iterable[str]) -> str:
    """A hint that names what one may choose; empty where that is nothing."""
    told = spoken.either(names)
    return _("you may choose: %(names)s") % {"names": told} if told else ""
