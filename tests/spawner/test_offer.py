"""What is offered to whom: groups are compared exactly, and only here."""

import pytest
from studiolo_spawner.offer import Person, offer_to

from tests.spawner.catalogues import catalogue, image, profile

CATALOGUE = catalogue(
    [
        image("open"),
        image("team", groups=["team"]),
        image("two", groups=["a", "b"]),
        image("hidden", hidden=True),
    ],
    [profile("cpu"), profile("big", groups=["team"])],
    volumes=[
        {"name": "all", "claim": "all", "mount_path": "/all"},
        {"name": "team", "claim": "team", "mount_path": "/team", "groups": ["team"]},
    ],
)


@pytest.mark.parametrize(
    ("person", "images", "profiles", "volumes"),
    [
        (Person("ana"), ["open"], ["cpu"], ["all"]),
        (Person("ana", frozenset({"team"})), ["open", "team"], ["cpu", "big"], ["all", "team"]),
        (Person("ana", frozenset({"b", "c"})), ["open", "two"], ["cpu"], ["all"]),
        (Person("ana", frozenset("team")), ["open", "two"], ["cpu"], ["all"]),
        (Person("ana", frozenset({"Team", "team "})), ["open"], ["cpu"], ["all"]),
        (Person("ana", admin=True), ["open", "team", "two"], ["cpu", "big"], ["all", "team"]),
        (Person("team"), ["open"], ["cpu"], ["all"]),
    ],
    ids=["nobody", "member", "one of two", "letters of it", "other case", "admin", "same name"],
)
def test_groups(person: Person, images: list[str], profiles: list[str], volumes: list[str]) -> None:
    offer = offer_to(person, CATALOGUE)
    assert list(offer.images) == images
    assert set(offer.permitted) == {*images, "hidden"}
    assert list(offer.profiles) == profiles
    assert [v.name for v in offer.volumes] == volumes


def test_the_default_is_taken_where_it_is_offered() -> None:
    parsed = catalogue(
        [image("a"), image("b", groups=["g"])],
        [profile("c"), profile("d", groups=["g"])],
        defaults={"image": "b", "profile": "d"},
    )
    member = offer_to(Person("ana", frozenset({"g"})), parsed)
    assert (member.default_image, member.default_profile) == ("b", "d")
    other = offer_to(Person("ben"), parsed)
    assert (other.default_image, other.default_profile) == ("a", "c")


def test_nothing_offered() -> None:
    parsed = catalogue([image("a", groups=["g"])], [profile("c", groups=["g"])])
    offer = offer_to(Person("ana"), parsed)
    assert (offer.default_image, offer.default_profile) == (None, None)
    assert (offer.tasks, offer.tools, offer.frameworks) == ((), (), ())


def test_tasks_and_tools_come_from_what_is_shown() -> None:
    parsed = catalogue(
        [
            image("a", tasks=["train"], provides={"tools": ["vscode"], "frameworks": {"x": "1"}}),
            image("b", tasks=["secret"], provides={"tools": ["t"]}, groups=["g"]),
            image("c", tasks=["old"], hidden=True),
        ]
    )
    offer = offer_to(Person("ana"), parsed)
    assert (offer.tasks, offer.tools, offer.frameworks) == (("train",), ("vscode",), ("x",))


@pytest.mark.parametrize(
    ("person", "offered"),
    [
        pytest.param(Person("ana"), True, id="named"),
        pytest.param(Person("eve", frozenset({"team"})), True, id="of the group"),
        pytest.param(Person("root", admin=True), True, id="administrator"),
        pytest.param(Person("eve"), False, id="neither"),
        pytest.param(Person("Ana"), False, id="another case"),
        pytest.param(Person("eve", frozenset({"ana"})), False, id="a group of that name"),
    ],
)
def test_people_by_name(person: Person, offered: bool) -> None:
    whom = {"users": ["ana"], "groups": ["team"]}
    parsed = catalogue(
        [image("open"), image("some", **whom)],
        [profile("cpu"), profile("some", **whom)],
        volumes=[{"name": "some", "claim": "some", "mount_path": "/some", **whom}],
    )
    offer = offer_to(person, parsed)
    assert ("some" in offer.images) is offered
    assert ("some" in offer.profiles) is offered
    assert bool(offer.volumes) is offered


def test_by_name_alone_is_not_everyone() -> None:
    parsed = catalogue([image("a"), image("b", users=["ana"])])
    assert list(offer_to(Person("ana"), parsed).images) == ["a", "b"]
    assert list(offer_to(Person("ben"), parsed).images) == ["a"]
