"""What a start tries next, what it may go on with, and what is kept of its end."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from studiolo_spawner.attempts import Attempt
from studiolo_spawner.causes import cause
from studiolo_spawner.choice import Choice
from studiolo_spawner.errors import ClusterFault, NoImageLeft, StudioloError
from studiolo_spawner.launch_plan import Plan
from studiolo_spawner.offer import Person
from studiolo_spawner.resolve import resolve
from studiolo_spawner.start_rules import (
    failure_of,
    first_state,
    next_candidate,
    require_image_fault,
)
from studiolo_spawner.verdict import verdict_of_cause
from tornado import web

from tests.fakes.attempts import START
from tests.spawner.catalogues import catalogue, image

OLD = "sha256:" + "1" * 64
CATALOGUE = catalogue(
    [image("a", fallback=["b"]), image("b"), image("c")],
    defaults={"fallback": {"max_attempts": 2}},
)
PERSON = Person("ana", frozenset())
PLAN = Plan.of(resolve(CATALOGUE, PERSON, Choice("a"), last_good={"a": OLD}), CATALOGUE)


def attempt(number: int, reason: str = "crashed", digest: str | None = None) -> Attempt:
    """The failed attempt with the plan's candidate of that number."""
    candidate = PLAN.request.candidates[number]
    begun = Attempt(candidate.image.id, candidate.reference, digest, "trying", "", "", START)
    return begun.ending("failed", verdict_of_cause(cause(reason)), START)


def test_the_plan_survives_the_database() -> None:
    assert Plan.from_json(json.loads(json.dumps(PLAN.to_json()))) == PLAN


@pytest.mark.parametrize("value", [None, {}, {"request": 3}], ids=repr)
def test_what_is_no_plan_is_told(value: dict[str, object] | None) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Plan.from_json(value)
    with pytest.raises(StudioloError, match="start it again"):
        Plan.saved(value)


def test_candidates_are_found_again() -> None:
    for candidate in PLAN.request.candidates:
        assert PLAN.candidate(candidate.image.id, candidate.reference) == candidate
    assert PLAN.candidate("a", "elsewhere:1") is None


def test_order_of_what_is_tried() -> None:
    asked, as_it_ran, other = PLAN.request.candidates
    assert next_candidate(PLAN, ()) == asked
    assert next_candidate(PLAN, (attempt(0),)) == as_it_ran
    # The tag names the last good digest still: that was it.
    assert next_candidate(PLAN, (attempt(0, digest=OLD),)) == other


def test_the_number_of_attempts_is_bounded() -> None:
    with pytest.raises(NoImageLeft, match="No image could be started"):
        next_candidate(PLAN, (attempt(0), attempt(1)))


def test_only_the_images_own_fault_leads_on() -> None:
    require_image_fault(attempt(0))
    require_image_fault(replace(attempt(0, "quota"), outcome="skipped"))
    with pytest.raises(ClusterFault) as told:
        require_image_fault(attempt(0, "quota"))
    assert told.value.reason == "quota"


def test_first_state_knows_the_whole_plan() -> None:
    state = first_state(PLAN)
    assert (state.phase, state.requested and state.requested.id) == ("starting", "a")
    assert Plan.from_json(state.plan) == PLAN
    assert first_state(PLAN).spawn_id != state.spawn_id


def test_what_is_kept_of_an_end() -> None:
    assert failure_of(asyncio.CancelledError()) is None
    fault = failure_of(ClusterFault("No room.", reason="quota"))
    assert fault is not None
    assert (fault.reason, fault.message, fault.status) == ("quota", "No room.", 503)
    hook = failure_of(web.HTTPError(409, "Closed on Sundays."))
    assert hook is not None
    assert (hook.message, hook.status) == ("Closed on Sundays.", 409)
    unforeseen = failure_of(RuntimeError("password=hunter2"))
    assert unforeseen is not None
    assert "hunter2" not in unforeseen.message
