"""An image that does not work: the person learns which, why, and what runs instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.running_demo import RunningDemo, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

# The waiting page may be gone within a second: what it told is kept for who looks later.
KEEP_STEPS = """
new MutationObserver(() => {
  const steps = [...document.querySelectorAll('#st-steps li')].map(step => step.textContent);
  if (steps.length) sessionStorage.setItem('told', steps.join('\\n'));
}).observe(document, {subtree: true, childList: true, characterData: true});
"""


@pytest.mark.parametrize(
    ("image", "why"),
    [
        pytest.param("pytorch-nightly", "does not exist in the registry", id="not in the registry"),
        pytest.param("pytorch-rc", "exit code 1", id="crashes at its start"),
    ],
)
def test_a_broken_image_ends_in_the_next_best_one_and_says_so(
    page: Page, screenshots: Path, image: str, why: str
) -> None:
    page.add_init_script(KEEP_STEPS)
    steps.sign_in(page, "dora" if image == "pytorch-nightly" else "hal")
    steps.open_menu(page)
    steps.choose(page, image=image, profile="gpu")
    steps.start(page)
    steps.wait_for_lab(page)
    told = page.evaluate("sessionStorage.getItem('told')")
    assert re.search(why, told), told
    assert "PyTorch 2.9" in told

    fallback = steps.panel(page).get_by_role("note")
    expect(fallback).to_contain_text("in place of")
    expect(fallback).to_contain_text(re.compile(why))
    steps.picture_of_lab(page, screenshots, f"lab-fallback-{image}")

    page.goto("/hub/home")
    expect(page.get_by_text(re.compile("runs instead"))).to_be_visible()
    steps.picture(page, screenshots, "home-fallback")


def test_only_this_image_means_that_nothing_else_starts(
    page: Page, demo: RunningDemo, screenshots: Path
) -> None:
    steps.sign_in(page, "ivy")
    steps.open_menu(page)
    steps.choose(page, image="pytorch-nightly", profile="cpu")
    page.get_by_text(re.compile("only this image")).click()
    steps.start(page)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("does not exist in the registry")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    steps.picture(page, screenshots, "menu-nothing-started")
    assert demo.pods() == []


def test_a_start_that_takes_long_is_watched_and_can_be_cancelled(
    page: Page, demo: RunningDemo, screenshots: Path
) -> None:
    steps.sign_in(page, "kim")
    steps.open_menu(page)
    steps.choose(page, image="tensorflow-preview", profile="gpu")
    steps.start(page)
    expect(page.get_by_role("heading", name="Starting your workspace")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile("[1-9]"))
    told = page.get_by_role("main").get_by_role("list")
    expect(told).to_contain_text("waiting for JupyterLab to answer")
    steps.picture(page, screenshots, "waiting")

    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url("**/hub/home")
    expect(page.get_by_role("link", name="Choose and start")).to_be_visible()
    until(lambda: demo.pods() == [], seconds=30, what="the pod is gone")
