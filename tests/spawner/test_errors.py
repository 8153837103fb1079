"""The error tree: what each class tells whom."""

import re

import pytest
from studiolo_spawner import errors
from studiolo_spawner.errors import (
    CatalogueError,
    ClusterFault,
    HubFault,
    InvalidChoice,
    InvalidReference,
    NoImageLeft,
    NotAllowed,
    Problem,
    StudioloError,
)


def everything() -> list[StudioloError]:
    problem = Problem("image", "there is no such image")
    return [
        CatalogueError([problem]),
        InvalidReference("x", "it has no tag"),
        InvalidChoice([problem]),
        NotAllowed([problem]),
        ClusterFault("The quota is used up."),
        HubFault(),
        NoImageLeft(["“PyTorch” was not tried. It is gone."]),
    ]


def test_the_drawn_tree_names_every_class() -> None:
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__ or ""))
    ours = (c for c in _below(StudioloError) if c.__module__ == errors.__name__)
    defined = {c.__name__ for c in ours if not c.__name__.startswith("_")}
    assert drawn == defined


def _below(cls: type[StudioloError]) -> set[type[StudioloError]]:
    return {cls for below in cls.__subclasses__() for cls in {below, *_below(below)}}


@pytest.mark.parametrize("error", everything(), ids=lambda e: type(e).__name__)
def test_every_error_has_a_label_a_status_and_words(error: StudioloError) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.reason)
    assert 400 <= error.status < 600
    assert error.user_message
    assert str(error) == error.user_message


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidChoice([]), 400),
        (InvalidReference("", "it is empty"), 400),
        (NotAllowed([]), 403),
        (ClusterFault("away"), 503),
        (HubFault(), 500),
        (NoImageLeft([]), 503),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, Exception) else str(v),
)
def test_statuses(error: StudioloError, status: int) -> None:
    assert error.status == status


def test_reason_and_status_can_be_told_more_exactly() -> None:
    error = ClusterFault("The quota is used up.", reason="quota", status=409)
    assert (error.reason, error.status) == ("quota", 409)
    assert ClusterFault.reason == "cluster_fault"


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("", "it is empty"), "it is empty"),
        (Problem("images[0].id", "it is missing"), "images[0].id: it is missing"),
        (Problem("a", "b", "c", 7), "line 7: a: b (c)"),
        (Problem("", "not YAML", line=7), "line 7: not YAML"),
    ],
    ids=["bare", "path", "all", "line"],
)
def test_a_problem_in_words(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_all_problems_are_told() -> None:
    problems = [Problem("image", "one"), Problem("profile", "two", "do that")]
    choice = InvalidChoice(problems)
    assert choice.problems == tuple(problems)
    assert choice.user_message == "image: one; profile: two (do that)"
    catalogue = CatalogueError(problems, source="c.yaml")
    assert catalogue.user_message.splitlines() == [
        "c.yaml has 2 problems:",
        "  image: one",
        "  profile: two (do that)",
    ]


def test_no_image_left_tells_the_whole_story_and_the_next_step() -> None:
    story = ["“PyTorch” was not tried. It is gone.", "“JAX” could not be used. It exited."]
    error = NoImageLeft(story, hint="Ask ana.")
    assert error.user_message.splitlines() == ["No image could be started.", *story, "Ask ana."]


def test_a_reference_error_cannot_forge_lines() -> None:
    error = InvalidReference("x\r\nERROR forged\x1b[31m" + "y" * 10_000, "it is not one")
    assert error.user_message.isprintable()
    assert len(error.user_message) < 200
