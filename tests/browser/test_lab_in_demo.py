"""The panel in a workspace of a real hub: parked, restarted, tried again, warned, kept alive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.running_demo import RunningDemo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

#: In the catalogue of the demo, under the profile `gpu`.
IDLE = "idle: {timeout: 1h, gpu_busy_percent: 5, warn_before: 10m}"


def start(page: Page, name: str, *, image: str, profile: str) -> None:
    """From the login page into a workspace."""
    steps.sign_in(page, name)
    steps.open_menu(page)
    steps.choose(page, image=image, profile=profile)
    steps.start(page)
    steps.wait_for_lab(page)


def leave_by(page: Page, button: str, accept: str) -> None:
    """Press a button of the panel, say yes, and wait for the workspace that comes after it."""
    steps.panel(page).get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=accept, exact=True).click()
    page.wait_for_url(re.compile(r"/hub/"), timeout=steps.START_MS)
    steps.wait_for_lab(page)


def test_park_and_come_back_on_a_gpu(page: Page, demo: RunningDemo, screenshots: Path) -> None:
    start(page, "kim", image="pytorch-2.9", profile="gpu")
    panel = steps.panel(page)
    expect(panel).to_contain_text("One GPU")
    leave_by(page, "Park the GPU", "Park the GPU")
    expect(panel).to_contain_text("No GPU in this workspace")
    expect(panel).to_contain_text("PyTorch 2.9")
    expect(panel).to_contain_text("CPU only")
    # There is nothing more to park; and the GPU is a choice among others again.
    expect(panel.get_by_role("button", name="Park the GPU")).to_have_count(0)
    panel.get_by_role("button", name="Other profile").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile(r"\d+ free of \d+"))
    page.screenshot(path=screenshots / "lab-in-demo-profiles.png", animations="disabled")
    dialog.get_by_role("radio", name="One GPU", exact=True).check()
    dialog.get_by_role("button", name="Restart").click()
    page.wait_for_url(re.compile(r"/hub/"), timeout=steps.START_MS)
    steps.wait_for_lab(page)
    expect(steps.panel(page)).to_contain_text("A100-SXM4", timeout=30_000)


def test_the_first_choice_is_tried_again(page: Page, demo: RunningDemo) -> None:
    start(page, "emil", image="pytorch-nightly", profile="cpu")
    panel = steps.panel(page)
    expect(panel.get_by_role("note")).to_contain_text("in place of")
    leave_by(page, "Try my first choice again", "Try it again")
    # It is as broken as before, which is said again.
    expect(steps.panel(page).get_by_role("note")).to_contain_text("in place of")


@pytest.fixture
def short_idle(demo: RunningDemo) -> Iterator[None]:
    """For a while, a GPU that nobody uses is taken soon: a minute, and what the reports add."""
    path = demo.folder / "catalogue.yaml"
    before = path.read_text()
    assert IDLE in before
    path.write_text(
        before.replace(IDLE, "idle: {timeout: 1m, warn_before: 30s, gpu_busy_percent: 100}")
    )
    yield
    path.write_text(before)


def hide(page: Page, hidden: bool) -> None:
    """As if the person looked at another tab, or came back."""
    page.evaluate(
        """hidden => {
          const state = hidden ? 'hidden' : 'visible';
          Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
          Object.defineProperty(document, 'visibilityState', {value: state, configurable: true});
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


def test_warned_in_a_hidden_tab_and_kept_alive(
    page: Page, demo: RunningDemo, short_idle: None
) -> None:
    page.wait_for_timeout(11_000)  # an edit of the catalogue counts within 10 seconds
    start(page, "fay", image="python-3.13", profile="gpu")
    expect(steps.panel(page)).to_contain_text("A100-SXM4", timeout=30_000)
    hide(page, hidden=True)
    expect(page).to_have_title(re.compile("^⏳ This workspace stops in"), timeout=220_000)
    hide(page, hidden=False)
    steps.panel(page)
    page.locator(".jp-MenuBar-anchor, .lm-MenuBar").get_by_role("menuitem", name="File").click()
    page.get_by_role("menuitem", name="Keep Workspace Alive…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It is then not stopped for being idle until")
    dialog.get_by_role("button", name="Keep alive").click()
    expect(steps.panel(page)).to_contain_text("Kept alive until")
    expect(page).not_to_have_title(re.compile("⏳"), timeout=30_000)
