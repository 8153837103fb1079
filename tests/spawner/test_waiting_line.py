"""The place among those that wait where nobody keeps a line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from studiolo_spawner.capacity import Free
from studiolo_spawner.causes import cause
from studiolo_spawner.holders import Holder
from studiolo_spawner.queueing import Line
from studiolo_spawner.waiting_line import line_of, with_figures, with_line

GPU = "nvidia.com/gpu"


def waits(user: str, resource: str | None = GPU) -> Holder:
    return Holder(user, "", f"ns/{user or 'job'}", "", resource, 1, "gpu", "Pending", None)


@pytest.mark.parametrize(
    ("pod", "waiting", "line"),
    [
        pytest.param("ns/ben", [waits("ana"), waits("ben")], Line(2, 2), id="second"),
        pytest.param("ns/ben", [waits("ben"), waits("ana")], Line(1, 2), id="first"),
        pytest.param("ns/ben", [waits("ana", None), waits("ben")], Line(1, 1), id="another kind"),
        pytest.param("ns/ben", [waits(""), waits("ben")], Line(1, 1), id="no workspace"),
        pytest.param(
            "ns/ben", [replace(waits("ana"), gated=True), waits("ben")], Line(1, 1), id="in a queue"
        ),
        pytest.param("ns/ben", [replace(waits("ben"), gated=True)], None, id="itself in a queue"),
        pytest.param("ns/eve", [waits("ben")], None, id="not waiting"),
    ],
)
def test_the_place_by_the_time_asked(pod: str, waiting: list[Holder], line: Line | None) -> None:
    assert line_of(pod, waiting) == line


def test_told_with_the_cause_where_others_wait() -> None:
    found = cause("no_free_gpu")
    assert with_line(found, Line(2, 4)).message == (
        "No GPU of this kind is free at the moment. 4 workspaces wait for the same, and yours is "
        "number 2 by the time it was asked for; Kubernetes starts whichever fits first."
    )


@pytest.mark.parametrize(
    ("free", "resource", "count", "words"),
    [
        pytest.param(Free(0, 8, 0), GPU, 1, "All 8 GPUs for this profile are in use.", id="all"),
        pytest.param(
            Free(0, 1, 0), GPU, 1, "The only GPU for this profile is in use.", id="the only one"
        ),
        pytest.param(
            Free(3, 8, 2),
            GPU,
            4,
            "No machine has 4 GPUs free at once: 3 of 8 are free, at most 2 on one machine.",
            id="scattered",
        ),
        pytest.param(
            Free(0, 0, 0),
            GPU,
            1,
            "No machine offers GPUs for this profile at the moment.",
            id="none there",
        ),
        pytest.param(
            Free(2, 8, 2), GPU, 1, "2 of 8 GPUs are free, with too little CPU or memory.", id="cpu"
        ),
        pytest.param(
            Free(0, 4, 0, unit="share"),
            GPU,
            1,
            "All 4 GPU shares for this profile are in use.",
            id="shares under the whole ones' name",
        ),
        pytest.param(
            Free(0, 4, 0, unit="share"),
            "nvidia.com/gpu.shared",
            1,
            "All 4 GPU shares for this profile are in use.",
            id="shares",
        ),
    ],
)
def test_the_menus_figures_say_what_is_short(
    free: Free, resource: str, count: int, words: str
) -> None:
    assert with_figures(cause("no_free_gpu"), free, resource, count).message == words


@pytest.mark.parametrize(
    ("reason", "free", "resource"),
    [
        pytest.param("no_room", Free(0, 8, 0), GPU, id="another cause"),
        pytest.param("no_free_gpu", None, GPU, id="unknown"),
        pytest.param("no_free_gpu", Free(1, 8, 1, fits=1), GPU, id="just come free"),
        pytest.param("no_free_gpu", Free(0, 8, 0), None, id="no device"),
    ],
)
def test_without_figures_the_schedulers_words_stay(
    reason: str, free: Free | None, resource: str | None
) -> None:
    assert with_figures(cause(reason), free, resource, 1) == cause(reason)


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        pytest.param("no_free_gpu", Line(1, 1), id="alone"),
        pytest.param("no_free_gpu", None, id="unknown"),
        pytest.param("volume_pending", Line(2, 4), id="another cause"),
    ],
)
def test_nothing_is_added_where_no_line_is(reason: str, line: Line | None) -> None:
    assert with_line(cause(reason), line) == cause(reason)
