"""An image that does not work: the person learns which, why, and what runs instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_a_broken_image_ends_in_the_next_best_one_and_says_so(
    page: Page, screenshots: Path
) -> None:
    steps.sign_in(page, "dora")
    steps.open_menu(page)
    steps.choose(page, image="pytorch-nightly", profile="gpu")
    steps.start(page)
    told = page.get_by_role("list").filter(has_text="nightly")
    expect(told).to_contain_text(
        re.compile("not (found|there|in the registry)|missing"), timeout=30_000
    )
    steps.picture(page, screenshots, "waiting-fallback")
    steps.wait_for_lab(page)

    fallback = steps.panel(page).get_by_role("note")
    expect(fallback).to_contain_text("in place of")
    steps.picture_of_lab(page, screenshots, "lab-fallback")

    page.goto("/hub/home")
    expect(page.get_by_text(re.compile("runs instead of"))).to_be_visible()
    steps.picture(page, screenshots, "home-fallback")


def test_only_this_image_means_that_nothing_else_starts(page: Page, screenshots: Path) -> None:
    steps.sign_in(page, "dora")
    steps.open_menu(page)
    steps.choose(page, image="pytorch-nightly", profile="cpu")
    page.get_by_label(re.compile("only this image")).check()
    steps.start(page)
    expect(page.get_by_role("heading", name="The workspace did not start")).to_be_visible(
        timeout=steps.START_MS
    )
    steps.picture(page, screenshots, "failed")
    page.get_by_role("link", name="Choose again").click()
    expect(page.get_by_role("heading", name="Choose your workspace")).to_be_visible()
