"""My workspaces: followed by event, restarted, renamed, deleted with the keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from tests.browser import steps
from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import Visit
from tests.running_demo import RunningDemo, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def accept(dialog: Dialog) -> None:
    dialog.accept()


def card(page: Page, title: str) -> Locator:
    heading = page.get_by_role("heading", name=title, exact=True)
    return page.locator("section.st-workspace").filter(has=heading)


def tab_to(page: Page, words: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(
            "(document.activeElement?.innerText || document.activeElement?.id || '').trim()"
        ).startswith(words):
            return
    raise AssertionError(f"Not to be reached with Tab: {words}")


def test_the_page_follows_what_happens_elsewhere_without_being_loaded_again(
    visit: Visit, demo: RunningDemo, screenshots: Path
) -> None:
    page = visit()
    steps.sign_in(page, "emil")
    page.evaluate("window.neverLoadedAgain = true")
    other = page.context.new_page()
    steps.open_menu(other)
    steps.choose(other, image="python-3.13", profile="mig-1g.10gb")
    steps.start(other)
    mine = card(page, "My workspace")
    expect(mine.get_by_text(re.compile("^(Starting|Running)"))).to_be_visible()
    expect(mine.get_by_text(re.compile("^Running"))).to_be_visible(timeout=steps.START_MS)
    expect(mine).to_contain_text("A slice of a GPU")
    expect(mine).to_contain_text("Unless it is used, it stops at")
    mine.get_by_text("More").click()
    expect(mine.get_by_role("link", name="Restart with another choice")).to_be_visible()
    assert_accessible(page)
    steps.picture(page, screenshots, "home-more")

    page.on("dialog", accept)
    mine.get_by_role("button", name="Park the GPU").click()
    page.wait_for_url(re.compile("/(spawn-pending|user)/emil"))
    page.goto("/hub/home")
    expect(mine).to_contain_text("CPU only", timeout=steps.START_MS)
    expect(mine.get_by_text(re.compile("^Running"))).to_be_visible(timeout=steps.START_MS)
    expect(mine.get_by_role("button", name="Park the GPU")).to_have_count(0)
    assert len(demo.pods()) == 1

    page.evaluate("window.neverLoadedAgain = true")
    other.goto("/hub/home")
    other.on("dialog", accept)
    card(other, "My workspace").get_by_role("button", name="Stop").click()
    expect(mine.get_by_text("Your files are kept.")).to_be_visible(timeout=steps.START_MS)
    assert page.evaluate("window.neverLoadedAgain") is True
    expect(mine.get_by_role("link", name="Choose and start")).to_be_visible()
    assert_accessible(page)
    until(lambda: demo.pods() == [], seconds=20, what="the pod is gone")


def test_a_workspace_is_added_renamed_and_deleted_without_a_mouse(
    page: Page, demo: RunningDemo, screenshots: Path
) -> None:
    steps.sign_in(page, "lea")
    tab_to(page, "Another workspace")
    page.keyboard.press("Enter")
    tab_to(page, "st-new-name")
    page.keyboard.type("Trial")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Choose your workspace")).to_be_visible()
    steps.choose(page, image="python-3.13", profile="cpu")
    steps.start(page)
    steps.wait_for_lab(page)
    page.goto("/hub/home")
    trial = card(page, "Trial")
    page.on("dialog", accept)
    trial.get_by_role("button", name="Stop").click()
    expect(trial.get_by_role("link", name="Choose and start")).to_be_visible()
    until(lambda: demo.pods() == [], seconds=20, what="the pod is gone")

    trial.get_by_text("More").focus()
    page.keyboard.press("Enter")
    tab_to(page, "st-name-trial")
    page.keyboard.press("Control+A")
    page.keyboard.type("Second try")
    page.keyboard.press("Enter")
    second = card(page, "Second try")
    expect(second).to_be_visible()

    second.get_by_text("More").click()
    second.get_by_role("link", name="Log and events").click()
    expect(page.get_by_role("heading", name="Last start of “Second try”")).to_be_visible()
    expect(page.get_by_role("region", name="Log of the container")).to_contain_text("ServerApp")
    assert_accessible(page)
    page.go_back()

    second.get_by_text("More").click()
    second.get_by_role("link", name="Delete this workspace").click()
    expect(page.get_by_role("heading", name="Delete “Second try”?")).to_be_visible()
    assert_accessible(page)
    steps.picture(page, screenshots, "delete-workspace")
    # All workspaces of a person have the same files here: only the list gets shorter.
    expect(page.get_by_text("because they are also those of: My workspace")).to_be_visible()
    tab_to(page, "Delete, keep the files")
    page.keyboard.press("Enter")
    page.wait_for_url("**/hub/home")
    mine = card(page, "My workspace")
    expect(mine).to_be_visible()
    expect(second).to_have_count(0)
    assert "home-lea" in demo.kubectl("get", "pvc")

    mine.get_by_text("More").click()
    mine.get_by_role("link", name="Delete its files").click()
    expect(page.get_by_text("Everything on the volume home-lea is deleted")).to_be_visible()
    steps.picture(page, screenshots, "delete-files")
    tab_to(page, "st-typed")
    page.keyboard.type("My workspace")
    page.keyboard.press("Enter")
    page.wait_for_url("**/hub/home")
    until(
        lambda: "home-lea" not in demo.kubectl("get", "pvc"),
        seconds=10,
        what="the volume is gone",
    )


def test_a_running_workspace_is_restarted_from_the_menu(page: Page, screenshots: Path) -> None:
    steps.sign_in(page, "ben")
    steps.open_menu(page)
    steps.choose(page, image="python-3.13", profile="cpu")
    steps.start(page)
    steps.wait_for_lab(page)
    page.goto("/hub/home")
    mine = card(page, "My workspace")
    mine.get_by_text("More").click()
    mine.get_by_role("link", name="Restart with another choice").click()
    expect(page.locator("input[name=image][value='python-3.13']")).to_be_checked()
    assert_accessible(page)
    steps.picture(page, screenshots, "restart-menu")
    steps.choose(page, image="data-science", profile="cpu")
    page.get_by_role("button", name="Restart", exact=True).click()
    steps.wait_for_lab(page)
    page.goto("/hub/home")
    expect(mine).to_contain_text("Data science")
