"""The menu's words and what is selected."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from studiolo_spawner.choice import Choice
from studiolo_spawner.image_health import ImageProblem
from studiolo_spawner.menu import Free, Menu, ProfileOption, build_menu
from studiolo_spawner.offer import Person

from tests.spawner.catalogues import catalogue, example, gpu_profile, image, profile
from tests.spawner.test_choice import CHOICES

ANA = Person("ana")


def only_profile(capacity: Free | None = None, **fields: Any) -> ProfileOption:
    make = gpu_profile if fields.pop("on_gpu", False) else profile
    menu = build_menu(
        catalogue(profiles=[make("p", **fields)]),
        ANA,
        capacity={"p": capacity} if capacity else None,
    )
    return menu.profiles[0]


def test_what_is_shown() -> None:
    menu = build_menu(example(), ANA)
    assert [i.id for i in menu.images] == [
        "pytorch-2.9",
        "pytorch-2.8",
        "tensorflow-2.20",
        "python-3.13",
    ]
    assert [p.id for p in menu.profiles] == ["cpu", "gpu", "mig-1g.10gb", "gpu-shared"]
    assert (menu.selected_image, menu.selected_profile) == ("pytorch-2.9", "cpu")
    assert [i.id for i in menu.images if i.selected] == ["pytorch-2.9"]
    assert [p.id for p in menu.profiles if p.selected] == ["cpu"]
    assert "train" in [tick.id for tick in menu.tasks]
    assert ("vscode", "VS Code") in [(tick.id, tick.name) for tick in menu.tools]
    names = [framework.name for framework in menu.frameworks]
    assert names == ["Keras", "PyTorch", "TensorFlow", "torchvision"]
    assert menu.notices == ()
    assert menu.fallback_offered


def test_groups_add_to_it() -> None:
    menu = build_menu(example(), Person("ana", frozenset({"amd-pilot"})))
    assert "amd" in [p.id for p in menu.profiles]
    assert "pytorch-rocm-2.9" in [i.id for i in menu.images]


def test_a_saved_choice_is_selected() -> None:
    saved = Choice("python-3.13", "gpu", frozenset({"explore"}), frozenset({"vscode"}), {}, False)
    menu = build_menu(example(), ANA, saved=saved)
    assert (menu.selected_image, menu.selected_profile) == ("python-3.13", "gpu")
    assert menu.selected == saved
    assert menu.notices == ()


def test_a_saved_choice_that_is_gone_gives_the_default_and_a_notice() -> None:
    menu = build_menu(example(), ANA, saved=Choice("gone", "amd"))
    assert (menu.selected_image, menu.selected_profile) == ("pytorch-2.9", "cpu")
    assert len(menu.notices) == 2


def test_a_saved_image_that_has_moved_selects_where_it_went() -> None:
    assert build_menu(example(), ANA, saved=Choice("pytorch-2.6")).selected_image == "pytorch-2.8"


def test_nothing_offered_is_told() -> None:
    parsed = catalogue([image("a", groups=["g"])], [profile("c", groups=["g"])])
    menu = build_menu(parsed, ANA)
    assert (menu.images, menu.profiles) == ((), ())
    assert menu.notices == (
        "No image is offered to you. Ask your administrators for access.",
        "No GPU profile is offered to you. Ask your administrators for access.",
    )


@settings(deadline=None)
@given(CHOICES, st.booleans())
def test_any_saved_choice_gives_a_menu_with_one_of_each_selected(
    saved: Choice, admin: bool
) -> None:
    menu = build_menu(example(), Person("ana", admin=admin), saved=saved)
    assert [i.id for i in menu.images if i.selected] == [menu.selected_image]
    assert [p.id for p in menu.profiles if p.selected] == [menu.selected_profile]


def test_an_image_in_words() -> None:
    option = build_menu(example(), ANA).images[0]
    assert option.words.provides == (
        "PyTorch 2.9.1", "torchvision 0.24.1", "CUDA 12.8", "Python 3.12",
        "JupyterLab", "TensorBoard", "VS Code",
    )  # fmt: skip
    assert option.words.tasks == ("explore", "fine-tune", "train")
    assert option.words.moved is None


def test_a_redirect_in_words() -> None:
    images = [
        image("a", redirect={"to": "b", "message": "It is newer."}),
        image("b", redirect={"to": "c"}),
        image("c"),
    ]
    option = build_menu(catalogue(images), ANA).images[0]
    assert option.words.moved == "Starts The c instead. It is newer."


L4 = {"model": "NVIDIA L4", "memory_gib": 24}
GPUS: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, "No GPU"),
    "one": ({"on_gpu": True, "gpu": L4}, "NVIDIA L4, 24 GiB"),
    "unnamed": ({"on_gpu": True}, "1 × nvidia.com/gpu"),
    "several": (
        {"resource": "nvidia.com/gpu", "count": 4, "gpu": L4},
        "4 × NVIDIA L4, 24 GiB each, on one machine",
    ),
}


@pytest.mark.parametrize(("fields", "words"), GPUS.values(), ids=GPUS.keys())
def test_gpus_in_words(fields: dict[str, Any], words: str) -> None:
    assert only_profile(**fields).words.gpu == words


def test_shared_sliced_and_simulated_are_marked() -> None:
    plain = only_profile(on_gpu=True, gpu=L4).words
    assert (plain.kind, plain.simulated) == (None, False)
    marked = only_profile(on_gpu=True, gpu={**L4, "shared": True, "simulated": True}).words
    assert marked.kind is not None
    assert marked.kind.startswith("Shared in turns")
    assert marked.simulated
    mig = only_profile(resource="nvidia.com/mig-1g.10gb", count=1).words
    assert mig.kind is not None
    assert mig.kind.startswith("A slice of a GPU (MIG)")


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (None, None),
        (0, "Free of charge"),
        (1.2, "1.20 EUR per hour"),
        (0.004, "0.0040 EUR per hour"),
        (14, "14.00 EUR per hour"),
    ],
)
def test_prices_in_words(price: float | None, words: str | None) -> None:
    assert only_profile(price_per_hour=price).words.price == words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"idle": {"timeout": "1h"}}, "Stopped after 1 hour without activity"),
        ({"idle": {"timeout": "90m"}}, "Stopped after 1 hour 30 minutes without activity"),
        ({"idle": {"timeout": "never"}}, "Not stopped for inactivity"),
        (
            {"idle": {"timeout": "2h", "gpu_busy_percent": 7}, "on_gpu": True, "gpu": L4},
            "Stopped after 2 hours without activity; a GPU at 7 % or more is activity",
        ),
    ],
    ids=["hour", "minutes", "never", "gpu"],
)
def test_idleness_in_words(fields: dict[str, Any], words: str) -> None:
    assert only_profile(**fields).words.idle == words


def test_cpu_memory_and_lifetime_in_words() -> None:
    option = only_profile(cpu=1, memory="1.5Gi", max_lifetime=timedelta(days=2))
    assert (option.words.cpu, option.words.memory) == ("1 CPU core", "1.5 GiB memory")
    assert option.words.lifetime == "Stopped 2 days after the start, used or not"
    assert only_profile(cpu=0.5).words.cpu == "0.5 CPU cores"
    assert only_profile().words.lifetime is None


@pytest.mark.parametrize(
    ("count", "free", "words"),
    [
        (1, Free(3, 8, 2, fits=3), "3 free of 8"),
        (1, Free(0, 8, 0, waiting=4), "0 free of 8; 4 waiting"),
        (2, Free(3, 8, 2, fits=1), "3 free of 8; at most 2 on one machine"),
    ],
    ids=["some", "none", "block"],
)
def test_capacity_in_words(count: int, free: Free, words: str) -> None:
    assert only_profile(free, resource="nvidia.com/gpu", count=count).free == words


def test_without_capacity_nothing_is_claimed() -> None:
    assert only_profile().free == ""


def test_where_fallback_is_off_it_is_not_asked() -> None:
    menu: Menu = build_menu(catalogue(defaults={"fallback": {"allowed": False}}), ANA)
    assert not menu.fallback_offered


# -- images with a problem


BAD = ImageProblem("Its last check failed 3 minutes ago. The image is gone.", avoid=True)
DOUBTFUL = ImageProblem("Its last start failed just now. It crashed.", avoid=False)


def test_a_problem_is_told_and_the_image_stays_on_the_menu() -> None:
    menu = build_menu(example(), ANA, problems={"python-3.13": BAD})
    told = {i.id: i.problem for i in menu.images if i.problem is not None}
    assert told == {"python-3.13": BAD.text}
    assert (menu.selected_image, menu.notices) == ("pytorch-2.9", ())


def test_the_default_gives_way_to_its_fallback_with_a_notice() -> None:
    menu = build_menu(example(), ANA, problems={"pytorch-2.9": BAD})
    assert menu.selected_image == "pytorch-2.8"
    (notice,) = menu.notices
    assert notice == (
        "PyTorch 2.9 has a problem at the moment, so PyTorch 2.8 is selected. "
        "You can still choose PyTorch 2.9."
    )


STAYS: dict[str, tuple[Choice | None, dict[str, ImageProblem]]] = {
    "in doubt only": (None, {"pytorch-2.9": DOUBTFUL}),
    "chosen before": (Choice("pytorch-2.9"), {"pytorch-2.9": BAD}),
    "nothing better": (None, {i.id: BAD for i in example().images}),
}


@pytest.mark.parametrize(("saved", "problems"), STAYS.values(), ids=STAYS)
def test_the_selection_stays(saved: Choice | None, problems: dict[str, ImageProblem]) -> None:
    menu = build_menu(example(), ANA, saved=saved, problems=problems)
    assert (menu.selected_image, menu.notices) == ("pytorch-2.9", ())


def test_where_nothing_may_stand_in_the_default_stays() -> None:
    parsed = catalogue([image("a", fallback_allowed=False), image("b")])
    assert build_menu(parsed, ANA, problems={"a": BAD}).selected_image == "a"


def test_a_moved_entry_has_the_problem_of_where_it_leads() -> None:
    images = [image("a", redirect={"to": "b"}), image("b"), image("c")]
    menu = build_menu(catalogue(images), ANA, problems={"b": BAD})
    assert [i.problem for i in menu.images] == [BAD.text, BAD.text, None]
    assert menu.selected_image == "c"


# -- what is not permitted, and where the choice comes from

RESERVED = [image("a"), image("b", groups=["lab", "ops"], description="For experiments.")]
RESERVED_PROFILES = [profile("cpu"), gpu_profile("gpu", groups=["lab"])]


def test_what_is_for_others_is_hidden_unless_administrators_show_it() -> None:
    menu = build_menu(catalogue(RESERVED, RESERVED_PROFILES), ANA)
    assert (menu.images_not_permitted, menu.profiles_not_permitted) == ((), ())
    shown = catalogue(RESERVED, RESERVED_PROFILES, menu={"not_permitted": "show"})
    menu = build_menu(shown, ANA)
    (entry,) = menu.images_not_permitted
    assert (entry.display_name, entry.about) == ("The b", "For experiments.")
    assert entry.reason == "For members of lab or ops."
    assert [each.display_name for each in menu.profiles_not_permitted] == ["The gpu"]
    assert [option.id for option in menu.images] == ["a"]


def test_hidden_and_fixed_entries_are_not_shown_to_others_either() -> None:
    images = [*RESERVED, image("old", groups=["lab"], hidden=True)]
    settings = {"not_permitted": "show", "locked": [{"image": "a"}]}
    menu = build_menu(catalogue(images, RESERVED_PROFILES, menu=settings), ANA)
    assert menu.images_not_permitted == ()
    unlocked = catalogue(images, RESERVED_PROFILES, menu={"not_permitted": "show"})
    menu = build_menu(unlocked, ANA)
    assert [each.display_name for each in menu.images_not_permitted] == ["The b"]


def test_the_last_choice_is_marked_and_one_of_a_link_is_told() -> None:
    saved = Choice("python-3.13", "gpu")
    last = build_menu(example(), ANA, saved=saved)
    assert [option.id for option in last.images if option.last] == ["python-3.13"]
    assert [option.id for option in last.profiles if option.last] == ["gpu"]
    link = build_menu(example(), ANA, saved=saved, origin="link")
    assert (link.selected_image, link.selected_profile) == ("python-3.13", "gpu")
    assert not any(option.last for option in link.images)
    assert not any(option.last for option in link.profiles)
    assert "Nothing was started" in link.notices[0]


def test_the_form_takes_another_image_where_the_chosen_one_does_not_fit() -> None:
    wanted = Choice("python-3.13", tasks=frozenset({"train"}))
    assert build_menu(example(), ANA, saved=wanted, origin="form").selected_image == "pytorch-2.9"
    assert build_menu(example(), ANA, saved=wanted).selected_image == "python-3.13"


def test_names_are_the_catalogues_own() -> None:
    names = {"train": "Train a model", "tensorboard": "Curves"}
    images = [image("a", tasks=["train"], provides={"tools": ["tensorboard"]})]
    menu = build_menu(catalogue(images, menu={"names": names}), ANA)
    assert [tick.name for tick in (*menu.tasks, *menu.tools)] == ["Train a model", "Curves"]
    assert menu.images[0].words.task_names == "Train a model"
    assert menu.images[0].words.provides == ("Curves",)
