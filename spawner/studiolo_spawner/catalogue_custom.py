"""What the catalogue says about images that people name themselves: one frozen model. Pure.

Without this section nobody can name an image of their own. Which names are allowed is in
image_pattern.py, what becomes of a name in custom_images.py.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from studiolo_spawner.catalogue_fields import (
    DnsName,
    Flag,
    Groups,
    Id,
    Ids,
    Paragraph,
    Text,
    Whole,
)
from studiolo_spawner.image_pattern import PATTERN, parse_pattern


def _pattern(value: str) -> str:
    parse_pattern(value)
    return value


Pattern = Annotated[Text, AfterValidator(_pattern), Field(json_schema_extra={"pattern": PATTERN})]


class CustomImages(BaseModel):
    """Images that people may name themselves, beside those of the menu."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    patterns: Annotated[tuple[Pattern, ...], Field(json_schema_extra={"minItems": 1})]
    """Registries and repositories that they may name: `registry.example/team/*` for one step below,
    `registry.example/team/**` for any.
    """
    description: Paragraph = ""
    """What stands beside the field on the menu, in words for users."""
    groups: Groups = frozenset()
    """Who may name one; members of any of these groups. Empty: everyone."""
    profiles: Ids = frozenset()
    """Profiles that it may be combined with. Empty: all."""
    fallback: tuple[Id, ...] = ()
    """Images to try when it cannot start, in this order. After them come all others that provide
    what its labels say.
    """
    fallback_allowed: Flag = True
    """Whether another image may start instead."""
    start_tries: Annotated[Whole, Field(ge=1, le=10)] = 1
    """How often its container may start and fail before the image counts as bad."""
    pull_secret: DnsName | None = None
    """Name of the Kubernetes secret to pull it with. Whoever may name an image here can run every
    image that fits the patterns and that this secret can read.
    """
