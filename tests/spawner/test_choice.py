"""Choices: from the form, from JSON, and back; whatever else comes in is one InvalidChoice."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.choice import MAX_NAMES, Choice, choice_from_form, choice_from_options
from studiolo_spawner.errors import InvalidChoice

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,10}[a-z0-9])?", fullmatch=True)
SPECIFIERS = st.sampled_from(["", ">=2.8", "==2.9.*", "<3,>=2", "~=2.1"])
CHOICES = st.builds(
    Choice,
    image=st.none() | NAMES,
    profile=st.none() | NAMES,
    tasks=st.frozensets(NAMES, max_size=4),
    tools=st.frozensets(NAMES, max_size=4),
    frameworks=st.dictionaries(NAMES, SPECIFIERS, max_size=3),
    fallback=st.none() | st.booleans(),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["pytorch", "any", ">=2", "x" * 5000, "a\r\nb", "\x00", "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
OPTIONS = st.dictionaries(
    st.sampled_from(["image", "profile", "tasks", "tools", "frameworks", "fallback"]) | st.text(),
    JSON,
)


@given(CHOICES)
def test_options_round_trip(choice: Choice) -> None:
    assert choice_from_options(choice.to_options()) == choice


@given(OPTIONS)
def test_any_options_are_a_choice_or_one_error(options: dict[str, Any]) -> None:
    try:
        choice = choice_from_options(options)
    except InvalidChoice as error:
        assert error.problems  # noqa: PT017
        assert error.user_message.isprintable()  # noqa: PT017
    else:
        assert choice_from_options(choice.to_options()) == choice


@pytest.mark.parametrize("value", [None, [], "x", 3, True, [["image", "x"]]], ids=repr)
def test_options_that_are_no_mapping(value: Any) -> None:
    with pytest.raises(InvalidChoice, match="must be a mapping"):
        choice_from_options(value)


FORMS = st.dictionaries(
    st.sampled_from(["image", "profile", "task", "tool", "framework", "fallback", "_xsrf"])
    | st.text(),
    st.lists(st.text() | NAMES, max_size=4) | JSON,
)


@given(FORMS)
def test_any_form_is_a_choice_or_one_error(form: dict[str, Any]) -> None:
    try:
        choice = choice_from_form(form)
    except InvalidChoice as error:
        assert error.problems  # noqa: PT017
    else:
        assert choice_from_options(choice.to_options()) == choice


def test_a_whole_form() -> None:
    choice = choice_from_form(
        {
            "_xsrf": ["2|abc"],
            "image": ["pytorch-2.9"],
            "profile": ["gpu"],
            "task": ["train", "explore"],
            "tool": ["tensorboard"],
            "framework": [" pytorch >= 2.8 ", "keras", "", "  "],
            "fallback": ["only"],
        }
    )
    assert choice == Choice(
        image="pytorch-2.9",
        profile="gpu",
        tasks=frozenset({"train", "explore"}),
        tools=frozenset({"tensorboard"}),
        frameworks={"pytorch": ">=2.8", "keras": ""},
        fallback=False,
    )


def test_an_empty_form_leaves_everything_to_the_catalogue() -> None:
    assert choice_from_form({}) == choice_from_options({}) == Choice()


def test_any_is_the_other_fallback() -> None:
    assert choice_from_form({"fallback": ["any"]}).fallback is True


def test_a_framework_named_twice_must_satisfy_both() -> None:
    choice = choice_from_form({"framework": ["pytorch>=2.8", "pytorch<3"]})
    assert choice.frameworks == {"pytorch": "<3,>=2.8"}


WRONG_FORMS: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown field": ({"imgae": ["x"]}, "", 'did you mean "image"'),
    "two images": ({"image": ["a", "b"]}, "image", "more than once"),
    "empty image": ({"image": [""]}, "image", "not a name"),
    "control characters": ({"image": ["a\r\nb"]}, "image", 'a\\r\\nb" is not a name'),
    "path": ({"image": ["../../etc"]}, "image", "not a name"),
    "template": ({"profile": ["{{7*7}}"]}, "profile", "not a name"),
    "overlong": ({"profile": ["x" * 64]}, "profile", "not a name"),
    "very long": ({"profile": ["x" * 10**6]}, "profile", "not a name"),
    "text for a list": ({"task": "train"}, "task", "must be a list, not text"),
    "octets": ({"image": [b"x"]}, "image", "must hold texts"),
    "many": ({"task": ["a"] * (MAX_NAMES + 1)}, "task", "more than"),
    "fallback": ({"fallback": ["true"]}, "fallback", "neither any nor only"),
    "bad range": ({"framework": ["pytorch>=two"]}, "framework", "not a range"),
    "bad framework": ({"framework": [">=2"]}, "framework", "not a name"),
    "long range": ({"framework": ["a" + ">=1," * 40]}, "framework", "not a range"),
    "too many ranges": (
        {"framework": [f"a!={n}.{n}.{n}.{n}" for n in range(10, 40)]},
        "framework",
        "too many ranges",
    ),
}


@pytest.mark.parametrize(("form", "path", "part"), WRONG_FORMS.values(), ids=WRONG_FORMS.keys())
def test_wrong_forms(form: dict[str, Any], path: str, part: str) -> None:
    with pytest.raises(InvalidChoice) as caught:
        choice_from_form(form)
    assert any(p.path == path and part in str(p) for p in caught.value.problems)
    assert len(caught.value.user_message) < 5000


WRONG_OPTIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown key": ({"profil": "gpu"}, "", 'did you mean "profile"'),
    "form's name": ({"task": ["x"]}, "", 'did you mean "tasks"'),
    "list": ({"image": ["x"]}, "image", "must be text, not a list"),
    "mapping": ({"image": {"x": 1}}, "image", "must be text, not a mapping"),
    "number": ({"profile": 7}, "profile", "must be text, not a number"),
    "true": ({"profile": True}, "profile", "must be text, not true or false"),
    "text for list": ({"tasks": "train"}, "tasks", "must be a list"),
    "mapping for list": ({"tools": {"a": 1}}, "tools", "must be a list"),
    "nested": ({"tools": [["a"]]}, "tools", "must hold texts, not a list"),
    "list for mapping": ({"frameworks": ["pytorch"]}, "frameworks", "must be a mapping"),
    "number as version": ({"frameworks": {"pytorch": 2}}, "frameworks", "must be text"),
    "joined to a name": ({"frameworks": {"py": "torch"}}, "frameworks", "not a range"),
    "text for true": ({"fallback": "only"}, "fallback", "true or false, not text"),
    "number for true": ({"fallback": 0}, "fallback", "true or false, not a number"),
}


@pytest.mark.parametrize(
    ("options", "path", "part"), WRONG_OPTIONS.values(), ids=WRONG_OPTIONS.keys()
)
def test_wrong_options(options: dict[str, Any], path: str, part: str) -> None:
    with pytest.raises(InvalidChoice) as caught:
        choice_from_options(options)
    assert any(p.path == path and part in str(p) for p in caught.value.problems)


def test_every_problem_is_told() -> None:
    with pytest.raises(InvalidChoice) as caught:
        choice_from_options({"image": 1, "profile": [], "tasks": 2, "fallback": "x", "q": 1})
    assert {p.path for p in caught.value.problems} == {"", "image", "profile", "tasks", "fallback"}
