import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from studiolo_hub.ends import End
from studiolo_hub.gpu_use import GpuUse, Use
from studiolo_hub.workspace_tools import Tool
from studiolo_hub.workspace_view import (
    More,
    State,
    Stop,
    WorkspaceView,
    end_words,
    gpu_words,
    view_of,
)
from studiolo_spawner.attempts import Attempt
from studiolo_spawner.catalogue import Profile
from studiolo_spawner.workspace_state import ImageInUse, WorkspaceState

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TORCH, PLAIN = ImageInUse("torch", "PyTorch 2.9"), ImageInUse("plain", "Plain Python")
RAN = Attempt("plain", "r/plain:1", None, "running", "", "", NOW, display_name="Plain Python")
MISSING = Attempt(
    "torch", "r/torch:1", None, "skipped", "image_missing", "The registry has no such image.", NOW
)
WORKSPACE = WorkspaceState(spawn_id="1", profile="gpu", requested=TORCH, actual=TORCH)


def profile(**changes: Any) -> Profile:
    base = {"id": "gpu", "display_name": "One L4", "cpu": 4, "memory": "16Gi"}
    gpu = {
        "resource": "nvidia.com/gpu",
        "count": 1,
        "gpu": {"model": "NVIDIA L4", "memory_gib": 24},
    }
    return Profile.model_validate({**base, **gpu, **changes})


def view(state: State, **changes: Any) -> WorkspaceView:
    arguments: dict[str, Any] = {
        "name": "",
        "title": "",
        "path": "ana",
        "state": state,
        "workspace": WORKSPACE,
        "profile": profile(),
        "started": NOW - timedelta(minutes=5, seconds=20),
        "failure": "",
        "stopped": None,
        "now": NOW,
    }
    return view_of(**{**arguments, **changes})


def test_running() -> None:
    seen = view("running")
    assert (seen.title, seen.image, seen.profile) == ("My workspace", "PyTorch 2.9", "One L4")
    assert seen.since == "5 minutes"
    assert seen.gpu == "NVIDIA L4, 24 GiB"
    assert seen.requested_image == seen.fallback_reason == ""


def test_another_image_runs_and_the_reason_is_told() -> None:
    workspace = replace(WORKSPACE, actual=PLAIN, attempts=(MISSING, RAN))
    seen = view("running", workspace=workspace)
    assert (seen.image, seen.requested_image) == ("Plain Python", "PyTorch 2.9")
    assert "no such image" in seen.fallback_reason


def test_the_same_image_with_its_digest_is_no_other_image() -> None:
    seen = view("running", workspace=replace(WORKSPACE, actual=replace(TORCH, digest="sha256:1")))
    assert seen.requested_image == ""


def test_an_earlier_state_of_the_same_image_is_told_with_its_reason() -> None:
    older = replace(TORCH, display_name="PyTorch 2.9, as it ran last", digest="sha256:1")
    workspace = replace(WORKSPACE, actual=older, attempts=(MISSING, RAN))
    seen = view("running", workspace=workspace)
    assert seen.image == "PyTorch 2.9, as it ran last"
    assert "no such image" in seen.fallback_reason


def test_what_was_chosen_before_is_not_shown_as_running() -> None:
    seen = view("stopped", stopped=Stop(NOW - timedelta(seconds=30), gpu=True))
    assert seen.image == seen.profile == seen.gpu == seen.end == ""
    assert seen.stopped
    assert seen.since == "less than a minute"


def test_a_stop_of_earlier_is_not_told_while_it_runs_again() -> None:
    assert view("running", stopped=Stop(NOW, gpu=True)).stopped is None


def test_a_failure_is_told_once_it_is_one() -> None:
    assert view("failed", failure="No image left.").failure == "No image left."
    assert view("running", failure="No image left.").failure == ""


def test_a_profile_that_left_the_catalogue_is_named_by_its_id() -> None:
    seen = view("running", profile=None)
    assert (seen.profile, seen.gpu, seen.end) == ("gpu", "", "")


def test_a_start_that_knows_nothing_yet() -> None:
    seen = view("starting", workspace=WorkspaceState(), profile=None, started=None)
    assert seen.image == seen.since == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({}, "NVIDIA L4, 24 GiB", id="one"),
        pytest.param({"count": 2}, "2 × NVIDIA L4, 24 GiB each", id="two"),
        pytest.param({"resource": None, "count": 0, "gpu": None}, "", id="none"),
        pytest.param({"gpu": None, "count": 3}, "3 GPUs", id="not-described"),
        pytest.param(
            {"gpu": {"model": "A100", "memory_gib": 4.75, "shared": True, "simulated": True}},
            "A100, 4.75 GiB (shared, simulated)",
            id="shared-and-simulated",
        ),
    ],
)
def test_gpu_in_words(changes: dict[str, Any], words: str) -> None:
    assert gpu_words(profile(**changes)) == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"idle": {"timeout": "never"}}, "Runs until stopped", id="never"),
        pytest.param({}, "Stops by itself after 1 hour without use", id="idle"),
        pytest.param(
            {"max_lifetime": "12h"},
            "Stops by itself after 1 hour without use, at the latest 12 hours after its start",
            id="both",
        ),
        pytest.param(
            {"idle": {"timeout": "never"}, "max_lifetime": "2d"},
            "Stops by itself 2 days after its start",
            id="lifetime",
        ),
    ],
)
def test_end_in_words(changes: dict[str, Any], words: str) -> None:
    assert end_words(profile(**changes)) == words


CONTRACT = Path(__file__).parents[1] / "contract" / "workspaces.json"
EXAMPLES = {
    "running": view(
        "running",
        more=More(
            idle_since=NOW - timedelta(minutes=2),
            ends_at=End(NOW + timedelta(minutes=60), "idle"),
            can_park=True,
            tools=(Tool("VS Code", "vscode/"),),
            use=Use(NOW - timedelta(seconds=20), (GpuUse(0, 37.0, 12 * 2**30, 24 * 2**30),)),
        ),
    ),
    "running instead": view(
        "running",
        name="trial",
        title="My trial",
        path="ana/trial",
        workspace=replace(WORKSPACE, actual=PLAIN, attempts=(MISSING, RAN)),
    ),
    "starting": view("starting", more=More(told="Looking for a machine that has room.")),
    "restarting": view("stopping", more=More(restarting=True)),
    "stopped": view("stopped", stopped=Stop(NOW - timedelta(minutes=3), gpu=True)),
    "failed": view("failed", failure="No image could be started.\nAsk.", more=More(failed_at=NOW)),
}


def test_the_contract_holds_every_state() -> None:
    """What tests/contract/workspaces.json says is what is sent."""
    sent = {"version": 1, "workspaces": [each.to_json() for each in EXAMPLES.values()]}
    assert json.loads(CONTRACT.read_text()) == sent


def test_json_does_not_change_while_nothing_happens() -> None:
    later = view("running", now=NOW + timedelta(hours=3))
    assert later.since != view("running").since
    assert later.to_json() == view("running").to_json()


@pytest.mark.parametrize("state", ["starting", "stopping", "stopped", "failed"])
def test_what_is_only_so_while_it_runs(state: State) -> None:
    more = More(idle_since=NOW, ends_at=End(NOW, "idle"), can_park=True, tools=(Tool("x", "x"),))
    seen = view(state, more=more)
    assert (seen.idle_since, seen.ends_at, seen.can_park, seen.tools) == (None, None, False, ())


def test_the_first_choice_can_be_tried_again_while_another_image_runs() -> None:
    workspace = replace(WORKSPACE, actual=PLAIN, attempts=(MISSING, RAN))
    assert view("running", workspace=workspace).first_choice == "PyTorch 2.9"
    assert view("running").first_choice == ""
