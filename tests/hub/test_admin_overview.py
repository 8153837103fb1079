from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from studiolo_hub.admin_gpus import GpuReport, Holding, MachineRow, Queued
from studiolo_hub.admin_images import ImageRow
from studiolo_hub.admin_overview import Alarm, Signs, alarms, as_json
from studiolo_hub.admin_workspaces import WorkspaceRow
from studiolo_spawner.catalogue_file import CatalogueProblem
from studiolo_spawner.errors import Problem
from studiolo_spawner.unmet import Unmet

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
WELL = Signs(
    problem=None,
    has_catalogue=True,
    images=(),
    silent_seconds=0.0,
    cluster_away=False,
    capacity_known=True,
    sign_in_away=False,
    workspaces=(),
    gpus=None,
)
IMAGE = ImageRow(
    id="torch",
    display_name="PyTorch",
    reference="registry.example/torch:1",
    standing="bad",
    verdict="Its last check failed 5 minutes ago. The image does not exist in the registry.",
    next_step="Push the image.",
    checked="5 minutes ago",
    checked_at=NOW,
    size="",
    last_good="",
    last_good_digest="",
    ran="",
    failures=(),
    fallbacks="",
    hidden=False,
    deprecated=False,
)
FAILED = WorkspaceRow(
    user="ana",
    name="",
    title="My workspace",
    state="failed",
    image_id="torch",
    image="PyTorch",
    requested_image="",
    reason="No image could be started.",
    profile_id="gpu",
    profile="One L4",
    started=None,
    last_activity=None,
    end="",
    path="ana",
)
PROBLEM = CatalogueProblem(
    "/etc/catalogue.yaml",
    (Problem("images[0].id", "is missing", "add it", line=3), Problem("profiles", "is missing")),
    NOW - timedelta(hours=2),
)


def waiting(minutes: int) -> GpuReport:
    since = NOW - timedelta(minutes=minutes)
    one = Holding("ana", "", "", "One L4", 1, "Pending", since, "")
    return GpuReport((), (), 0, (Queued("nvidia.com/gpu", one),))


def closed(*names: str) -> GpuReport:
    rows = tuple(MachineRow(name, name == "open", "", "", ()) for name in names)
    return GpuReport((), rows, 0, ())


def found(**changes: Any) -> tuple[Alarm, ...]:
    return alarms(replace(WELL, **changes), NOW)


def test_nothing_is_wrong() -> None:
    assert found() == ()
    assert found(images=(replace(IMAGE, standing="good"),), gpus=waiting(2)) == ()


@pytest.mark.parametrize(
    ("changes", "name", "level", "words"),
    [
        pytest.param(
            {"problem": PROBLEM},
            "catalogue",
            "bad",
            ["last edit", "line 3: images[0].id: is missing", "And 1 more", "2026-03-01 01:00 UTC"],
            id="catalogue-edited-badly",
        ),
        pytest.param(
            {"problem": PROBLEM, "has_catalogue": False},
            "catalogue",
            "bad",
            ["no catalogue", "No workspace can be started"],
            id="no-catalogue",
        ),
        pytest.param(
            {"silent_seconds": 190.0, "capacity_known": False},
            "cluster",
            "bad",
            ["does not answer", "for 3 minutes"],
            id="kubernetes-away",
        ),
        pytest.param({"silent_seconds": 5.0}, "", "", [], id="a-watch-that-was-cut-a-moment-ago"),
        pytest.param(
            {"cluster_away": True},
            "cluster",
            "bad",
            ["does not answer", "did not answer just now"],
            id="kubernetes-hangs",
        ),
        pytest.param({"silent_seconds": None}, "", "", [], id="nobody-listens-yet"),
        pytest.param(
            {"capacity_known": False}, "capacity", "warning", ["which right"], id="nodes-forbidden"
        ),
        pytest.param({"capacity_known": None}, "", "", [], id="figures-not-wanted"),
        pytest.param(
            {"sign_in_away": True}, "sign-in", "bad", ["nobody new"], id="sign-in-service-away"
        ),
        pytest.param(
            {"images": (IMAGE,)},
            "image/torch",
            "bad",
            ["“PyTorch”", "does not exist in the registry", "Push the image"],
            id="image-bad",
        ),
        pytest.param(
            {"images": (replace(IMAGE, standing="warning"),)},
            "image/torch",
            "warning",
            ["has a problem"],
            id="image-failed-once",
        ),
        pytest.param(
            {"images": (replace(IMAGE, standing="unknown"),)}, "", "", [], id="registry-silent"
        ),
        pytest.param(
            {"workspaces": (FAILED, replace(FAILED, user="ben"))},
            "workspaces",
            "warning",
            ["2 workspaces did not start", "ana: No image", "And 1 more"],
            id="starts-failed",
        ),
        pytest.param(
            {"workspaces": (replace(FAILED, failed_at=NOW - timedelta(days=2)),)},
            "",
            "",
            [],
            id="a-start-that-failed-long-ago",
        ),
        pytest.param(
            {"gpus": waiting(25)},
            "waiting",
            "warning",
            ["1 workspace waits", "for 25 minutes"],
            id="somebody-waits-long",
        ),
        pytest.param(
            {"gpus": closed("open", "one", "two")},
            "machines",
            "warning",
            ["2 machines with GPUs take no", "one and two"],
            id="machines-closed",
        ),
    ],
)
def test_alarms(changes: dict[str, Any], name: str, level: str, words: list[str]) -> None:
    told = found(**changes)
    assert [alarm.id for alarm in told] == ([name] if name else [])
    for alarm in told:
        assert alarm.level == level
        text = f"{alarm.title} {alarm.text} {alarm.next_step}"
        assert [word for word in words if word not in text] == []


def test_the_worst_stands_first_and_many_images_are_summed_up() -> None:
    images = tuple(replace(IMAGE, id=f"i{number}") for number in range(8))
    told = found(workspaces=(FAILED,), images=images, sign_in_away=True)
    assert [alarm.level for alarm in told] == ["bad"] * 7 + ["warning"]
    assert "3 more images have problems." in [alarm.title for alarm in told]


def test_json_of_an_alarm_is_complete() -> None:
    (alarm,) = as_json(found(images=(IMAGE,)))
    assert alarm.keys() == {"id", "level", "title", "text", "next_step"}


def test_profiles_without_a_machine_are_told_but_not_without_end() -> None:
    unmet = [Unmet(f"p{n}", f"Profile {n}", "No node offers x/y.", "Install it.") for n in range(7)]
    found = [each for each in alarms(replace(WELL, unmet=unmet), NOW) if "profile" in each.id]
    assert [each.id for each in found] == [*(f"profile/p{n}" for n in range(5)), "profiles"]
    assert found[0].title == "No machine can take the profile “Profile 0”."
    assert (found[0].level, found[0].next_step) == ("warning", "Install it.")
    assert found[-1].title == "2 more profiles have no machine."
