"""Fields that administrators fixed: whom they bind, what the menu and every way in make of them."""

from typing import Any

import pytest
from hypothesis import given, settings
from studiolo_spawner.catalogue import Catalogue, parse_catalogue
from studiolo_spawner.choice import Choice
from studiolo_spawner.errors import CatalogueError, InvalidChoice, NotAllowed
from studiolo_spawner.menu import build_menu
from studiolo_spawner.offer import Person, offer_to
from studiolo_spawner.resolve import resolve

from tests.spawner.catalogues import catalogue, image, profile
from tests.spawner.test_choice import CHOICES

VISITOR = Person("vic", frozenset({"visitors"}))
MEMBER = Person("ana", frozenset({"lab"}))
ADMIN = Person("carla", frozenset({"visitors"}), admin=True)


def locked(*locks: dict[str, Any], **fields: Any) -> Catalogue:
    images = [image("a"), image("b"), image("c", groups=["lab"])]
    profiles = [profile("cpu"), profile("large"), profile("secret", groups=["lab"])]
    return catalogue(images, profiles, menu={"locked": list(locks)}, **fields)


BOUND = locked({"image": "b", "profile": "large", "fallback": False, "groups": ["visitors"]})


def test_who_is_bound_has_one_of_each_and_the_default_is_that_one() -> None:
    request = resolve(BOUND, VISITOR, Choice())
    assert (request.requested.id, request.profile.id) == ("b", "large")
    assert not request.fallback.allowed
    assert [c.image.id for c in request.candidates] == ["b"]


@pytest.mark.parametrize("person", [MEMBER, ADMIN, Person("x")], ids=["member", "admin", "none"])
def test_others_are_not_bound(person: Person) -> None:
    request = resolve(BOUND, person, Choice("a", "cpu"))
    assert (request.requested.id, request.profile.id) == ("a", "cpu")


AGAINST: dict[str, tuple[Choice, str]] = {
    "another image": (Choice(image="a"), 'image: the image is fixed to "b"'),
    "an image that is not there": (Choice(image="nope"), 'the image is fixed to "b"'),
    "an image of their own": (Choice(custom_image="ghcr.io/x/y:1"), 'the image is fixed to "b"'),
    "another profile": (Choice(profile="cpu"), 'profile: the GPU profile is fixed to "large"'),
    "a fallback": (Choice(fallback=True), "another image may not start instead"),
}


@pytest.mark.parametrize(("choice", "told"), AGAINST.values(), ids=AGAINST)
def test_a_choice_against_a_lock_is_refused(choice: Choice, told: str) -> None:
    with pytest.raises(NotAllowed, match="decided so") as refused:
        resolve(BOUND, VISITOR, choice)
    assert told in refused.value.user_message


@settings(deadline=None)
@given(CHOICES)
def test_no_choice_gets_past_a_lock(choice: Choice) -> None:
    try:
        request = resolve(BOUND, VISITOR, choice)
    except (InvalidChoice, NotAllowed):
        return
    assert (request.requested.id, request.profile.id) == ("b", "large")
    assert not request.fallback.allowed


def test_a_lock_grants_nothing() -> None:
    bound = locked({"image": "c", "profile": "secret"})
    offer = offer_to(VISITOR, bound)
    assert (dict(offer.images), dict(offer.profiles)) == ({}, {})
    with pytest.raises(NotAllowed):
        resolve(bound, VISITOR, Choice())
    assert resolve(bound, MEMBER, Choice()).requested.id == "c"


def test_the_first_lock_of_a_field_counts_and_fields_are_apart() -> None:
    bound = locked({"profile": "large", "groups": ["visitors"]}, {"profile": "cpu", "image": "a"})
    request = resolve(bound, VISITOR, Choice())
    assert (request.profile.id, request.requested.id) == ("large", "a")
    assert resolve(bound, MEMBER, Choice()).profile.id == "cpu"


def test_a_fallback_that_is_fixed_on_cannot_be_refused() -> None:
    bound = locked({"fallback": True})
    assert resolve(bound, MEMBER, Choice()).fallback.allowed
    with pytest.raises(NotAllowed, match="may start instead"):
        resolve(bound, MEMBER, Choice(fallback=False))


def test_a_fixed_image_may_fall_back_to_what_administrators_named() -> None:
    images = [image("a", fallback=["b"]), image("b"), image("c")]
    bound = catalogue(images, menu={"locked": [{"image": "a"}]})
    request = resolve(bound, MEMBER, Choice())
    assert [c.image.id for c in request.candidates] == ["a", "b"]


def test_a_saved_choice_against_a_lock_never_breaks_the_menu() -> None:
    menu = build_menu(BOUND, VISITOR, saved=Choice("a", "cpu", fallback=True))
    assert (menu.selected_image, menu.selected_profile) == ("b", "large")
    assert len(menu.notices) == 2


WRONG: dict[str, tuple[str, str]] = {
    "nothing": ("{groups: [x]}", "it fixes nothing"),
    "unknown image": ("{image: nope}", 'menu.locked[0].image: no image is called "nope"'),
    "unknown profile": ("{profile: nope}", 'menu.locked[0].profile: no profile is called "nope"'),
    "hidden image": ("{image: old}", 'menu.locked[0].image: the image "old" is hidden'),
}


@pytest.mark.parametrize(("lock", "told"), WRONG.values(), ids=WRONG)
def test_a_lock_that_cannot_be_is_refused_with_its_place(lock: str, told: str) -> None:
    text = f"""
version: 1
images:
  - {{id: a, display_name: A, reference: "ghcr.io/x/a:1"}}
  - {{id: old, display_name: Old, reference: "ghcr.io/x/old:1", hidden: true}}
profiles: [{{id: cpu, display_name: CPU, cpu: 1, memory: 1Gi}}]
menu: {{locked: [{lock}]}}
"""
    with pytest.raises(CatalogueError) as refused:
        parse_catalogue(text)
    assert told in str(refused.value)
