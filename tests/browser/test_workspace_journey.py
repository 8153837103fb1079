"""The main job from end to end: sign in, choose, work, stop with the button, start again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.running_demo import RunningDemo, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_a_workspace_from_sign_in_to_stop_and_again(
    page: Page, demo: RunningDemo, screenshots: Path
) -> None:
    page.goto("/")
    steps.picture(page, screenshots, "login")
    page.get_by_role("link", name=re.compile("^Sign in with")).click()
    steps.picture(page, screenshots, "local-sign-in")
    steps.sign_in(page, "ana")
    steps.picture(page, screenshots, "home-empty")

    steps.open_menu(page)
    steps.picture(page, screenshots, "menu")
    steps.choose(page, image="pytorch-2.9", profile="gpu")
    # The waiting page may be gone within a second: that it follows the start is seen by what it
    # asks. How it looks is seen where a start takes longer, in test_fallback_seen.
    with page.expect_request(re.compile("/server/progress")):
        steps.start(page)
    steps.wait_for_lab(page)

    assert "pytorch-2.9" in demo.kubectl("get", "pods", "--show-labels")

    panel = steps.panel(page)
    expect(panel.get_by_role("listitem").filter(has_text="Simulated")).to_be_visible()
    utilisation = panel.locator("[data-figure=utilisation_percent] .st-Tile-value")
    expect(utilisation).to_have_text(re.compile(r"^\d+ %$"))
    power = panel.locator("[data-figure=power_watts] .st-Tile-value")
    first = f"{utilisation.inner_text()} {power.inner_text()}"
    page.wait_for_function(
        """first => [...document.querySelectorAll(
             '[data-figure=utilisation_percent] .st-Tile-value,'
             + '[data-figure=power_watts] .st-Tile-value')]
           .map(tile => tile.innerText).join(' ') !== first""",
        arg=first,
    )
    steps.picture_of_lab(page, screenshots, "lab")

    _write_in_a_terminal(page, "echo from the first workspace > kept.txt")
    steps.stop_with_the_button(page)
    expect(page.get_by_text(re.compile("Your files are kept"))).to_be_visible()
    expect(page.get_by_text("The GPU is back in the pool")).to_be_visible()
    steps.picture(page, screenshots, "home-stopped")
    until(lambda: demo.pods() == [], seconds=20, what="the pod is gone")

    steps.open_menu(page)
    expect(page.locator("input[name=image][value='pytorch-2.9']")).to_be_checked()
    steps.choose(page, image="python-3.13", profile="cpu")
    steps.start(page)
    steps.wait_for_lab(page)
    expect(steps.panel(page).get_by_text("No GPU in this workspace")).to_be_visible()
    steps.see_file(page, "kept.txt")
    page.locator("#filebrowser .jp-DirListing-item").filter(has_text="kept.txt").dblclick()
    expect(page.locator(".jp-FileEditor .cm-content")).to_have_text("from the first workspace")

    page.goto("/hub/home")
    expect(page.get_by_text(re.compile("^Running"))).to_be_visible()
    steps.picture(page, screenshots, "home-running")


def test_a_notebook_kernel_runs_in_a_workspace(page: Page) -> None:
    steps.sign_in(page, "gus")
    steps.open_menu(page)
    steps.choose(page, image="python-3.13", profile="cpu")
    steps.start(page)
    steps.wait_for_lab(page)
    page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
    expect(page.get_by_text(re.compile(r"\| Idle$"))).to_be_visible(timeout=30_000)
    cell = page.locator(".jp-Notebook .jp-Cell .cm-content").first
    cell.click()
    cell.type("6 * 7")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-output").first).to_have_text("42", timeout=30_000)


def _write_in_a_terminal(page: Page, command: str) -> None:
    with page.expect_websocket(lambda socket: "/terminals/" in socket.url) as opened:
        page.locator(".jp-LauncherCard[title*='terminal' i]").click()
    # What is typed before the shell's prompt has come would be lost.
    opened.value.wait_for_event("framereceived", lambda frame: "stdout" in str(frame))
    page.locator(".jp-Terminal .xterm-helper-textarea").focus()
    page.keyboard.type(command)
    page.keyboard.press("Enter")
    steps.see_file(page, "kept.txt")
