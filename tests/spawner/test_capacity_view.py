"""The document for browsers: as the contract has it, made once for all who see the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from studiolo_spawner.capacity import Free
from studiolo_spawner.capacity_view import Board, profile_document
from studiolo_spawner.catalogue import Catalogue
from studiolo_spawner.holders import Holder
from studiolo_spawner.offer import Person
from studiolo_spawner.quotas import Held

from tests.spawner.catalogues import catalogue, profile

CONTRACT: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "contract" / "capacity.json").read_text(encoding="utf-8")
)
GPU = "nvidia.com/gpu"
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def offered(limit: int = 4) -> Catalogue:
    return catalogue(
        profiles=[
            profile("cpu"),
            profile("gpu", resource=GPU, count=1),
            profile("gpu-2", resource=GPU, count=2, groups=["research"]),
        ],
        quotas=[
            {
                "id": "students-gpus",
                "display_name": "Students",
                "groups": ["students"],
                "scope": "together",
                "resources": {GPU: limit},
            }
        ],
    )


def holder(user: str) -> Holder:
    students = frozenset({"students"})
    return Holder(user, "", "ns/x", "n", GPU, 1, "gpu", "Running", None, students)


def board(capacity: dict[str, Free] | None = None) -> Board:
    return Board(offered(), capacity, Held([holder("ana"), holder("ben")]), NOW)


def told_to(person: Person, at: Board) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(at.text_for(person))
    return document


FIGURES = {
    "cpu": Free(0, 0, 0, machines=6, fits=31, unit=None),
    "gpu": Free(3, 8, 2, waiting=4, machines=2, fits=3),
    "gpu-2": Free(3, 8, 2, waiting=4, machines=2, fits=1),
}


def test_the_document_is_the_contracts() -> None:
    case = CONTRACT["one GPU of several kinds, and a quota of a group"]
    person = Person("ana", frozenset({"students", "research"}))
    told = told_to(person, board(FIGURES))
    assert (told["quotas"], told["refused"]) == (case["quotas"], case["refused"])
    assert told["profiles"] == {name: case["profiles"][name] for name in FIGURES}
    assert (told["version"], told["at"]) == (case["version"], case["at"])


def test_what_a_quota_does_not_allow_now_is_the_contracts() -> None:
    case = CONTRACT["a quota that is used up"]
    full = Board(offered(limit=2), FIGURES, Held([holder("ben"), holder("eve")]), NOW)
    told = told_to(Person("ana", frozenset({"students"})), full)
    assert (told["quotas"], told["refused"]) == (case["quotas"], case["refused"])


def test_the_workspace_that_is_chosen_for_does_not_count() -> None:
    full = Board(offered(limit=2), FIGURES, Held([holder("ben"), holder("eve")]), NOW)
    eve = Person("eve", frozenset({"students"}))
    assert json.loads(full.text_for(eve))["refused"] == {}
    assert list(json.loads(full.text_for(eve, "second"))["refused"]) == ["gpu"]


def test_unknown_figures_are_the_contracts() -> None:
    case = CONTRACT["the hub may not read the nodes"]
    told = told_to(Person("eve"), board(None))
    assert told["profiles"] == case["profiles"]
    assert told["quotas"] == []


def test_only_what_one_may_use_is_told() -> None:
    assert list(told_to(Person("eve"), board(FIGURES))["profiles"]) == ["cpu", "gpu"]


def test_the_same_text_for_all_who_see_the_same() -> None:
    at = board(FIGURES)
    assert at.text_for(Person("eve")) is at.text_for(Person("fay"))
    assert at.text_for(Person("eve")) != at.text_for(Person("gil", frozenset({"students"})))


@pytest.mark.parametrize("case", CONTRACT.values(), ids=CONTRACT)
def test_every_case_has_the_fields_that_are_sent(case: dict[str, Any]) -> None:
    sent = set(profile_document(offered().profiles[1], FIGURES["gpu"]))
    for told in case["profiles"].values():
        assert set(told) == sent
    for quota in case["quotas"]:
        assert set(quota) == {"id", "kind", "text", "used", "limit", "holders"}
