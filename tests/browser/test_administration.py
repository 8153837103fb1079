"""The administration as an administrator meets it, and signing out, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import steps
from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import Visit
from tests.running_demo import RunningDemo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ADMIN = "/hub/studiolo/admin"
PAGES = {
    "": "Administration",
    "/workspaces": "Workspaces of everybody",
    "/gpus": "GPUs",
    "/images": "Images",
    "/catalogue": "Catalogue",
    "/people": "People",
    "/volumes": "Volumes",
    "/people/dora": "dora",
}


def start_workspace(page: Page, name: str, *, profile: str) -> None:
    steps.sign_in(page, name)
    steps.open_menu(page)
    steps.choose(page, image="python-3.13", profile=profile)
    steps.start(page)
    page.wait_for_url(re.compile(r"/user/"), timeout=steps.START_MS)


def test_every_page_light_dark_wide_and_narrow(page: Page, visit: Visit, screenshots: Path) -> None:
    start_workspace(visit(), "dora", profile="gpu")
    steps.sign_in(page, "carla")
    page.get_by_role("link", name="Administration").click()
    expect(page.locator("[data-alarm='image/pytorch-nightly']")).to_be_visible()
    for path, heading in PAGES.items():
        page.goto(f"{ADMIN}{path}")
        expect(page.get_by_role("heading", level=1, name=heading, exact=True)).to_be_visible()
        current = page.get_by_role("navigation", name="Administration").locator("[aria-current]")
        expect(current).to_have_count(1)
        assert_accessible(page)
        steps.picture(page, screenshots, f"admin{path.replace('/', '-')}")
        page.set_viewport_size({"width": 390, "height": 844})
        assert_accessible(page, schemes=("light",))
        page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{ADMIN}/gpus")
    holders = page.locator(".st-holders")
    expect(holders).to_contain_text("dora")
    page.goto(f"{ADMIN}/people/dora")
    expect(page.get_by_role("region", name="Volumes")).to_contain_text("dora")


def test_the_list_follows_without_being_loaded_and_stops(page: Page, visit: Visit) -> None:
    steps.sign_in(page, "carla")
    page.goto(f"{ADMIN}/workspaces")
    row = page.locator("tr[data-user='emil']")
    expect(row).to_have_count(0)
    page.evaluate("window.loadedOnce = true")
    start_workspace(visit(), "emil", profile="cpu")
    expect(row).to_contain_text("Running", timeout=30_000)
    # Typing narrows; the address can be sent to somebody.
    page.get_by_role("searchbox", name="Search").fill("nobody like that")
    expect(row).to_have_count(0)
    expect(page.get_by_text("No workspace is like that.")).to_be_visible()
    assert page.url.endswith("/workspaces?q=nobody+like+that")
    page.get_by_role("searchbox", name="Search").fill("emil")
    expect(row).to_have_count(1)
    assert page.evaluate("window.loadedOnce")
    page.once("dialog", lambda dialog: dialog.dismiss())
    row.get_by_role("button", name="Stop").click()
    expect(row).to_contain_text("Running")
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("status").first).to_contain_text("emil is stopped")
    expect(row).to_have_count(0)


def test_by_keyboard_alone(page: Page) -> None:
    steps.sign_in(page, "carla")
    page.goto(ADMIN)
    images = page.get_by_role("navigation", name="Administration").get_by_role(
        "link", name="Images"
    )
    for _ in range(30):
        page.keyboard.press("Tab")
        if images.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")
    check = page.get_by_role("button", name="Check all now")
    expect(check).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if check.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("are being asked")
    nightly = page.locator("[data-image='pytorch-nightly']")
    expect(nightly).to_have_attribute("data-standing", "bad")
    expect(nightly).to_contain_text("The image does not exist in the registry.")
    # What is open stays open while the page is brought up to date.
    nightly.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(nightly.locator("details")).to_have_attribute("open", "")


@pytest.fixture
def plain(chromium: Browser, demo: RunningDemo) -> Iterator[Page]:
    """A browser without JavaScript."""
    context = chromium.new_context(base_url=demo.address, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_without_javascript(plain: Page, visit: Visit) -> None:
    start_workspace(visit(), "fay", profile="cpu")
    plain.goto("/")
    plain.get_by_role("link", name=re.compile("^Sign in with")).click()
    plain.get_by_role("button", name=re.compile("carla")).click()
    plain.goto(f"{ADMIN}/workspaces")
    plain.get_by_role("searchbox", name="Search").fill("fay")
    plain.get_by_role("button", name="Show").click()
    row = plain.locator("tr[data-user='fay']")
    expect(row).to_have_count(1)
    row.get_by_role("button", name="Stop").click()
    expect(plain.get_by_role("status").first).to_contain_text("fay is stopped")


def test_signing_out_says_what_becomes_of_a_workspace(page: Page, screenshots: Path) -> None:
    start_workspace(page, "hal", profile="cpu")
    page.goto("/hub/home")
    page.get_by_role("link", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign out")).to_be_visible()
    card = page.locator("[data-name='']")
    expect(card).to_contain_text("Keeps running")
    expect(card).to_contain_text("stopped when nothing has happened in it for 5 minutes")
    assert_accessible(page)
    steps.picture(page, screenshots, "sign-out")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    expect(page.locator("[data-outcome='running']")).to_contain_text("Keeps running")
    assert_accessible(page)
    steps.picture(page, screenshots, "signed-out")


def test_members_see_none_of_it(page: Page) -> None:
    steps.sign_in(page, "ivy")
    expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    answer = page.goto(ADMIN)
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("heading", level=1)).to_have_text("This is not for you")
