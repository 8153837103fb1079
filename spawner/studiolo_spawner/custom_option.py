"""The menu's field for an image that a person names themselves: what it shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from studiolo_spawner.choice import CUSTOM_IMAGE, Choice
from studiolo_spawner.offer import Offer


@dataclass(frozen=True, slots=True)
class CustomOption:
    """The field, with what was typed into it before."""

    id: str
    typed: str
    selected: bool
    description: str
    patterns: tuple[str, ...]
    profiles: tuple[str, ...]
    """Names of the profiles that it may be combined with; empty: all."""
    example: str


def custom_option(offer: Offer, selected: Choice) -> CustomOption | None:
    """The field for this person; None where they may not name an image."""
    rules = offer.custom_images
    if rules is None:
        return None
    named = [p.display_name for p in offer.profiles.values() if p.id in rules.profiles]
    return CustomOption(
        id=CUSTOM_IMAGE,
        typed=selected.custom_image or "",
        selected=selected.custom_image is not None,
        description=rules.description,
        patterns=rules.patterns,
        profiles=tuple(named),
        example=_example(rules.patterns[0]),
    )


def _example(pattern: str) -> str:
    """A reference that fits, to show how one is written."""
    return f"{pattern.replace('**', 'image').replace('*', 'image')}:1.0"
