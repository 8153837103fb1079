"""Whatever a form, a link or a saved choice says: a start within the menu, or words that refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from studiolo_spawner.choice import Choice, choice_from_form, choice_from_options
from studiolo_spawner.errors import InvalidChoice, NotAllowed
from studiolo_spawner.menu import Origin, build_menu
from studiolo_spawner.menu_page import render_menu
from studiolo_spawner.offer import Person, offer_to
from studiolo_spawner.resolve import WorkspaceRequest, resolve

from tests.embedded import EmbeddedApi, running_api
from tests.fakes.hub_process import HubProcess, xsrf_of
from tests.spawner.catalogues import catalogue, gpu_profile, image, profile
from tests.spawner.test_choice import CHOICES, FORMS, OPTIONS
from tests.spawner.test_menu_page import Page

IMAGES = [
    image("open", tasks=["train"], provides={"frameworks": {"pytorch": "2.9.1"}}),
    image("other"),
    image("reserved", groups=["lab"]),
    image("hidden", hidden=True),
    image("old", hidden=True, redirect={"to": "other"}),
    image("trap", redirect={"to": "reserved"}),
]
PROFILES = [profile("cpu"), profile("large"), gpu_profile("gpu", groups=["lab"])]
LOCKS = [{"profile": "large", "groups": ["visitors"]}]
PARSED = catalogue(IMAGES, PROFILES, menu={"locked": LOCKS, "not_permitted": "show"})
PEOPLE = [Person("ana"), Person("vic", frozenset({"visitors"})), Person("lab", frozenset({"lab"}))]


def names(*known: str) -> st.SearchStrategy[str]:
    return st.sampled_from(known) | st.text(max_size=6)


NEAR = st.fixed_dictionaries(
    {},
    optional={
        "image": st.lists(names(*(i["id"] for i in IMAGES)), max_size=2),
        "profile": st.lists(names(*(p["id"] for p in PROFILES)), max_size=2),
        "task": st.lists(names("train"), max_size=2),
        "framework": st.lists(names("pytorch", "pytorch>=2.9", "pytorch==3.*"), max_size=2),
        "fallback": st.lists(names("any", "only"), max_size=2),
        "custom_image": st.lists(names("ghcr.io/x/y:1"), max_size=1),
    },
)
"""Forms that are nearly right: names that exist, in every combination."""


def within_the_menu(person: Person, choice: Choice) -> None:
    try:
        request = resolve(PARSED, person, choice)
    except (InvalidChoice, NotAllowed) as refused:
        told = (refused.status in {400, 403}, bool(refused.user_message))
    else:
        told = (True, True)
        _is_offered(person, request)
    assert told == (True, True)


def _is_offered(person: Person, request: WorkspaceRequest) -> None:
    offer = offer_to(person, PARSED)
    assert request.profile.id in offer.profiles
    assert all(candidate.image.id in offer.permitted for candidate in request.candidates)
    assert not any(c.image.hidden or c.image.redirect for c in request.candidates)


@settings(deadline=None)
@given(FORMS | NEAR, st.sampled_from(PEOPLE))
def test_no_form_gets_beyond_the_menu(form: dict[str, Any], person: Person) -> None:
    with suppress(InvalidChoice):
        within_the_menu(person, choice_from_form(form))


@settings(deadline=None)
@given(OPTIONS | CHOICES.map(Choice.to_options), st.sampled_from(PEOPLE))
def test_no_saved_choice_gets_beyond_the_menu(options: dict[str, Any], person: Person) -> None:
    with suppress(InvalidChoice):
        within_the_menu(person, choice_from_options(options))


@settings(deadline=None)
@given(NEAR, st.sampled_from(PEOPLE), st.sampled_from(["last", "link", "form"]))
def test_whatever_fills_the_menu_in_what_it_sends_then_is_within_it(
    form: dict[str, Any], person: Person, origin: Origin
) -> None:
    try:
        saved = choice_from_form(form)
    except InvalidChoice:
        return
    menu = build_menu(PARSED, person, saved=saved, origin=origin)
    sent = choice_from_form(Page(render_menu(menu, spawn_url="/hub/spawn")).submitted())
    offer = offer_to(person, PARSED)
    assert sent.profile in offer.profiles
    assert sent.image in offer.images
    within_the_menu(person, sent)


# -- through a hub

CATALOGUE = """
version: 1
images:
- {id: good, display_name: Good, reference: "unreachable.invalid/good:1", tasks: [train]}
- {id: other, display_name: Other, reference: "unreachable.invalid/other:1"}
- {id: secret, display_name: Secret, reference: "unreachable.invalid/secret:1", groups: [lab]}
- {id: hidden, display_name: Hidden, reference: "unreachable.invalid/hidden:1", hidden: true}
profiles:
- {id: small, display_name: Small, cpu: 1, memory: 1Gi}
- {id: large, display_name: Large, cpu: 8, memory: 16Gi, groups: [lab]}
menu: {locked: [{fallback: false}]}
"""
CONFIG = """
c.JupyterHub.spawner_class = "studiolo_spawner.spawner.WorkspaceSpawner"
c.WorkspaceSpawner.catalogue_path = "{catalogue}"
c.WorkspaceSpawner.namespace = "studiolo"
c.WorkspaceSpawner.image_check_period = 0
"""
LONG = "x" * 100_000

TAMPERED: dict[str, tuple[int, list[tuple[str, str]]]] = {
    "an image of another group": (403, [("image", "secret")]),
    "a profile of another group": (403, [("profile", "large")]),
    "a hidden image": (400, [("image", "hidden")]),
    "two images": (400, [("image", "good"), ("image", "other")]),
    "a fixed field": (403, [("fallback", "any")]),
    "an image of one's own where none may": (
        403,
        [("image", "custom-image"), ("custom_image", "ghcr.io/x/y:1")],
    ),
    "a task that is not there": (400, [("task", "mine bitcoin")]),
    "an image without what is asked for": (400, [("image", "other"), ("task", "train")]),
    "a range that is none": (400, [("framework", "pytorch>=>=")]),
    "KubeSpawner's own fields": (400, [("profile", "small"), ("profile-option-small--image", "x")]),
    "a trait": (400, [("cpu_limit", "64")]),
    "a null byte": (400, [("image", "good\0")]),
    "something like an attribute": (400, [("image", "__class__")]),
    "a template": (400, [("image", "{{7*7}}")]),
    "very long": (400, [("image", LONG)]),
    "very many": (400, [("task", f"t{number}") for number in range(500)]),
    "an unlikely encoding": (400, [("image", "good\u202e")]),
}


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[tuple[EmbeddedApi, HubProcess]]:
    (tmp_path / "catalogue.yaml").write_text(CATALOGUE)
    async with running_api(tmp_path) as api:
        await api.expect("POST", "/api/v1/namespaces", {"metadata": {"name": "studiolo"}})
        config = CONFIG.format(catalogue=tmp_path / "catalogue.yaml")
        async with HubProcess(tmp_path, api.kubeconfig, config) as process:
            yield api, process


@pytest.mark.cluster
async def test_tampered_forms_and_links_start_nothing(
    hub: tuple[EmbeddedApi, HubProcess],
) -> None:
    api, process = hub
    wrong: list[str] = []
    session = await process.browser("ana")
    async with session:
        for title, (status, fields) in TAMPERED.items():
            wrong += await _form(session, process, title, status, fields)
            wrong += await _link(session, process, title, fields)
        # The button that narrows starts nothing either, and is no error.
        fields = [("image", "good"), ("task", "train"), ("narrow", "yes")]
        wrong += await _form(session, process, "narrow", 200, fields)
    assert wrong == []
    found = await api.expect("GET", "/api/v1/namespaces/studiolo/pods")
    assert found["items"] == []
    assert "Traceback" not in process.log


async def _form(
    session: aiohttp.ClientSession,
    hub: HubProcess,
    title: str,
    status: int,
    fields: list[tuple[str, str]],
) -> list[str]:
    data = aiohttp.FormData([*fields, ("_xsrf", xsrf_of(session))])
    async with session.post(f"{hub.url}/spawn", data=data) as answer:
        html = await answer.text()
        return _told(f"form: {title}", answer.status, html, {status})


async def _link(
    session: aiohttp.ClientSession, hub: HubProcess, title: str, fields: list[tuple[str, str]]
) -> list[str]:
    if any(len(value) > 1000 for _name, value in fields) or len(fields) > 100:
        return []  # longer than an address may be
    query = [(f"opt-{name}", value) for name, value in fields]
    async with session.get(f"{hub.url}/spawn", params=query) as answer:
        html = await answer.text()
        # A link only fills in: what it may not have is left out and told.
        return _told(f"link: {title}", answer.status, html, {200, 400})


def _told(title: str, status: int, html: str, right: set[int]) -> list[str]:
    wrong = []
    if status not in right:
        wrong.append(f"{title}: {status}")
    if 'id="st-menu"' not in html:
        wrong.append(f"{title}: no menu")
    if "Traceback" in html or "SpawnException" in html or LONG in html:
        wrong.append(f"{title}: {html[:500]}")
    return wrong
