"""What the spawner does about images before a start: checks, resolving, the menu; I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from studiolo_spawner.choice import Choice, choice_from_options
from studiolo_spawner.custom_image_check import live_answer, refusal, resolved
from studiolo_spawner.custom_images import custom_image
from studiolo_spawner.errors import InvalidChoice
from studiolo_spawner.image_check import CheckedImage
from studiolo_spawner.image_checker import ImageChecker, secret_names
from studiolo_spawner.resolve import WorkspaceRequest
from studiolo_spawner.shared_parts import SharedParts

if TYPE_CHECKING:
    from studiolo_spawner.spawner import WorkspaceSpawner


def checker_of(spawner: WorkspaceSpawner, parts: SharedParts) -> ImageChecker:
    """How images are checked for this spawner's workspace: with what its pod will have."""
    return ImageChecker(
        parts.registry,
        spawner.cluster,
        # A person's own namespace gets its pull secrets from the hub's, and only before a pod.
        spawner.hub_namespace,
        secret_names(spawner.expanded(spawner.image_pull_secrets)),
        parts.surroundings,
    )


def watch_images(spawner: WorkspaceSpawner, parts: SharedParts) -> None:
    """Have all images checked again and again, for nobody in particular."""
    checker = checker_of(spawner, parts)
    parts.watch_images(spawner.image_check_period, checker, spawner.log)


async def resolved_by(
    spawner: WorkspaceSpawner, parts: SharedParts, choice: Choice
) -> tuple[WorkspaceRequest, CheckedImage | None]:
    """What the choice means now, and what was found of an image that it names itself."""
    catalogue = parts.catalogue.snapshot
    named = custom_image(catalogue, choice.custom_image) if choice.custom_image else None
    last_good = parts.health.last_good([*catalogue.images, *([named] if named else [])])
    checker = checker_of(spawner, parts)
    return await resolved(catalogue, spawner.person(), choice, checker, last_good=last_good)


async def look_at(
    spawner: WorkspaceSpawner, parts: SharedParts, options: Mapping[str, object]
) -> dict[str, object]:
    """What the menu shows of an image that is named in these options, before any start."""
    try:
        choice = choice_from_options(options)
    except InvalidChoice as error:
        return refusal(error)
    checker = checker_of(spawner, parts)
    return await live_answer(parts.catalogue.snapshot, spawner.person(), choice, checker)
