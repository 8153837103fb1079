import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from studiolo_hub.answers import Refused
from studiolo_hub.restart_choice import (
    Current,
    choices_document,
    options_of_menu,
    parked,
    wish_of_form,
    wished_options,
)
from studiolo_spawner.attempts import Attempt
from studiolo_spawner.catalogue import Catalogue
from studiolo_spawner.errors import InvalidChoice
from studiolo_spawner.offer import Offer, Person, offer_to
from studiolo_spawner.profile_outlook import Outlook
from studiolo_spawner.workspace_state import ImageInUse, WorkspaceState

CONTRACT = Path(__file__).parents[1] / "contract" / "choices.json"
L4 = {"model": "NVIDIA L4", "memory_gib": 24}
GPU = {"resource": "nvidia.com/gpu", "count": 1, "gpu": L4}
NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIRST, INSTEAD = ImageInUse("torch", "PyTorch 2.9"), ImageInUse("plain", "Plain Python")
FALLBACK = WorkspaceState(spawn_id="1", profile="gpu", requested=FIRST, actual=INSTEAD)


def profile(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "display_name": name.title(), "cpu": 1, "memory": "1Gi", **more}


def offer(*profiles: dict[str, Any], groups: frozenset[str] = frozenset()) -> Offer:
    catalogue = Catalogue.model_validate(
        {
            "version": 1,
            "images": [
                {"id": "torch", "display_name": "PyTorch 2.9", "reference": "r.example/torch:1"},
                {"id": "plain", "display_name": "Plain Python", "reference": "r.example/plain:1"},
            ],
            "profiles": list(profiles)
            or [
                profile("gpu", **GPU),
                profile("dear", price_per_hour=0.5),
                profile("cheap", price_per_hour=0.1),
                profile("secret", groups=["staff"]),
            ],
        }
    )
    return offer_to(Person("ana", groups), catalogue)


def current(state: WorkspaceState | None = None, **options: Any) -> Current:
    return Current(options, state or WorkspaceState())


@pytest.mark.parametrize(
    ("profiles", "now", "found"),
    [
        pytest.param((), "gpu", "cheap", id="cheapest"),
        pytest.param((profile("gpu", **GPU), profile("a"), profile("b")), "gpu", "a", id="first"),
        pytest.param((profile("gpu", **GPU),), "gpu", None, id="none-offered"),
        pytest.param((), "dear", None, id="has-no-gpu"),
        pytest.param((), "gone", "cheap", id="left-the-catalogue"),
    ],
)
def test_parking(profiles: tuple[dict[str, Any], ...], now: str, found: str | None) -> None:
    rest = parked(offer(*profiles), current(profile=now))
    assert (rest and rest.id) == found


@pytest.mark.parametrize(
    ("wish", "options"),
    [
        pytest.param({}, {"image": "torch", "profile": "gpu", "fallback": False}, id="as-it-was"),
        pytest.param(
            {"profile": "dear"},
            {"image": "torch", "profile": "dear", "fallback": False},
            id="profile",
        ),
        pytest.param(
            {"image": "plain", "profile": "dear"},
            {"image": "plain", "profile": "dear", "fallback": False},
            id="both",
        ),
        pytest.param(
            {"park": True, "first_choice": False},
            {"image": "torch", "profile": "cheap", "fallback": False},
            id="park",
        ),
        pytest.param(
            {"first_choice": True},
            {"image": "torch", "profile": "gpu", "fallback": False},
            id="first-choice",
        ),
    ],
)
def test_a_wish_changes_what_it_names(wish: dict[str, object], options: dict[str, object]) -> None:
    now = current(FALLBACK, image="torch", profile="gpu", fallback=False)
    assert wished_options(wish, now, offer()) == options


@pytest.mark.parametrize(
    ("wish", "status", "reason"),
    [
        pytest.param({"gpu": "x"}, 400, "invalid_choice", id="unknown"),
        pytest.param({"park": "yes"}, 400, "invalid_choice", id="park-as-text"),
        pytest.param({"park": 1}, 400, "invalid_choice", id="park-as-number"),
        pytest.param({"park": True, "profile": "gpu"}, 400, "invalid_choice", id="two-things"),
        pytest.param({"park": True, "first_choice": True}, 400, "invalid_choice", id="two-words"),
        pytest.param({"first_choice": True}, 409, "no_first_choice", id="it-runs"),
    ],
)
def test_what_is_no_wish_is_refused(wish: dict[str, object], status: int, reason: str) -> None:
    running = replace(FALLBACK, actual=FIRST)
    with pytest.raises(Refused) as refused:
        wished_options(wish, current(running, profile="gpu"), offer())
    assert (refused.value.status_code, refused.value.label) == (status, reason)


def test_a_rescue_is_for_one_start() -> None:
    now = current(image="torch", profile="gpu")
    rescued = wished_options({"rescue": True}, now, offer())
    assert rescued == {"image": "torch", "profile": "gpu", "rescue": True}
    after = wished_options({}, Current(rescued, WorkspaceState()), offer())
    assert after == {"image": "torch", "profile": "gpu"}


def test_a_workspace_without_a_gpu_cannot_be_parked() -> None:
    with pytest.raises(Refused) as refused:
        wished_options({"park": True}, current(profile="cheap"), offer())
    assert refused.value.label == "cannot_park"


def test_options_that_cannot_be_read_are_left_out() -> None:
    options = wished_options({"profile": "gpu"}, current(image=["x"], evil=1), offer())
    assert options == {"profile": "gpu"}


def test_an_image_takes_the_place_of_a_custom_one() -> None:
    now = Current({"image": "torch"}, WorkspaceState())
    options = wished_options({"custom_image": "r.example/mine:1"}, now, offer())
    assert options == {"custom_image": "r.example/mine:1"}


@pytest.mark.parametrize(
    ("form", "wish"),
    [
        pytest.param({"profile": ["gpu"]}, {"profile": "gpu"}, id="profile"),
        pytest.param({"park": ["true"]}, {"park": True}, id="park"),
        pytest.param({"park": [""]}, {"park": False}, id="not-parked"),
    ],
)
def test_a_form_is_a_wish(form: dict[str, list[str]], wish: dict[str, object]) -> None:
    assert wish_of_form(form) == wish


def test_a_form_says_one_thing() -> None:
    with pytest.raises(Refused):
        wish_of_form({"profile": ["gpu", "cheap"]})


def test_the_whole_menu_is_read_as_at_a_start() -> None:
    form = {"image": ["torch"], "profile": ["gpu"], "task": ["train"]}
    assert options_of_menu(form) == {"image": "torch", "profile": "gpu", "tasks": ["train"]}
    with pytest.raises(InvalidChoice):
        options_of_menu({"iamge": ["torch"]})


def test_choices_have_the_shape_that_the_panel_reads() -> None:
    examples = json.loads(CONTRACT.read_text())
    told: dict[str, Any] = {
        "version": 1,
        **choices_document(
            offer(),
            current(FALLBACK, image="torch"),
            outlook=lambda name: (
                Outlook("none free of 4", "full", "Used up.") if name == "gpu" else Outlook()
            ),
        ),
    }
    for example in examples.values():
        assert told.keys() == example.keys()
        assert {name for each in example["profiles"] for name in each} == told["profiles"][0].keys()
    assert told["current"] == {"image": "torch", "profile": "gpu"}
    gpu, dear, _cheap = told["profiles"]
    assert (
        gpu["gpu"].keys()
        == examples["a GPU profile with park and first choice"]["profiles"][1]["gpu"].keys()
    )
    assert (gpu["capacity"], gpu["allowed"], gpu["reason"]) == ("none free of 4", False, "Used up.")
    assert (dear["gpu"], dear["allowed"], dear["reason"]) == (None, True, None)
    assert told["park"] == {"id": "cheap", "display_name": "Cheap"}
    assert told["first_choice"] == {"id": "torch", "display_name": "PyTorch 2.9"}
    json.dumps(told)


def test_what_is_not_offered_is_not_named() -> None:
    told = choices_document(offer(), current(), outlook=lambda _id: Outlook())
    assert "secret" not in json.dumps(told)
    assert told["first_choice"] is None


def test_an_earlier_state_of_the_first_choice_is_not_the_first_choice() -> None:
    tried = Attempt("torch", "r/t:1", None, "failed", "exits", "It ends.", NOW)
    older = Attempt("torch", "r/t@sha256:1", None, "running", "", "", NOW)
    state = replace(FALLBACK, actual=FIRST, attempts=(tried, older))
    assert current(state).first_choice == FIRST
