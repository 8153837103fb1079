"""The place among those that wait where nobody keeps a line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from studiolo_spawner.causes import cause
from studiolo_spawner.holders import Holder
from studiolo_spawner.queueing import Line
from studiolo_spawner.waiting_line import line_of, with_line

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
        "the 2nd by the time it was asked for; Kubernetes starts whichever fits first."
    )


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
