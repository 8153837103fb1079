"""An image that a person names by its reference: checked while they type, run, shown everywhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import steps
from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

CONTRACT = json.loads((Path(__file__).parents[1] / "contract" / "image_check.json").read_text())
GOOD = "registry.studiolo.test/pytorch:2.8.0-cuda12.6"
ANOTHER = "registry.studiolo.test/python:3.13"
MISSING = "registry.studiolo.test/pytorch:nosuch"


def open_menu_of(visit: Visit, name: str) -> Page:
    page = visit()
    steps.sign_in(page, name)
    steps.open_menu(page)
    return page


def answer_is(page: Page, decision: str, words: str) -> None:
    answer = page.locator(f"#st-custom-result [data-decision='{decision}']")
    expect(answer).to_contain_text(words)


def test_typed_checked_and_run(visit: Visit, screenshots: Path) -> None:
    page = open_menu_of(visit, "lea")
    field = page.get_by_label("Reference")
    field.press_sequentially(GOOD, delay=5)
    # Typing is choosing.
    expect(page.get_by_role("radio", name="An image of your own")).to_be_checked()
    answer_is(page, "accepted", "This image can be started.")
    answer_is(page, "accepted", "PyTorch 2.8.0")
    steps.picture(page, screenshots, "custom-image-good")
    assert_accessible(page)

    field.fill(MISSING)
    answer_is(page, "fall_back", "does not exist in the registry")
    field.fill("evil.example/pytorch:1")
    answer_is(page, "refuse", "Allowed is registry.studiolo.test/**")
    steps.picture(page, screenshots, "custom-image-refused")
    assert_accessible(page)

    field.fill(GOOD)
    page.locator("label[for='st-profile-cpu']").click()
    answer_is(page, "accepted", "This image can be started.")
    steps.start(page)
    steps.wait_for_lab(page)
    expect(steps.panel(page)).to_contain_text(GOOD)
    page.goto("/hub/home")
    expect(page.get_by_role("main")).to_contain_text(GOOD)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("link", name="Choose and start")).to_be_visible()
    # It is what is chosen the next time.
    steps.open_menu(page)
    expect(page.get_by_label("Reference")).to_have_value(GOOD)
    expect(page.get_by_role("radio", name="An image of your own")).to_be_checked()


def test_bad_image_is_refused_at_the_form_and_can_be_mended(visit: Visit) -> None:
    page = open_menu_of(visit, "lea")
    page.get_by_label("Reference").fill(MISSING)
    steps.start(page)
    expect(page.get_by_role("alert")).to_contain_text("does not exist in the registry")
    expect(page.get_by_label("Reference")).to_have_value(MISSING)
    expect(page.get_by_role("radio", name="An image of your own")).to_be_checked()


def test_one_request_in_a_pause_and_the_last_one_counts(visit: Visit) -> None:
    page = open_menu_of(visit, "lea")
    asked: list[str] = []

    def answers(route: Route) -> None:
        reference = (route.request.post_data_json or {})["reference"]
        asked.append(reference)
        changed = {
            "decision": "unknown",
            "message": f"About {reference}.",
            "hint": "<b>hint</b>",
            "facts": ["<i>1 GB</i>"],
        }
        route.fulfill(json=CONTRACT["accepted"] | changed)

    page.route("**/studiolo/image-check", answers)
    field = page.get_by_label("Reference")
    field.clear()
    field.press_sequentially("registry.studiolo.test/a:1", delay=10)
    answer_is(page, "unknown", "About registry.studiolo.test/a:1.")
    assert asked[-1:] == ["registry.studiolo.test/a:1"]
    assert len(asked) <= 2
    # What the hub says is shown as it stands.
    answer_is(page, "unknown", "<b>hint</b>")
    expect(page.locator("#st-custom-result b, #st-custom-result i")).to_have_count(0)
    # Another image does not ask; what was typed stays.
    steps.choose(page, image="python-3.13", profile="cpu")
    expect(field).to_have_value("registry.studiolo.test/a:1")
    assert asked.count("registry.studiolo.test/a:1") == 1
    field.fill("")
    expect(page.locator("#st-custom-result")).to_be_empty()


def test_hub_that_does_not_answer_is_said(visit: Visit) -> None:
    page = open_menu_of(visit, "lea")
    page.route("**/studiolo/image-check", lambda route: route.abort())
    page.get_by_label("Reference").fill(ANOTHER)
    expect(page.locator("#st-custom-result")).to_contain_text("will be when you start")


def test_too_many_questions_are_asked_again_later(visit: Visit) -> None:
    page = open_menu_of(visit, "lea")
    asked: list[int] = []

    def answers(route: Route) -> None:
        asked.append(1)
        if len(asked) == 1:
            route.fulfill(status=429, headers={"Retry-After": "1"}, json={})
        else:
            route.continue_()

    page.route("**/studiolo/image-check", answers)
    page.get_by_label("Reference").fill(ANOTHER)
    answer_is(page, "accepted", "This image can be started.")
    assert len(asked) == 2


def test_enter_checks_and_starts_nothing(visit: Visit) -> None:
    page = open_menu_of(visit, "lea")
    field = page.get_by_label("Reference")
    field.fill(ANOTHER)
    field.press("Enter")
    answer_is(page, "accepted", "This image can be started.")
    expect(page).to_have_url(re.compile(r"/hub/spawn"))


def test_only_those_who_may_see_the_field(visit: Visit) -> None:
    page = open_menu_of(visit, "ben")
    expect(page.get_by_role("radio", name="Plain Python 3.13")).to_be_visible()
    expect(page.locator("#st-custom")).to_have_count(0)


def test_image_that_does_not_start_is_replaced_by_what_its_labels_say(
    visit: Visit, screenshots: Path
) -> None:
    # It is there, but JupyterHub's server is not in it, which nothing but a start shows.
    bare = "registry.studiolo.test/pytorch:2.9.1-bare"
    page = open_menu_of(visit, "lea")
    page.get_by_label("Reference").fill(bare)
    page.locator("label[for='st-profile-cpu']").click()
    answer_is(page, "accepted", "If it cannot start: PyTorch 2.9")
    steps.start(page)
    steps.wait_for_lab(page)
    expect(steps.panel(page)).to_contain_text("PyTorch 2.9")
    page.goto("/hub/home")
    card = page.get_by_role("main")
    expect(card).to_contain_text("PyTorch 2.9")
    expect(card).to_contain_text(bare)
    expect(card).to_contain_text("single-user server is not in the image")
    expect(card).to_contain_text("Install jupyterhub and jupyterlab")
    steps.picture(page, screenshots, "custom-image-replaced")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("link", name="Choose and start")).to_be_visible()
