"""What the menu recommends, and that it says why."""

from typing import Any

import pytest
from hypothesis import given, settings
from studiolo_spawner.capacity import Free
from studiolo_spawner.choice import Choice
from studiolo_spawner.image_health import ImageProblem
from studiolo_spawner.menu import Menu, build_menu
from studiolo_spawner.offer import Person

from tests.spawner.catalogues import catalogue, example, gpu_profile, image, profile, pytorch
from tests.spawner.test_choice import CHOICES

ANA = Person("ana")
BAD = ImageProblem("Gone.", avoid=True)

IMAGES = [
    image("plain", tasks=["teach"], provides={"tools": ["jupyterlab"]}),
    pytorch("2.8.0", deprecated="Old."),
    pytorch("2.9.1", tasks=["train", "explore"]),
    image("jax", tasks=["train"], provides={"frameworks": {"jax": "0.8.0"}, "cuda": "12.8"}),
]
PROFILES = [
    profile("cpu", tasks=["teach"]),
    gpu_profile("gpu", price_per_hour=2, tasks=["train"]),
    gpu_profile("cheap", price_per_hour=1),
    gpu_profile("free", price_per_hour=0.5),
]


def recommended(menu: Menu) -> dict[str, tuple[str, str]]:
    """The recommended image and profile with their reasons."""
    found: dict[str, tuple[str, str]] = {}
    for kind, options in (("image", menu.images), ("profile", menu.profiles)):
        for option in options:
            if option.recommended is not None:
                assert kind not in found, "two are recommended"
                found[kind] = (option.id, option.recommended)
    return found


def of(saved: Choice | None = None, **options: Any) -> dict[str, tuple[str, str]]:
    return recommended(build_menu(catalogue(IMAGES, PROFILES), ANA, saved=saved, **options))


WISHES: dict[str, tuple[Choice, tuple[str, str], tuple[str, str]]] = {
    "a task": (
        Choice(tasks=frozenset({"train"})),
        ("pytorch-2.9.1", "Suits: train."),
        ("gpu", "Suits: train."),
    ),
    "a framework": (
        Choice(frameworks={"pytorch": ">=2.8"}),
        ("pytorch-2.9.1", "Has PyTorch 2.9.1."),
        ("free", "Has a GPU, which The pytorch-2.9.1 can use."),
    ),
    "a framework, a tool and tasks": (
        Choice(
            tasks=frozenset({"train", "explore"}),
            tools=frozenset({"tensorboard"}),
            frameworks={"pytorch": "==2.9.*"},
        ),
        ("pytorch-2.9.1", "Has PyTorch 2.9.1 and TensorBoard and suits: explore and train."),
        ("free", "Has a GPU, which The pytorch-2.9.1 can use."),
    ),
    "no GPU": (
        Choice(tools=frozenset({"jupyterlab"}), tasks=frozenset({"teach"})),
        ("plain", "Has JupyterLab and suits: teach."),
        ("cpu", "Suits: teach."),
    ),
    "the only one, though deprecated": (
        Choice(frameworks={"pytorch": "==2.8.*"}),
        ("pytorch-2.8.0", "Has PyTorch 2.8.0."),
        ("free", "Has a GPU, which The pytorch-2.8.0 can use."),
    ),
}


@pytest.mark.parametrize(("wanted", "an_image", "a_profile"), WISHES.values(), ids=WISHES)
def test_for_a_wish(wanted: Choice, an_image: tuple[str, str], a_profile: tuple[str, str]) -> None:
    assert of(wanted) == {"image": an_image, "profile": a_profile}


def test_without_a_wish_it_is_the_default() -> None:
    told = "Your administrators suggest it to begin with."
    assert of() == {"image": ("plain", told), "profile": ("cpu", told)}


def test_an_image_with_a_problem_gives_way() -> None:
    found = of(Choice(tasks=frozenset({"train"})), problems={"pytorch-2.9.1": BAD})
    assert found["image"] == ("jax", "Suits: train.")


def test_what_is_free_decides_and_is_told() -> None:
    wanted = Choice(frameworks={"jax": ""})
    full, some = Free(0, 4, 0), Free(2, 4, 2, fits=2)
    found = of(wanted, capacity={"free": full, "cheap": some, "gpu": some})
    assert found["profile"] == ("cheap", "Has a GPU, which The jax can use. Free now.")
    found = of(wanted, capacity=dict.fromkeys(("free", "cheap", "gpu"), full))
    told = "Has a GPU, which The jax can use. Nothing of it is free now: you would wait."
    assert found["profile"] == ("free", told)


def test_what_a_quota_refuses_is_not_recommended_and_not_selected() -> None:
    refused = {"cpu": "2 of 2 workspaces are in use.", "gpu": "No."}
    menu = build_menu(catalogue(IMAGES, PROFILES), ANA, refused=refused)
    assert recommended(menu)["profile"][0] not in refused
    assert menu.selected_profile == "cheap"
    assert {p.id: p.refused for p in menu.profiles if p.refused} == refused
    hidden = catalogue(IMAGES, PROFILES, menu={"over_quota": "hide"})
    assert [p.id for p in build_menu(hidden, ANA, refused=refused).profiles] == ["cheap", "free"]


def test_when_all_is_refused_nothing_is_selected() -> None:
    menu = build_menu(catalogue(), ANA, refused={"cpu": "No."})
    assert (menu.selected_profile, "profile" in recommended(menu)) == (None, False)


def test_when_nothing_fits_no_image_is_recommended() -> None:
    menu = build_menu(
        catalogue(IMAGES, PROFILES),
        ANA,
        saved=Choice(tasks=frozenset({"teach"}), frameworks={"jax": ""}),
        origin="form",
    )
    assert menu.summary == "No image provides all of this. Untick something."
    assert "image" not in recommended(menu)
    assert all(option.lacks for option in menu.images)


def test_what_does_not_fit_comes_last_and_says_what_it_lacks() -> None:
    wanted = Choice(frameworks={"pytorch": ">=2.9"}, tasks=frozenset({"train"}))
    menu = build_menu(catalogue(IMAGES, PROFILES), ANA, saved=wanted, origin="form")
    lacks = [(option.id, option.lacks) for option in menu.images]
    assert lacks == [
        ("pytorch-2.9.1", None),
        ("plain", "Lacks the task train and pytorch>=2.9."),
        ("pytorch-2.8.0", "Lacks pytorch>=2.9."),
        ("jax", "Lacks pytorch>=2.9."),
    ]
    assert menu.summary == "1 of 4 images fit. Recommended: The pytorch-2.9.1 with The gpu."
    assert menu.selected_image == "pytorch-2.9.1"


@settings(deadline=None)
@given(CHOICES)
def test_whatever_is_recommended_fits_and_has_a_reason(wanted: Choice) -> None:
    menu = build_menu(example(), ANA, saved=wanted)
    found = recommended(menu)
    assert all(reason.endswith(".") for _name, reason in found.values())
    lacking = {option.id for option in menu.images if option.lacks is not None}
    assert "image" not in found or found["image"][0] not in lacking
