"""Waiting for hardware: told why, offered what is free, cancelled at any moment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import Visit
from tests.running_demo import RunningDemo, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def hold(page: Page, name: str, profile: str) -> None:
    """Have somebody hold what a profile asks for."""
    steps.sign_in(page, name)
    steps.open_menu(page)
    steps.choose(page, image="python-3.13", profile=profile)
    steps.start(page)
    steps.wait_for_lab(page)


def begin_named(page: Page, title: str, profile: str) -> None:
    page.goto("/hub/home")
    page.get_by_text("Another workspace").click()
    page.get_by_label("Name of the new workspace").fill(title)
    page.get_by_role("button", name="Choose its image").click()
    steps.choose(page, image="python-3.13", profile=profile)
    steps.start(page)
    page.wait_for_url(re.compile("/hub/spawn-pending/"))


def test_who_waits_is_told_why_and_takes_what_is_free(
    visit: Visit, demo: RunningDemo, screenshots: Path
) -> None:
    first, second, page = visit(), visit(), visit()
    hold(first, "dora", "amd")
    hold(second, "fay", "amd")
    steps.sign_in(page, "kim")
    begin_named(page, "Experiments", "amd")
    expect(page.get_by_role("heading", name="Starting “Experiments”")).to_be_visible()
    cause = page.locator("li[data-kind=cause]")
    expect(cause).to_contain_text("AMD GPUs for this profile are in use", timeout=30_000)
    expect(page.get_by_role("heading", name="You could have at once")).to_be_visible(timeout=30_000)
    expect(page.locator("#st-steps time").first).to_have_text(re.compile(r"^\d+:\d\d$"))
    assert_accessible(page)

    page.get_by_text("Details, in the cluster's own words").click()
    expect(page.get_by_role("region", name="Details")).to_contain_text("FailedScheduling")
    assert_accessible(page)
    steps.picture(page, screenshots, "waiting-offers")

    # Cancelled: nothing is left of it, and the others' go on.
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url("**/hub/home")
    until(lambda: len(demo.pods()) == 2, seconds=20, what="the waiting pod is gone")

    page.get_by_role("link", name="Choose and start").last.click()
    steps.choose(page, image="python-3.13", profile="amd")
    steps.start(page)
    take = page.get_by_role("button", name=re.compile("^Take it"))
    expect(take.first).to_be_visible(timeout=30_000)
    offered = page.locator(".st-offers strong").first.inner_text()
    take.first.focus()
    page.keyboard.press("Enter")
    steps.wait_for_lab(page)
    assert "/user/kim/experiments/" in page.url
    page.goto("/hub/home")
    expect(page.locator("section[data-name=experiments]")).to_contain_text(offered)
    assert len(demo.pods()) == 3


def test_the_browser_is_asked_for_permission_only_at_the_click_that_needs_it(
    visit: Visit,
) -> None:
    page = visit()
    page.add_init_script(
        """window.asked = 0;
           Notification.requestPermission = async () => { window.asked += 1; return 'granted'; };"""
    )
    steps.sign_in(page, "hal")
    steps.open_menu(page)
    steps.choose(page, image="tensorflow-preview", profile="gpu")
    steps.start(page)
    bell = page.get_by_role("button", name="Tell me when it is ready")
    expect(bell).to_be_visible()
    assert page.evaluate("window.asked") == 0
    bell.click()
    expect(page.get_by_text("You will be told when it is ready")).to_be_visible()
    assert page.evaluate("window.asked") == 1
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url("**/hub/home")


def test_the_page_tells_how_it_stands_without_javascript(visit: Visit) -> None:
    page = visit()
    steps.sign_in(page, "gus")
    steps.open_menu(page)
    steps.choose(page, image="tensorflow-preview", profile="gpu")
    steps.start(page)
    page.wait_for_url(re.compile("/hub/spawn-pending/"))
    expect(page.locator("#st-steps")).to_contain_text("waiting for JupyterLab to answer")
    browser = page.context.browser
    assert browser
    plain = browser.new_context(
        base_url=page.url, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    still = plain.new_page()
    still.goto(page.url)
    expect(still.locator("#st-steps")).to_contain_text("waiting for JupyterLab to answer")
    still.get_by_role("button", name="Cancel").click()
    still.wait_for_url("**/hub/home")
    plain.close()
