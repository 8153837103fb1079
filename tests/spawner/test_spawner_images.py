"""What a start is resolved with: the catalogue, the person, and how images have fared."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from studiolo_spawner.attempts import Attempt
from studiolo_spawner.choice import CUSTOM_IMAGE, Choice
from studiolo_spawner.image_health import HealthBook
from studiolo_spawner.offer import Person
from studiolo_spawner.registry_answer import Outcome, RegistryAnswer
from studiolo_spawner.spawner_images import resolved_by

from tests.spawner.catalogues import catalogue, image, profile

GOOD, NOW_NAMED = (f"sha256:{digit * 64}" for digit in "12")
NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
TYPED = "registry.lab/team/train:7"


class Registry:
    async def check(self, *_: Any, **__: Any) -> RegistryAnswer:
        return RegistryAnswer(Outcome.FOUND, NOW_NAMED)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("image_id", "reference", "choice"),
    [
        pytest.param("plain", "registry.example/plain:1", Choice(image="plain"), id="catalogue"),
        pytest.param(CUSTOM_IMAGE, TYPED, Choice(custom_image=TYPED), id="a person's own"),
    ],
)
async def test_the_first_fallback_is_the_digest_that_ran_well_last(
    image_id: str, reference: str, choice: Choice
) -> None:
    offered = catalogue(
        [image("plain", reference="registry.example/plain:1")],
        [profile()],
        custom_images={"patterns": ["registry.lab/team/*"]},
    )
    health = HealthBook()
    health.note_attempt(Attempt(image_id, reference, GOOD, "running", "", "", NOON, NOON))
    spawner = SimpleNamespace(
        hub_namespace="",
        cluster=None,
        namespace="",
        image_pull_secrets=[],
        expanded=lambda value: value,
        person=lambda: Person("ana", frozenset()),
    )
    parts = SimpleNamespace(
        registry=Registry(),
        surroundings=None,
        catalogue=SimpleNamespace(snapshot=offered),
        health=health,
    )
    request, _ = await resolved_by(cast("Any", spawner), cast("Any", parts), choice)
    assert [each.reference for each in request.candidates[:2]] == [reference, f"{reference}@{GOOD}"]
