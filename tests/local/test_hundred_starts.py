"""The promise as a whole: what is asked for ends in a workspace that has it, or in the causes."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from studiolo_spawner.choice import choice_from_options
from studiolo_spawner.resolve import Person, resolve

from tests.fakes.ten_images import CAUSES, IMAGES
from tests.local.hundred_starts import PEOPLE, Lab, expected_of, explains, running_lab, some_choice

# Half a minute on a machine that does nothing else.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(480)]

STARTS = 100
SEED = 20260301


async def test_every_start_ends_in_what_was_asked_for_or_in_the_causes(tmp_path: Path) -> None:
    luck = random.Random(SEED)
    choices = [some_choice(luck) for _ in range(STARTS)]
    async with running_lab(tmp_path) as lab:
        shares = [choices[n :: len(PEOPLE)] for n in range(len(PEOPLE))]
        ends = await asyncio.gather(
            *(_one_after_another(lab, *each) for each in zip(PEOPLE, shares, strict=True))
        )
        everything = [end for person in ends for end in person]
        assert len(everything) == STARTS
        # Each way to end was met, or this test has tried less than it says.
        assert {"runs", "runs instead", "error", "refused"} <= set(everything)
        _administrators_read_the_same(await lab.image_health())
        assert "Traceback" not in lab.hub.log.decode()
        volumes, _ = await lab.cluster.client.list("persistentvolumeclaims", "studiolo")
        assert len(volumes) <= len(PEOPLE)


def _administrators_read_the_same(health: Mapping[str, dict[str, Any]]) -> None:
    for entry in IMAGES:
        found = health[entry.id]
        told = [failure["message"] for failure in found["failures"]]
        if entry.fault is None:
            assert told == []
            assert found["last_good"]["digest"]
        else:
            assert all(CAUSES[entry.fault] in message for message in told), told
            assert told
            assert found["last_good"] is None


async def _one_after_another(lab: Lab, person: str, choices: list[dict[str, object]]) -> list[str]:
    return [await _start_and_stop(lab, person, choice) for choice in choices]


async def _start_and_stop(lab: Lab, person: str, choice: dict[str, object]) -> str:
    expected = expected_of(lab.catalogue, person, choice)
    ending = await lab.start(person, choice)
    story = " ".join(ending.told)
    if expected.refused:
        assert ending.error, (choice, ending)
        assert not ending.told
        return "refused"
    for image in expected.broken:
        told = story if ending.ready else ending.error
        assert explains(told, lab.catalogue, image), f"{choice}: {image} is not in: {told}"
    if expected.runs is None:
        assert not ending.ready, (choice, ending)
        await lab.at_rest(person)
        assert await lab.left_of(person) == {}
        return "error"
    assert ending.ready, (choice, ending)
    pod = await lab.pod_of(person)
    assert pod["metadata"]["labels"]["studiolo.dev/image"] == expected.runs
    request = resolve(
        lab.catalogue,
        Person(person, frozenset(PEOPLE[person]), admin=False),
        choice_from_options(choice),
    )
    runs = lab.catalogue.image(expected.runs)
    assert runs is not None
    assert request.needs.met_by(runs)
    server = (await lab.user(person))["servers"][""]
    state = server["state"]["studiolo"]
    assert state["actual_image"]["id"] == expected.runs
    assert state["requested_image"]["id"] == request.requested.id
    (workspace,) = (
        json.loads(variable["value"])
        for variable in pod["spec"]["containers"][0]["env"]
        if variable["name"] == "STUDIOLO_WORKSPACE"
    )
    assert bool(workspace["fallback_reason"]) is bool(expected.broken)
    for broken in expected.broken:
        assert explains(workspace["fallback_reason"], lab.catalogue, broken)
    await lab.stop(person)
    assert await lab.left_of(person) == {}
    return "runs instead" if expected.broken else "runs"
