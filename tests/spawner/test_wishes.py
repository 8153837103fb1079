"""The answers about frameworks: what is sent, and which versions meet it."""

import pytest
from studiolo_spawner.choice import Choice, choice_from_form
from studiolo_spawner.needs import declared_needs
from studiolo_spawner.offer import Offer, Person, offer_to
from studiolo_spawner.wishes import framework_wishes, ticks

from tests.spawner.catalogues import catalogue, example, image


def offer(*versions: str) -> Offer:
    images = [
        image(f"i{n}", provides={"frameworks": {"pytorch": version}})
        for n, version in enumerate(versions)
    ]
    return offer_to(Person("ana"), catalogue(images))


def answers(*versions: str, wanted: str | None = None) -> list[tuple[str, str, tuple[str, ...]]]:
    choice = Choice(frameworks={} if wanted is None else {"pytorch": wanted})
    (wish,) = framework_wishes(offer(*versions), choice)
    return [(option.value, option.label, option.versions) for option in wish.options]


def test_lines_newest_first_each_alone_and_from_it_on() -> None:
    assert answers("2.8.0", "2.9.1", "2.9.0", "1.13.1") == [
        ("pytorch", "any version", ("2.9.1", "2.9.0", "2.8.0", "1.13.1")),
        ("pytorch==2.9.*", "2.9", ("2.9.1", "2.9.0")),
        ("pytorch==2.8.*", "2.8", ("2.8.0",)),
        ("pytorch>=2.8", "2.8 or newer", ("2.9.1", "2.9.0", "2.8.0")),
        ("pytorch==1.13.*", "1.13", ("1.13.1",)),
        ("pytorch>=1.13", "1.13 or newer", ("2.9.1", "2.9.0", "2.8.0", "1.13.1")),
    ]


def test_an_answer_in_other_words_is_added_and_selected() -> None:
    assert answers("2.9.1", "2.8.0", wanted="<2.9,>=2")[-1] == (
        "pytorch<2.9,>=2",
        "<2.9,>=2",
        ("2.8.0",),
    )


@pytest.mark.parametrize("wanted", ["", "==2.9.*", ">=2.8", "<3"])
def test_one_answer_is_selected(wanted: str) -> None:
    choice = Choice(frameworks={"pytorch": wanted})
    (wish,) = framework_wishes(offer("2.9.1", "2.8.0"), choice)
    (selected,) = (option for option in wish.options if option.selected)
    assert choice_from_form({"framework": [selected.value]}).frameworks == {"pytorch": wanted}


def test_without_a_wish_none_is_selected() -> None:
    (wish,) = framework_wishes(offer("2.9.1"), Choice())
    assert not any(option.selected for option in wish.options)


def test_every_answer_means_what_it_says() -> None:
    """The versions that the script goes by are those that the resolver accepts."""
    mine = offer_to(Person("ana"), example())
    for wish in framework_wishes(mine, Choice()):
        for option in wish.options:
            needs = declared_needs(choice_from_form({"framework": [option.value]}))
            for each in mine.images.values():
                version = each.provides.frameworks.get(wish.id)
                assert needs.met_by(each) == (version in option.versions)


def test_odd_versions() -> None:
    assert answers("1!2.0", "2.9.0rc1")[1:3] == [
        ("pytorch==1!2.0.*", "1!2.0", ("1!2.0",)),
        ("pytorch==2.9.*", "2.9", ("2.9.0rc1",)),
    ]


def test_ticks_have_their_own_names() -> None:
    names = {"train": "Train a model"}
    found = ticks(["explore", "train", "vscode"], {"train"}, names)
    assert [(tick.name, tick.ticked) for tick in found] == [
        ("explore", False),
        ("Train a model", True),
        ("VS Code", False),
    ]
