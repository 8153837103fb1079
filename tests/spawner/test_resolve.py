"""The resolver: only what is offered, candidates in the documented order, no other error."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from studiolo_spawner.catalogue import Catalogue, Image
from studiolo_spawner.choice import Choice, choice_from_options
from studiolo_spawner.errors import InvalidChoice, NotAllowed, StudioloError
from studiolo_spawner.needs import declared_needs
from studiolo_spawner.offer import Person, offer_to
from studiolo_spawner.resolve import WorkspaceRequest, resolve, still_valid

from tests.spawner.catalogues import (
    catalogue,
    example,
    gpu_profile,
    image,
    profile,
    pytorch,
)
from tests.spawner.test_choice import OPTIONS

ANA = Person("ana")
MEMBER = Person("ana", frozenset({"team"}))


def ids(request: WorkspaceRequest) -> list[str]:
    return [candidate.image.id for candidate in request.candidates]


# -- the plain way


def test_defaults() -> None:
    parsed = catalogue(
        [image("a"), image("b")],
        [profile("c"), profile("d")],
        defaults={"image": "b", "profile": "d", "home": {"size": "5Gi"}},
        volumes=[{"name": "v", "claim": "v", "mount_path": "/v"}],
    )
    request = resolve(parsed, ANA, Choice())
    assert request.requested.id == "b"
    assert request.profile.id == "d"
    assert request.home.size == "5Gi"
    assert [v.name for v in request.volumes] == ["v"]
    assert request.person is ANA
    assert request.notices == ()


def test_a_named_image_and_profile() -> None:
    parsed = catalogue([image("a"), image("b")], [profile("c"), profile("d")])
    request = resolve(parsed, ANA, Choice("b", "d"))
    assert (request.requested.id, request.profile.id) == ("b", "d")
    assert request.candidates[0].why == "this is what you asked for"


def test_without_an_image_the_needs_choose_one() -> None:
    parsed = catalogue([image("a"), pytorch("2.9")], defaults={"image": "a"})
    assert resolve(parsed, ANA, Choice()).requested.id == "a"
    request = resolve(parsed, ANA, Choice(tools=frozenset({"tensorboard"})))
    assert request.requested.id == "pytorch-2.9"


# -- refusals


REFUSED: dict[str, tuple[Choice, type[StudioloError], str, str]] = {
    "misspelt image": (Choice("opn"), InvalidChoice, "image", 'did you mean "open"'),
    "unknown image": (Choice("zzzz"), InvalidChoice, "image", "you may choose: open"),
    "hidden image": (Choice("hidden"), InvalidChoice, "image", "there is no image"),
    "other's image": (Choice("team"), NotAllowed, "image", "is not offered to you"),
    "unknown profile": (Choice(profile="zzz"), InvalidChoice, "profile", "you may choose: cpu"),
    "other's profile": (Choice(profile="big"), NotAllowed, "profile", "is not offered to you"),
    "unknown task": (Choice(tasks=frozenset({"x"})), InvalidChoice, "tasks", "there are: explore"),
    "unknown tool": (Choice(tools=frozenset({"x"})), InvalidChoice, "tools", "there are: none"),
    "unknown framework": (Choice(frameworks={"x": ""}), InvalidChoice, "frameworks", "no image"),
    "moved to another's": (Choice("moved"), NotAllowed, "image", "has moved to The team"),
    "lacks the task": (
        Choice("moved-here", tasks=frozenset({"explore"})),
        InvalidChoice,
        "image",
        "does not provide the task explore (these do: open)",
    ),
}


@pytest.mark.parametrize(("choice", "kind", "path", "part"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(choice: Choice, kind: type[StudioloError], path: str, part: str) -> None:
    parsed = catalogue(
        [
            image("open", tasks=["explore"]),
            image("team", groups=["team"], tasks=["secret-task"]),
            image("hidden", hidden=True),
            image("moved", redirect={"to": "team"}),
            image("moved-here"),
        ],
        [profile("cpu"), profile("big", groups=["team"])],
    )
    with pytest.raises(kind) as caught:
        resolve(parsed, ANA, choice)
    error = caught.value
    assert isinstance(error, InvalidChoice | NotAllowed)
    assert error.status in {400, 403}
    assert any(p.path == path and part in str(p) for p in error.problems), error
    assert "team" not in error.user_message.replace('"team"', "").replace("The team", "")


def test_every_problem_is_told() -> None:
    parsed = catalogue([image("a"), image("b", groups=["team"])])
    with pytest.raises(InvalidChoice) as caught:
        resolve(parsed, ANA, Choice("b", "zz", frozenset({"t"}), frozenset({"u"}), {"v": ""}))
    paths = [p.path for p in caught.value.problems]
    assert sorted(paths) == ["frameworks", "image", "profile", "tasks", "tools"]


def test_nothing_is_offered() -> None:
    parsed = catalogue([image("a", groups=["team"])], [profile("c", groups=["team"])])
    with pytest.raises(NotAllowed) as caught:
        resolve(parsed, ANA, Choice())
    assert "no image is offered to you" in caught.value.user_message
    assert "no GPU profile is offered to you" in caught.value.user_message


# -- redirects


def test_redirects_are_followed_with_their_message() -> None:
    parsed = catalogue(
        [
            image("old", hidden=True, redirect={"to": "middle", "message": "Out of date."}),
            image("middle", redirect={"to": "new"}),
            image("new"),
        ]
    )
    request = resolve(parsed, ANA, Choice("old"))
    assert request.requested.id == "new"
    assert request.notices == ("The old has moved to The new. Out of date.",)
    assert ids(request) == ["new"]


# -- fallback


FAMILY = [
    pytorch("2.9"),
    pytorch("2.6"),
    pytorch("2.8"),
    pytorch("1.13"),
    image("other", provides={"frameworks": {"tensorflow": "2.20"}, "tools": ["jupyterlab"]}),
]


def with_attempts(images: list[dict[str, Any]], attempts: int = 10, **fields: Any) -> Catalogue:
    return catalogue(
        images, [gpu_profile()], defaults={"fallback": {"max_attempts": attempts}}, **fields
    )


def test_the_nearest_of_the_same_framework() -> None:
    request = resolve(with_attempts(FAMILY), ANA, Choice("pytorch-2.9"))
    assert ids(request) == ["pytorch-2.9", "pytorch-2.8", "pytorch-2.6"]
    assert request.candidates[1].why == (
        "it provides what you need, with pytorch 2.8 instead of 2.9"
    )


def test_declared_needs_alone_decide() -> None:
    choice = Choice("pytorch-2.9", tools=frozenset({"jupyterlab"}))
    parsed = catalogue(FAMILY, defaults={"fallback": {"max_attempts": 10}})
    found = ids(resolve(parsed, ANA, choice))
    assert found == ["pytorch-2.9", "pytorch-2.8", "pytorch-2.6", "pytorch-1.13", "other"]


def test_ranges_decide() -> None:
    choice = Choice("pytorch-2.9", frameworks={"pytorch": ">=2.7"})
    assert ids(resolve(with_attempts(FAMILY), ANA, choice)) == ["pytorch-2.9", "pytorch-2.8"]


def test_the_entry_s_own_list_comes_first() -> None:
    first, *rest = FAMILY
    first = {**first, "fallback": ["other", "pytorch-2.6"]}
    request = resolve(with_attempts([first, *rest]), ANA, Choice("pytorch-2.9"))
    assert ids(request) == ["pytorch-2.9", "other", "pytorch-2.6", "pytorch-2.8"]
    assert "your administrators named it" in request.candidates[1].why


def test_the_entry_s_own_list_must_have_what_was_declared() -> None:
    first, *rest = FAMILY
    first = {**first, "fallback": ["other", "pytorch-2.6"]}
    choice = Choice("pytorch-2.9", tools=frozenset({"tensorboard"}))
    request = resolve(with_attempts([first, *rest], 2), ANA, choice)
    assert ids(request) == ["pytorch-2.9", "pytorch-2.6"]


def test_the_entry_s_own_list_may_name_what_is_hidden_and_follows_redirects() -> None:
    parsed = with_attempts(
        [
            image("a", fallback=["hidden", "moved"]),
            image("hidden", hidden=True),
            image("moved", redirect={"to": "new"}, hidden=True),
            image("new", hidden=True),
        ]
    )
    assert ids(resolve(parsed, ANA, Choice("a"))) == ["a", "hidden", "new"]


def test_nothing_that_is_not_for_this_person() -> None:
    parsed = with_attempts(
        [
            image("a", fallback=["b", "to-b"]),
            image("b", groups=["team"]),
            image("to-b", redirect={"to": "b"}, hidden=True),
            image("c", hidden=True),
        ]
    )
    assert ids(resolve(parsed, ANA, Choice("a"))) == ["a"]
    assert ids(resolve(parsed, MEMBER, Choice("a"))) == ["a", "b"]


def test_on_a_gpu_only_images_with_cuda() -> None:
    images = [pytorch("2.9"), pytorch("2.8"), image("cpu-only", tasks=["train"])]
    choice = Choice("pytorch-2.9", tasks=frozenset({"train"}))
    on_gpu = catalogue(images, [gpu_profile()])
    on_cpu = catalogue(images, [profile()])
    assert ids(resolve(on_gpu, ANA, choice)) == ["pytorch-2.9", "pytorch-2.8"]
    assert ids(resolve(on_cpu, ANA, choice)) == ["pytorch-2.9", "pytorch-2.8", "cpu-only"]


def test_the_number_of_attempts_is_bounded() -> None:
    assert len(resolve(with_attempts(FAMILY, 2), ANA, Choice("pytorch-2.9")).candidates) == 2
    assert ids(resolve(with_attempts(FAMILY, 1), ANA, Choice("pytorch-2.9"))) == ["pytorch-2.9"]


@pytest.mark.parametrize(
    ("entry", "hardware", "policy", "wish", "allowed"),
    [
        ({}, {}, {}, None, True),
        ({}, {}, {}, True, True),
        ({}, {}, {}, False, False),
        ({"fallback_allowed": False}, {}, {}, True, False),
        ({}, {"fallback_allowed": False}, {}, True, False),
        ({}, {}, {"allowed": False}, True, False),
    ],
    ids=["nothing said", "user: any", "user: only", "entry", "profile", "catalogue"],
)
def test_who_may_forbid_it(
    entry: dict[str, Any],
    hardware: dict[str, Any],
    policy: dict[str, Any],
    wish: bool | None,
    allowed: bool,
) -> None:
    parsed = catalogue(
        [pytorch("2.9", **entry), pytorch("2.8")],
        [profile(**hardware)],
        defaults={"fallback": policy},
    )
    request = resolve(parsed, ANA, Choice("pytorch-2.9", fallback=wish))
    assert request.fallback.allowed is allowed
    assert len(request.candidates) == (2 if allowed else 1)


# -- the last digest that ran well


OLD = "sha256:" + "1" * 64


def tried(request: WorkspaceRequest) -> list[tuple[str, str | None]]:
    return [(candidate.image.id, candidate.digest) for candidate in request.candidates]


def test_the_last_digest_that_ran_comes_before_every_other_image() -> None:
    first, *rest = FAMILY
    parsed = with_attempts([{**first, "fallback": ["other"]}, *rest], 3)
    request = resolve(parsed, ANA, Choice("pytorch-2.9"), last_good={"pytorch-2.9": OLD})
    # It comes on top of the three: where the tag names it still, it is passed over.
    assert tried(request) == [
        ("pytorch-2.9", None),
        ("pytorch-2.9", OLD),
        ("other", None),
        ("pytorch-2.8", None),
    ]
    again = request.candidates[1]
    assert again.reference == f"ghcr.io/your-lab/pytorch-2.9:1@{OLD}"
    assert again.display_name == "The pytorch-2.9, as it ran last"


def test_the_last_digests_of_other_images_are_not_tried() -> None:
    request = resolve(with_attempts(FAMILY), ANA, Choice("pytorch-2.9"), last_good={"other": OLD})
    assert all(digest is None for _, digest in tried(request))


NOT_AGAIN: dict[str, tuple[dict[str, Any], int, bool | None]] = {
    "pinned": ({"reference": f"ghcr.io/your-lab/a:1@{OLD}"}, 3, None),
    "forbidden": ({"fallback_allowed": False}, 3, None),
    "one attempt": ({}, 1, None),
    "this image or nothing": ({}, 3, False),
}


@pytest.mark.parametrize(("fields", "attempts", "wish"), NOT_AGAIN.values(), ids=NOT_AGAIN)
def test_where_the_last_digest_is_not_tried(
    fields: dict[str, Any], attempts: int, wish: bool | None
) -> None:
    parsed = with_attempts([image("a", **fields), image("b")], attempts)
    request = resolve(parsed, ANA, Choice("a", fallback=wish), last_good={"a": OLD})
    assert all(digest is None for _, digest in tried(request))


# -- the state


def test_the_state_round_trips_as_json() -> None:
    person = Person("ana", frozenset({"large-models"}))
    choice = Choice(
        "pytorch-2.6", "gpu", tools=frozenset({"vscode"}), frameworks={"pytorch": ">=2"}
    )
    request = resolve(example(), person, choice, last_good={"pytorch-2.8": OLD})
    assert request.notices
    assert request.candidates[1].digest == OLD
    state = json.loads(json.dumps(request.to_state()))
    assert WorkspaceRequest.from_state(state) == request


@pytest.mark.parametrize("state", [{}, {"person": 3}, {"requested": None}], ids=repr)
def test_another_state_is_refused(state: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        WorkspaceRequest.from_state(state)


# -- saved choices


def test_what_is_still_offered_stays() -> None:
    saved = Choice(
        "pytorch-2.9", "gpu", frozenset({"train"}), frozenset({"vscode"}), {"pytorch": ""}, False
    )
    assert still_valid(example(), ANA, saved) == (saved, ())


def test_what_is_gone_is_left_out_and_told() -> None:
    saved = Choice("gone", "none", frozenset({"t"}), frozenset({"vscode", "u"}), {"v": ""}, True)
    known, notices = still_valid(example(), ANA, saved)
    assert known == Choice(tools=frozenset({"vscode"}), fallback=True)
    assert resolve(example(), ANA, known).requested.id == "pytorch-2.9"
    assert len(notices) == 3
    assert 'The image "gone" is not offered to you now.' in notices
    assert "No image offers t, u or v any more." in notices


def test_a_saved_image_that_has_moved_is_led_on() -> None:
    assert still_valid(example(), ANA, Choice("pytorch-2.6")) == (Choice("pytorch-2.6"), ())


# -- properties


GROUPS = st.frozensets(st.sampled_from(["team", "amd-pilot", "large-models"]))
PERSONS = st.builds(Person, name=st.just("ana"), groups=GROUPS, admin=st.booleans())
IDS = ["a", "b", "c", "d", "e"]
IMAGES = st.fixed_dictionaries(
    {
        "tasks": st.lists(st.sampled_from(["train", "explore"]), unique=True),
        "provides": st.fixed_dictionaries(
            {
                "tools": st.lists(st.sampled_from(["jupyterlab", "vscode"]), unique=True),
                "frameworks": st.dictionaries(
                    st.sampled_from(["pytorch", "jax"]), st.sampled_from(["1.0", "2.8", "2.9"])
                ),
            },
            optional={"cuda": st.just("12.8")},
        ),
        "fallback": st.lists(st.sampled_from(IDS), unique=True, max_size=3),
        "hidden": st.booleans(),
        "groups": st.lists(st.sampled_from(["team", "amd-pilot"]), unique=True, max_size=1),
        "fallback_allowed": st.booleans(),
    },
    optional={"deprecated": st.just("old"), "redirect": st.sampled_from(IDS)},
)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    images = []
    for name in IDS:
        fields: dict[str, Any] = draw(IMAGES)
        # Only onwards in the alphabet: redirects that go round are refused by the parser.
        if fields.get("redirect", "") > name:
            fields["redirect"] = {"to": fields["redirect"]}
        else:
            fields.pop("redirect", None)
        images.append(image(name, **fields))
    profiles = [profile("cpu"), gpu_profile("gpu", groups=["team"])]
    fallback = {"max_attempts": draw(st.integers(1, 6)), "allowed": draw(st.booleans())}
    return catalogue(images, profiles, defaults={"fallback": fallback})


WISHES = st.builds(
    Choice,
    image=st.none() | st.sampled_from(IDS),
    profile=st.none() | st.sampled_from(["cpu", "gpu"]),
    tasks=st.frozensets(st.sampled_from(["train", "explore"])),
    tools=st.frozensets(st.sampled_from(["jupyterlab", "vscode"])),
    frameworks=st.dictionaries(
        st.sampled_from(["pytorch", "jax"]), st.sampled_from(["", ">=2", "<2"]), max_size=1
    ),
    fallback=st.none() | st.booleans(),
)


LAST_GOOD = st.dictionaries(st.sampled_from(IDS), st.just(OLD))


@given(catalogues(), PERSONS, WISHES, LAST_GOOD)
def test_the_last_good_digest_changes_nothing_but_the_second_place(
    parsed: Catalogue, person: Person, choice: Choice, last_good: dict[str, str]
) -> None:
    try:
        without = resolve(parsed, person, choice)
    except StudioloError:
        return
    request = resolve(parsed, person, choice, last_good=last_good)
    policy = request.fallback
    expected = tried(without)
    if request.requested.id in last_good and policy.allowed and policy.max_attempts > 1:
        expected.insert(1, (request.requested.id, OLD))
    assert tried(request) == expected


@given(catalogues(), PERSONS, WISHES)
def test_a_request_holds_only_what_is_offered(
    parsed: Catalogue, person: Person, choice: Choice
) -> None:
    try:
        request = resolve(parsed, person, choice)
    except StudioloError as error:
        assert error.status in {400, 403}  # noqa: PT017
        return
    offer = offer_to(person, parsed)
    found = ids(request)
    assert request.profile.id in offer.profiles
    assert set(found) <= set(offer.permitted)
    assert len(found) == len(set(found))
    assert found[0] == request.requested.id
    assert 1 <= len(found) <= request.fallback.max_attempts
    assert len(found) == 1 or request.fallback.allowed
    assert all(declared_needs(choice).met_by(c.image) for c in request.candidates)
    assert all(c.image.redirect is None for c in request.candidates)
    automatic = [
        c.image for c in request.candidates[1:] if c.image.id not in _named(parsed, request)
    ]
    assert all(not i.hidden and request.needs.met_by(i) for i in automatic)
    deprecated = [i.deprecated is not None for i in automatic]
    assert deprecated == sorted(deprecated)


@given(catalogues(), PERSONS, WISHES, LAST_GOOD)
def test_the_order_is_the_documented_one(
    parsed: Catalogue, person: Person, choice: Choice, last_good: dict[str, str]
) -> None:
    """docs/catalogue.md, “Fallback”, said once more in other words."""
    try:
        request = resolve(parsed, person, choice, last_good=last_good)
    except StudioloError:
        return
    asked, offer = request.requested, offer_to(person, parsed)
    if not request.fallback.allowed:
        assert tried(request) == [(asked.id, None)]
        return
    named = [_end(parsed, name) for name in asked.fallback]
    usable = [i for i in named if i.id in offer.permitted and declared_needs(choice).met_by(i)]
    menu = [i for i in offer.images.values() if not i.redirect and request.needs.met_by(i)]
    expected = [asked.id, *(i.id for i in usable)]
    expected += [i.id for i in sorted(menu, key=lambda i: _farness(i, asked))]
    expected = list(dict.fromkeys(expected))[: request.fallback.max_attempts]
    found = tried(request)
    if asked.id in last_good and request.fallback.max_attempts > 1:
        assert found.pop(1) == (asked.id, OLD)
    assert found == [(name, None) for name in expected]


def _end(parsed: Catalogue, name: str) -> Image:
    found = parsed.image(name)
    assert found is not None
    return _end(parsed, found.redirect.to) if found.redirect else found


def _farness(image: Image, asked: Image) -> tuple[bool, int, list[int], int]:
    """Deprecated last; then what lacks frameworks; then versions apart; then what is older."""
    mine, wanted = image.provides.frameworks, asked.provides.frameworks
    shared = [name for name in wanted if name in mine]
    pairs = [(_numbers(mine[name]), _numbers(wanted[name])) for name in shared]
    apart = [sum(abs(a[place] - b[place]) for a, b in pairs) for place in range(2)]
    older = sum(a < b for a, b in pairs)
    return image.deprecated is not None, len(wanted) - len(shared), apart, older


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _named(parsed: Catalogue, request: WorkspaceRequest) -> set[str]:
    """The entry's own list, after redirects."""
    named = set()
    for name in request.requested.fallback:
        target = parsed.image(name)
        while target is not None and target.redirect is not None:
            target = parsed.image(target.redirect.to)
        assert target is not None
        named.add(target.id)
    return named


@given(PERSONS, OPTIONS)
def test_any_options_give_a_request_or_a_told_refusal(
    person: Person, options: dict[str, Any]
) -> None:
    try:
        request = resolve(example(), person, choice_from_options(options))
    except StudioloError as error:
        assert error.status in {400, 403}  # noqa: PT017
        assert error.user_message  # noqa: PT017
    else:
        assert request.profile.id in offer_to(person, example()).profiles


@given(catalogues(), PERSONS, WISHES)
def test_a_saved_choice_never_breaks_the_menu(
    parsed: Catalogue, person: Person, saved: Choice
) -> None:
    known, _ = still_valid(parsed, person, saved)
    offer = offer_to(person, parsed)
    assume(offer.images)
    assert known.profile is None or known.profile in offer.profiles
    assert known.tasks <= saved.tasks
    assert still_valid(parsed, person, known) == (known, ())
