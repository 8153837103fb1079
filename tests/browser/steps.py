"""What a person does in Studiolo, step by step, found by what the pages show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from playwright.sync_api import Locator, Page, expect

Scheme = Literal["light", "dark"]
LOOKS: tuple[tuple[Scheme, int, int], ...] = (
    ("light", 390, 844), ("light", 1280, 900), ("dark", 1280, 900),
)  # fmt: skip
START_MS = 60_000
LAB_MS = 60_000


def sign_in(page: Page, name: str) -> None:
    """From the login page to the hub's home, as one of the people of the file."""
    page.goto("/")
    page.get_by_role("link", name=re.compile("^Sign in with")).click()
    expect(page.get_by_role("heading", name="Local sign-in")).to_be_visible()
    page.get_by_role("button", name=re.compile(rf"\b{name}\b")).click()
    expect(page.get_by_role("heading", name=re.compile("^My workspace"))).to_be_visible()


def sign_in_by_a_strangers_link(page: Page, name: str) -> None:
    """Follow a request for sign-in that this browser never made, as somebody might send one."""
    page.goto("/")
    with page.expect_request(re.compile("/auth[?]")) as asked:
        page.get_by_role("link", name=re.compile("^Sign in with")).click()
    page.context.clear_cookies()
    page.goto(asked.value.url)
    page.get_by_role("button", name=re.compile(rf"\b{name}\b")).click()
    page.wait_for_url(re.compile("/hub/oauth_callback"))


def open_menu(page: Page) -> None:
    """From the hub's home to the menu."""
    page.goto("/hub/home")
    page.get_by_role("link", name="Choose and start").click()
    expect(page.get_by_role("heading", name="Choose your workspace")).to_be_visible()


def choose(page: Page, *, image: str, profile: str) -> None:
    """Choose an image and a profile by their ids."""
    for field, value in (("image", image), ("profile", profile)):
        option = page.locator(f"input[name={field}][value='{value}']")
        # The label covers the whole card, which is what a person aims at.
        page.locator(f"label[for='{option.get_attribute('id')}']").click()
        expect(option).to_be_checked()


def start(page: Page) -> None:
    """Press the button, and see that the waiting page follows."""
    page.get_by_role("button", name="Start", exact=True).click()


def wait_for_lab(page: Page) -> None:
    """Wait until JupyterLab can be worked with."""
    page.wait_for_url(re.compile(r"/user/[^/]+(/[^/]+)?/lab"), timeout=START_MS)
    expect(page.get_by_role("tab", name="GPU and workspace")).to_be_visible(timeout=LAB_MS)
    expect(page.locator("#jupyterlab-splash")).to_have_count(0, timeout=LAB_MS)


def panel(page: Page) -> Locator:
    """Open the panel if it is closed, and give it."""
    region = page.get_by_role("region", name="GPU and workspace")
    if not region.is_visible():
        page.get_by_role("tab", name="GPU and workspace").click()
    expect(region).to_be_visible()
    return region


def see_file(page: Page, name: str) -> None:
    """See a file in Lab's file browser, which asks the workspace every few seconds."""
    files = page.locator("#filebrowser")
    if not files.is_visible():
        page.get_by_role("tab", name=re.compile("^File Browser")).click()
    expect(files.locator(".jp-DirListing-item").filter(has_text=name)).to_be_visible()


def stop_with_the_button(page: Page) -> None:
    """Stop from inside, and land on the hub's home."""
    panel(page).get_by_role("button", name="Stop workspace").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Stop this workspace?")
    dialog.get_by_role("button", name="Stop workspace").click()
    page.wait_for_url("**/hub/home")


def picture(page: Page, folder: Path, name: str) -> None:
    """Keep how a page looks: light and wide, narrow, dark; none may be wider than a phone.

    Colours are another matter than widths, and accessibility is checked in both schemes.
    """
    before = page.viewport_size
    for scheme, width, height in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", animations="disabled")
        assert not page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        ), f"{name} is wider than {width} pixels"
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    if before:
        page.set_viewport_size(before)


def picture_of_lab(page: Page, folder: Path, name: str) -> None:
    """Keep how JupyterLab looks; its width and colours are its own affair."""
    page.screenshot(path=folder / f"{name}.png", animations="disabled")
