"""What a reference without tag and digest means: nothing, or what the administrator says. Pure.

`latest` is never meant silently. Where `defaults.missing_tag` names a tag, the catalogue's
references get it before they are checked, so that everything behind the catalogue sees complete
ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from studiolo_spawner.errors import InvalidReference
from studiolo_spawner.reference import parse_reference

REFUSE: Final = "refuse"
"""The setting under which a reference needs a tag or a digest."""


def with_default_tags(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The plain data of a catalogue with the tag added wherever one is missing and meant.

    What has the wrong shape or is no reference stays as it is, for the models to report.
    """
    defaults, images = data.get("defaults"), data.get("images")
    tag = defaults.get("missing_tag", REFUSE) if isinstance(defaults, dict) else REFUSE
    if tag == REFUSE or not isinstance(tag, str) or not isinstance(images, list):
        return data
    return {**data, "images": [_completed(image, tag) for image in images]}


def _completed(image: object, tag: str) -> object:
    if not isinstance(image, dict) or not isinstance(reference := image.get("reference"), str):
        return image
    try:
        parse_reference(reference)
    except InvalidReference:
        pass
    else:
        return image
    try:
        parse_reference(reference, default_tag=tag)
    except InvalidReference:
        return image
    return {**image, "reference": f"{reference}:{tag}"}
