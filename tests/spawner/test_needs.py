"""Needs and nearness."""

from typing import Any

import pytest
from studiolo_spawner.catalogue import Image, Profile
from studiolo_spawner.choice import Choice
from studiolo_spawner.needs import Needs, nearest_first, needs_of

from tests.spawner.catalogues import gpu_profile, image, profile

FULL = Image.model_validate(
    image(
        "full",
        tasks=["train"],
        provides={
            "tools": ["jupyterlab", "vscode"],
            "frameworks": {"pytorch": "2.9.1", "jax": "0.7.0rc1"},
            "cuda": "12.8",
        },
    )
)
CPU = Profile.model_validate(profile())
GPU = Profile.model_validate(gpu_profile())


@pytest.mark.parametrize(
    ("needs", "missing"),
    [
        (Needs(), ()),
        (Needs(tasks=frozenset({"train"}), tools=frozenset({"vscode"})), ()),
        (Needs(tasks=frozenset({"teach"})), ("the task teach",)),
        (Needs(tools=frozenset({"b", "a"})), ("a", "b")),
        (Needs(frameworks={"pytorch": ">=2.8,<3"}), ()),
        (Needs(frameworks={"pytorch": "==2.9.*"}), ()),
        (Needs(frameworks={"pytorch": ">=2.10"}), ("pytorch>=2.10",)),
        (Needs(frameworks={"pytorch": ""}), ()),
        (Needs(frameworks={"jax": ">=0.6"}), ()),
        (Needs(frameworks={"keras": ""}), ("keras",)),
        (Needs(cuda=True), ()),
    ],
    ids=[
        "none", "met", "task", "tools", "range", "series", "too old", "any version",
        "pre-release", "framework", "cuda",
    ],
)  # fmt: skip
def test_what_an_image_lacks(needs: Needs, missing: tuple[str, ...]) -> None:
    assert needs.missing_from(FULL) == missing
    assert needs.met_by(FULL) == (missing == ())


def test_an_image_without_cuda() -> None:
    plain = Image.model_validate(image("plain"))
    assert Needs(cuda=True).missing_from(plain) == ("CUDA",)


def test_without_a_word_the_requested_image_says_what_is_needed() -> None:
    assert needs_of(Choice(), FULL, CPU) == Needs(
        tools=frozenset({"jupyterlab", "vscode"}),
        frameworks={"pytorch": "==2.*", "jax": "==0.*"},
    )


def test_an_epoch_belongs_to_the_major_version() -> None:
    odd = Image.model_validate(image("odd", provides={"frameworks": {"x": "1!2.3"}}))
    needs = needs_of(Choice(), odd, CPU)
    assert needs.frameworks == {"x": "==1!2.*"}
    assert needs.met_by(odd)


@pytest.mark.parametrize(
    "choice",
    [
        Choice(tasks=frozenset({"train"})),
        Choice(tools=frozenset({"vscode"})),
        Choice(frameworks={"pytorch": ">=2"}),
    ],
    ids=["task", "tool", "framework"],
)
def test_what_was_declared_is_what_is_needed(choice: Choice) -> None:
    needs = needs_of(choice, FULL, CPU)
    assert (needs.tasks, needs.tools, needs.frameworks) == (
        choice.tasks,
        choice.tools,
        choice.frameworks,
    )


def test_on_a_gpu_cuda_stays() -> None:
    assert needs_of(Choice(), FULL, GPU).cuda
    assert needs_of(Choice(tools=frozenset({"vscode"})), FULL, GPU).cuda
    assert not needs_of(Choice(), FULL, CPU).cuda
    assert not needs_of(Choice(), Image.model_validate(image("plain")), GPU).cuda


def named(name: str, version: str | None, **fields: Any) -> Image:
    frameworks = {"pytorch": version} if version else {}
    return Image.model_validate(image(name, provides={"frameworks": frameworks}, **fields))


@pytest.mark.parametrize(
    ("others", "order"),
    [
        ([("a", "2.7"), ("b", "2.8"), ("c", "2.10")], ["c", "b", "a"]),
        ([("a", "3.9"), ("b", "2.1")], ["b", "a"]),
        ([("a", "2.9.5"), ("b", "2.9.2")], ["b", "a"]),
        ([("a", None), ("b", "1.0")], ["b", "a"]),
        ([("b", "2.8"), ("a", "2.8")], ["b", "a"]),
        ([("a", "2.9.0"), ("b", "2.9.2")], ["b", "a"]),
    ],
    ids=["minor", "major", "micro", "missing", "catalogue's order", "newer first"],
)
def test_nearest_first(others: list[tuple[str, str | None]], order: list[str]) -> None:
    requested = named("requested", "2.9.1")
    found = nearest_first([named(*other) for other in others], requested)
    assert [i.id for i in found] == order


def test_deprecated_last() -> None:
    requested = named("requested", "2.9")
    near = named("near", "2.9", deprecated="old")
    far = named("far", "1.0")
    assert [i.id for i in nearest_first([near, far], requested)] == ["far", "near"]
