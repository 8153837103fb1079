"""Images that people name themselves: whatever is typed, an allowed image or a refusal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.catalogue import Catalogue, Image, Profile, parse_catalogue
from studiolo_spawner.choice import CUSTOM_IMAGE, Choice, choice_from_form, choice_from_options
from studiolo_spawner.custom_image_check import live_answer
from studiolo_spawner.custom_images import is_custom
from studiolo_spawner.errors import CatalogueError, InvalidChoice, NotAllowed, StudioloError
from studiolo_spawner.image_check import CheckedImage
from studiolo_spawner.image_pattern import allows
from studiolo_spawner.offer import Person
from studiolo_spawner.reference import parse_reference
from studiolo_spawner.registry_answer import Outcome, RegistryAnswer
from studiolo_spawner.resolve import WorkspaceRequest, resolve, still_valid
from studiolo_spawner.verdict import verdict_of_answer

from tests.spawner.catalogues import catalogue, gpu_profile, image, profile, pytorch

ANA = Person("ana", frozenset({"research"}))
BEN = Person("ben", frozenset({"students"}))
RULES: dict[str, Any] = {
    "patterns": ["registry.lab/team/*", "ghcr.io/lab/**"],
    "groups": ["research"],
    "profiles": ["gpu"],
}
TYPED = "registry.lab/team/train:7"
DIGEST = f"sha256:{'1' * 64}"
LABELS = {
    "dev.studiolo.provides.tools": "jupyterlab",
    "dev.studiolo.provides.frameworks": "pytorch=2.9.1",
    "dev.studiolo.provides.cuda": "12.8",
}


def offered(**rules: Any) -> Catalogue:
    return catalogue(
        [pytorch("2.9.1"), pytorch("2.8.0"), image("plain")],
        [gpu_profile(), profile()],
        custom_images={**RULES, **rules},
    )


def asked(typed: str = TYPED, **more: Any) -> Choice:
    return Choice(**{"profile": "gpu", "custom_image": typed, **more})


# --- what comes out -------------------------------------------------------------------------------


def test_it_is_an_image_like_any_other() -> None:
    request = resolve(offered(start_tries=2, pull_secret="team"), ANA, asked(), labels=LABELS)
    found = request.requested
    assert is_custom(found)
    assert (found.reference, found.display_name) == (TYPED, TYPED)
    assert (found.start_tries, found.pull_secret) == (2, "team")
    assert found.provides.frameworks == {"pytorch": "2.9.1"}
    assert request.candidates[0].image == found


def test_it_survives_a_restart_of_the_hub() -> None:
    request = resolve(offered(), ANA, asked(), labels=LABELS)
    state = json.loads(json.dumps(request.to_state()))
    assert WorkspaceRequest.from_state(state) == request


def test_a_long_reference_is_shown_by_its_end_and_kept_whole() -> None:
    typed = f"ghcr.io/lab/{'a' * 100}:7"
    found = resolve(offered(), ANA, asked(typed)).requested
    assert found.reference == typed
    assert len(found.display_name) == 80
    assert found.display_name.endswith("a:7")


def test_needs_are_what_the_labels_say() -> None:
    request = resolve(offered(), ANA, asked(), labels=LABELS)
    tried = [candidate.image.id for candidate in request.candidates]
    assert tried == [CUSTOM_IMAGE, "pytorch-2.9.1", "pytorch-2.8.0"]
    assert request.needs.cuda


def test_declared_needs_go_before_labels() -> None:
    choice = asked(frameworks={"pytorch": "<2.9"})
    request = resolve(offered(), ANA, choice, labels=LABELS)
    tried = [candidate.image.id for candidate in request.candidates]
    assert tried == [CUSTOM_IMAGE, "pytorch-2.8.0"]


def test_nothing_stands_in_for_an_image_that_nothing_is_known_of() -> None:
    assert len(resolve(offered(), ANA, asked()).candidates) == 1


def test_but_what_administrators_name_does() -> None:
    tried = resolve(offered(fallback=["plain"]), ANA, asked()).candidates
    assert [candidate.image.id for candidate in tried] == [CUSTOM_IMAGE, "plain"]


def test_fallback_can_be_forbidden() -> None:
    request = resolve(offered(fallback_allowed=False), ANA, asked(), labels=LABELS)
    assert not request.fallback.allowed
    assert len(request.candidates) == 1


# --- what is refused ------------------------------------------------------------------------------

REFUSED = {
    "another registry": (ANA, asked("evil.example/team/train:7"), InvalidChoice, "registry.lab/te"),
    "another repository": (ANA, asked("registry.lab/other/x:7"), InvalidChoice, "ghcr.io/lab/**"),
    "one step too many": (ANA, asked("registry.lab/team/a/b:7"), InvalidChoice, "allowed is"),
    "no tag": (ANA, asked("registry.lab/team/train"), InvalidChoice, "neither tag nor digest"),
    "not a reference": (ANA, asked("registry.lab/team/Train:7"), InvalidChoice, "lower case"),
    "empty": (ANA, asked(""), InvalidChoice, "empty"),
    "profile that it may not have": (ANA, asked(profile="cpu"), InvalidChoice, "choose: gpu"),
    "somebody else": (BEN, asked(), NotAllowed, "may not name"),
}


@pytest.mark.parametrize(("person", "choice", "error", "word"), REFUSED.values(), ids=REFUSED)
def test_refused(person: Person, choice: Choice, error: type[StudioloError], word: str) -> None:
    with pytest.raises(error) as refused:
        resolve(offered(), person, choice)
    assert word in refused.value.user_message


def test_nobody_may_where_the_catalogue_says_nothing() -> None:
    plain = catalogue([image("plain")], [gpu_profile()])
    with pytest.raises(NotAllowed):
        resolve(plain, Person("carla", admin=True), asked())


def test_a_missing_tag_is_what_the_administrator_says() -> None:
    rules = offered().model_dump(mode="json")
    rules["defaults"]["missing_tag"] = "stable"
    request = resolve(Catalogue.model_validate(rules), ANA, asked("registry.lab/team/train"))
    assert request.requested.reference == "registry.lab/team/train:stable"


# Of faults-and-threats.md: image string tricks, each around an allowed reference.
TRICKS = [
    f"{TYPED}\n", f"\n{TYPED}", f"{TYPED} ", f" {TYPED}", f"{TYPED}\x00", f"{TYPED}{{{{7*7}}}}",
    f"{TYPED}@evil.example/x:1", "registry.lab@evil.example/team/train:7",
    "user:pass@registry.lab/team/train:7", "registry.lab%2fteam/train:7",
    "registry.lab/team/train%3a7", "registry.lab/team/../other:7", "registry.lab/./team/train:7",
    "registry.lab//team/train:7", "registry.lab/team/train:7.evil.example/x",
    "registry.lab.evil.example/team/train:7", "evilregistry.lab/team/train:7",
    "registry.lab:443/team/train:7", "REGISTRY.LAB/team/train:7", "ｒegistry.lab/team/train:7",
    "regıstry.lab/team/train:7", "xn--registry.lab/team/train:7", "https://registry.lab/team/t:7",
    "//registry.lab/team/train:7", "registry.lab\\team\\train:7", "registry.lab/team/train:7#x",
    "registry.lab/team/train:7?x", "$(id)", "${IMAGE}", "<script>alert(1)</script>",
    "registry.lab/team/train@sha256:0", "registry.lab/team/train:" + "7" * 129,
    "registry.lab/team/" + "a" * 300 + ":7", "169.254.169.254/team/train:7", "localhost/team/t:7",
    "[::1]/team/train:7", "team/train:7", "train:7", "registry.lab/team/train:7\r\nX-Evil: 1",
]  # fmt: skip


def result_of(read: Callable[[], Choice]) -> WorkspaceRequest | StudioloError:
    try:
        return resolve(offered(), ANA, read())
    except StudioloError as error:
        return error


def typed_in(text: str) -> dict[str, list[str]]:
    return {"image": [CUSTOM_IMAGE], "custom_image": [text], "profile": ["gpu"]}


@pytest.mark.parametrize("typed", TRICKS)
def test_tricks_are_refused_in_one_line(typed: str) -> None:
    results = [result_of(lambda: choice_from_options({"custom_image": typed, "profile": "gpu"}))]
    # A form's text is cut at its ends: people copy spaces along.
    if typed.strip() != TYPED:
        results.append(result_of(lambda: choice_from_form(typed_in(typed))))
    for result in results:
        assert isinstance(result, StudioloError)
        assert result.status == 400
        assert not set(result.user_message) & set("\n\r\x00")


# --- any text -------------------------------------------------------------------------------------

NEAR = st.text(alphabet="registy.lab/tm:7@-_*%{}\n A", max_size=40)
TEXTS = st.one_of(
    st.text(max_size=400),
    NEAR,
    st.builds("registry.lab/team/{}".format, st.text(max_size=40)),
    st.builds("registry.lab/team/{}".format, NEAR),
    st.builds("ghcr.io/lab/{}:{}".format, NEAR, NEAR),
)
VALUES = st.one_of(TEXTS, st.none(), st.integers(), st.lists(TEXTS, max_size=2), st.booleans())


@given(st.dictionaries(st.sampled_from(["custom_image", "image", "profile"]), VALUES))
def test_any_options_give_an_allowed_image_or_a_refusal(options: dict[str, Any]) -> None:
    result = result_of(lambda: choice_from_options(options))
    if isinstance(result, StudioloError):
        assert result.status in {400, 403}
        assert "\n" not in result.user_message
        return
    rules, found = offered(), result.requested
    assert found.id in {*rules.images_by_id, CUSTOM_IMAGE}
    if is_custom(found):
        assert rules.custom_images is not None
        assert allows(rules.custom_images.patterns, parse_reference(found.reference))
        assert result.profile.id == "gpu"
        assert WorkspaceRequest.from_state(result.to_state()) == result


@given(TEXTS)
def test_any_text_in_the_field_gives_an_allowed_image_or_a_refusal(typed: str) -> None:
    result = result_of(lambda: choice_from_form(typed_in(typed)))
    if isinstance(result, StudioloError):
        assert result.status == 400
        return
    registry = parse_reference(result.requested.reference).registry
    assert registry in {"registry.lab", "ghcr.io"}


class Asked:
    """Stands where registries are asked, and remembers about what."""

    def __init__(self) -> None:
        self.references: list[str] = []

    async def check(self, image: Image, _profile: Profile) -> CheckedImage:
        self.references.append(image.reference)
        answer = RegistryAnswer(Outcome.FOUND, digest=DIGEST, size=1000, labels=LABELS)
        return CheckedImage(parse_reference(image.reference), answer, verdict_of_answer(answer))


@given(VALUES)
def test_live_check_of_anything_is_a_decision_and_asks_nobody_else(typed: Any) -> None:
    asked: Any = Asked()
    options = {"custom_image": typed, "profile": "gpu"}
    choice = read_or_none(options)
    if choice is None:
        return
    told = asyncio.run(live_answer(offered(), ANA, choice, asked))
    assert told["decision"] in {"accepted", "refuse"}
    assert json.dumps(told)
    assert not set(f"{told['message']}{told['hint']}") & set("\n\r\x00")
    for reference in asked.references:
        assert parse_reference(reference).registry in {"registry.lab", "ghcr.io"}
    assert bool(asked.references) is (told["decision"] == "accepted")


def read_or_none(options: dict[str, Any]) -> Choice | None:
    """What the caller refuses before: options that are no choice at all."""
    try:
        choice = choice_from_options(options)
    except InvalidChoice:
        return None
    return choice if choice.custom_image is not None else None


# --- ways in --------------------------------------------------------------------------------------


def form(**fields: str) -> dict[str, list[str]]:
    return {name: [value] for name, value in fields.items()}


FORMS = {
    "button and text": (form(image=CUSTOM_IMAGE, custom_image=f" {TYPED} "), (None, TYPED)),
    "text alone, from a link": (form(custom_image=TYPED), (None, TYPED)),
    "another image was chosen after": (form(image="plain", custom_image=TYPED), ("plain", None)),
    "an empty field beside an image": (form(image="plain", custom_image=""), ("plain", None)),
    "nothing": ({}, (None, None)),
    "an empty field": (form(custom_image=" "), (None, None)),
}


@pytest.mark.parametrize(("fields", "expected"), FORMS.values(), ids=FORMS)
def test_form(fields: dict[str, list[str]], expected: tuple[str | None, str | None]) -> None:
    choice = choice_from_form(fields)
    assert (choice.image, choice.custom_image) == expected


def test_form_with_the_button_and_no_text() -> None:
    with pytest.raises(InvalidChoice, match="custom_image: it is empty"):
        choice_from_form(form(image=CUSTOM_IMAGE, custom_image=""))


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "two images": ({"image": "plain", "custom_image": TYPED}, "one of the two"),
    "no reference": ({"image": CUSTOM_IMAGE}, "missing"),
    "not text": ({"custom_image": ["x"]}, "must be text"),
    "not ASCII": ({"custom_image": "registry.lab/té:1"}, "ASCII"),
}


@pytest.mark.parametrize(("options", "word"), OPTIONS.values(), ids=OPTIONS)
def test_options_that_are_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidChoice, match=word):
        choice_from_options(options)


def test_saved_options_read_the_same() -> None:
    choice = asked()
    assert choice.to_options() == {"custom_image": TYPED, "profile": "gpu"}
    assert choice_from_options(choice.to_options()) == choice
    assert choice_from_options({**choice.to_options(), "image": CUSTOM_IMAGE}) == choice


def test_saved_choice_that_is_no_longer_allowed_is_told() -> None:
    kept, notices = still_valid(offered(), ANA, asked())
    assert (kept.custom_image, notices) == (TYPED, ())
    kept, notices = still_valid(offered(patterns=["ghcr.io/lab/*"]), ANA, asked())
    assert kept.custom_image is None
    assert TYPED in notices[0]


# --- in the catalogue -----------------------------------------------------------------------------

TEXT = """
version: 1
images:
  - {{id: a, display_name: A, reference: ghcr.io/lab/a:1}}
profiles:
  - {{id: cpu, display_name: CPU, cpu: 1, memory: 1Gi}}
custom_images: {rules}
"""
BAD = {
    "no patterns": ("{}", ["custom_images.patterns"]),
    "empty patterns": ("{patterns: []}", ["custom_images.patterns"]),
    "every bad pattern": (
        '{patterns: ["*", ghcr.io/lab/*, "ghcr.io/a:1"]}',
        ["custom_images.patterns[0]", "custom_images.patterns[2]"],
    ),
    "names that are not there": (
        "{patterns: [ghcr.io/lab/*], fallback: [b], profiles: [gpu]}",
        ["custom_images.fallback[0]", "custom_images.profiles[0]"],
    ),
    "named twice": (
        "{patterns: [ghcr.io/lab/*], fallback: [a, a], profiles: [cpu, cpu]}",
        ["custom_images.fallback[1]", "custom_images.profiles[1]"],
    ),
    "unknown key": ("{patterns: [ghcr.io/lab/*], pattern: x}", ["custom_images.pattern"]),
}


@pytest.mark.parametrize(("rules", "paths"), BAD.values(), ids=BAD)
def test_every_mistake_is_told_at_once(rules: str, paths: list[str]) -> None:
    with pytest.raises(CatalogueError) as refused:
        parse_catalogue(TEXT.format(rules=rules))
    assert [problem.path for problem in refused.value.problems] == paths
    assert all(problem.line for problem in refused.value.problems)


def test_an_image_of_the_catalogue_may_not_be_called_like_them() -> None:
    text = TEXT.format(rules="{patterns: [ghcr.io/lab/*]}").replace(
        "id: a,", f"id: {CUSTOM_IMAGE},"
    )
    with pytest.raises(CatalogueError, match="choose another id"):
        parse_catalogue(text)
