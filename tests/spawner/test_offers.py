"""Offers to one who waits: theirs to choose, free now, the nearest first."""

from __future__ import annotations

from typing import Any

import pytest
from studiolo_spawner.capacity import Free
from studiolo_spawner.catalogue import Catalogue
from studiolo_spawner.offer import Person
from studiolo_spawner.offers import FreeOffer, offers_for

from tests.spawner.catalogues import catalogue, profile

GPU = "nvidia.com/gpu"
A100 = {"model": "NVIDIA A100", "memory_gib": 80}


def offered(**changes: dict[str, Any]) -> Catalogue:
    entries: dict[str, dict[str, Any]] = {
        "cpu": {},
        "gpu": {"resource": GPU, "count": 1, "gpu": A100},
        "gpu-2": {"resource": GPU, "count": 2, "gpu": A100},
        "gpu-4": {"resource": GPU, "count": 4, "gpu": A100},
        "mig": {
            "resource": "nvidia.com/mig-1g.10gb",
            "count": 1,
            "gpu": {"model": "A100 slice", "memory_gib": 10},
        },
        "share": {"resource": "nvidia.com/gpu.shared", "count": 1},
        "amd": {"resource": "amd.com/gpu", "count": 1, "groups": ["research"]},
    }
    return catalogue(
        profiles=[
            profile(name, **{**fields, **changes.get(name, {})}) for name, fields in entries.items()
        ]
    )


ALL_FREE = {
    "cpu": Free(0, 0, 0, fits=5, unit=None),
    "gpu": Free(2, 8, 2, fits=2),
    "gpu-2": Free(2, 8, 2, fits=1),
    "gpu-4": Free(2, 8, 2, fits=0),
    "mig": Free(3, 7, 3, fits=3, unit="slice"),
    "share": Free(3, 4, 3, fits=3, unit="share"),
    "amd": Free(1, 1, 1, fits=1),
}


def ids(
    waiting_for: str,
    capacity: dict[str, Free] | None = None,
    *,
    person: Person | None = None,
    refused: tuple[str, ...] = (),
) -> list[str]:
    entries = offered()
    wanted = entries.profile(waiting_for)
    assert wanted is not None
    free = ALL_FREE if capacity is None else capacity
    who = person or Person("ana")
    return [each.profile_id for each in offers_for(who, wanted, free, entries, refused=refused)]


@pytest.mark.parametrize(
    ("waiting_for", "options", "found"),
    [
        pytest.param("gpu-4", {}, ["gpu-2", "gpu", "mig"], id="fewer of the same first"),
        pytest.param("gpu", {}, ["mig", "share", "cpu"], id="never more of the same"),
        pytest.param(
            "gpu",
            {"person": Person("ana", frozenset({"research"}))},
            ["mig", "share", "amd"],
            id="of the group",
        ),
        pytest.param("gpu", {"refused": ("mig",)}, ["share", "cpu"], id="not over a quota"),
        pytest.param("gpu", {"capacity": {"mig": Free(0, 7, 0)}}, [], id="nothing free"),
        pytest.param("cpu", {}, [], id="who waits for no device"),
    ],
)
def test_what_is_offered(waiting_for: str, options: dict[str, Any], found: list[str]) -> None:
    assert ids(waiting_for, **options) == found


def test_nothing_is_offered_while_nothing_is_known() -> None:
    entries = offered()
    assert offers_for(Person("ana"), entries.profiles[1], None, entries) == ()


def test_offers_in_words() -> None:
    entries = offered()
    wanted = entries.profile("gpu-4")
    assert wanted is not None
    person = Person("ana", frozenset({"research"}))
    told = {}
    for name in ALL_FREE:
        (found,) = offers_for(person, wanted, {name: ALL_FREE[name]}, entries) or (None,)
        told[name] = found.text if isinstance(found, FreeOffer) else None
    assert told == {
        "cpu": "A workspace without a GPU starts at once, with the same files: go on there, and "
        "come back for the GPU later.",
        "gpu": "1 GPU free now: take fewer.",
        "gpu-2": "2 GPUs free now: take fewer.",
        "gpu-4": None,
        "mig": "A slice of a GPU (A100 slice, 10 GiB) is free now: take it instead.",
        "share": "A share of a GPU is free now: take it instead. Others compute on it, too.",
        "amd": "1 AMD GPU free now: take this instead.",
    }
