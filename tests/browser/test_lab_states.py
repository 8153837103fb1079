"""Everything that the panel can show, in a real JupyterLab: words, looks, keyboard, accessibility.

The server's answers are the examples that the units of both sides read, put in the place of its
own, so that each state is there at once and stays.
"""

from __future__ import annotations

import re
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.lab_fixtures import Labs, Look
from tests.browser.running_lab import (
    Answers,
    choose_theme,
    example,
    open_lab,
    panel,
    past_hour,
    run_command,
    widen_panel,
)
from tests.running_demo import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TWO_GPUS = "two GPUs at work, a notebook and a terminal"
NEAR_ITS_STOP = "an idle notebook holds a shared GPU after a fallback, and the stop is near"
NO_HUB = "outside a hub, no GPU"
MIG_AND_LOST = "a MIG slice, a lost GPU, kept alive, near its longest run"

THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")


def gpus_in_state(state: str, message: str, hint: str = "") -> Any:
    """A workspace with a GPU profile whose GPUs cannot be seen."""
    told = deepcopy(example("state", TWO_GPUS))
    told["gpus"] |= {"state": state, "message": message, "hint": hint}
    told["gpus"] |= {"devices": [], "processes": []}
    told["warnings"] = []
    return told


def answers(state: Any) -> Answers:
    """A server that says this, with an hour behind it."""
    return Answers(lambda: state, lambda minutes: past_hour(state, minutes))


def see(page: Page, labs: Labs, told: Answers, name: str = "states") -> None:
    """Open JupyterLab before this server, and the panel in it."""
    told.install(page)
    open_lab(page, labs.get(name))
    panel(page)


def hide_toasts(page: Page) -> None:
    """JupyterLab's notifications lie over the panel's lower end; they are looked at elsewhere."""
    page.add_style_tag(content=".jp-Notification-Toast, #react-toastify-container {display: none}")


def keep(page: Page, screenshots: Path, name: str) -> None:
    """A picture of the panel in each theme; and nobody's needs are forgotten in any of them."""
    hide_toasts(page)
    for theme in THEMES:
        choose_theme(page, theme)
        if page.locator(".st-Panel canvas").count():
            # The next sample draws the charts in the new colours.
            page.wait_for_timeout(1200)
        assert_accessible(page, within=".st-Panel", schemes=("light",))
        short = theme.removeprefix("JupyterLab ").lower().replace(" ", "-")
        page.screenshot(path=screenshots / f"lab-{name}-{short}.png", animations="disabled")
    choose_theme(page, THEMES[0])


CASES = [
    pytest.param(
        "two-gpus",
        example("state", TWO_GPUS),
        ["GPU 0 NVIDIA H100", "GPU 1 NVIDIA H100", "slowed down: too hot", "train.ipynb"],
        id="two GPUs at work",
    ),
    pytest.param(
        "near-its-stop",
        example("state", NEAR_ITS_STOP),
        ["This workspace stops in", "in place of PyTorch 2.9", "Shared, MPS", "96 % full"],
        id="shared, after a fallback, near its stop",
    ),
    pytest.param(
        "mig-and-lost",
        example("state", MIG_AND_LOST),
        ["MIG slice", "does not answer any more", "Xid 79", "Kept alive until"],
        id="a MIG slice and a lost GPU",
    ),
    pytest.param(
        "no-gpu",
        example("state", NO_HUB),
        ["No GPU in this workspace", "CPU, memory and home"],
        id="no GPU in the profile",
    ),
    pytest.param(
        "driver-missing",
        gpus_in_state(
            "driver_missing",
            "NVIDIA's library is here, but its driver is not loaded on the node.",
            "Stop the workspace and start it again; if it stays, tell your administrator.",
        ),
        ["The GPU driver is missing", "tell your administrator"],
        id="library without driver",
    ),
    pytest.param(
        "driver-hung",
        gpus_in_state("driver_hung", "The GPU driver has not answered for some seconds."),
        ["The GPU driver does not answer", "CPU, memory and home"],
        id="a driver that hangs",
    ),
]


@pytest.mark.parametrize(("name", "state", "words"), CASES)
def test_a_state_is_said_in_every_theme(
    look: Look, labs: Labs, screenshots: Path, name: str, state: Any, words: list[str]
) -> None:
    page = look()
    see(page, labs, answers(state))
    widen_panel(page, 320)
    for word in words:
        expect(panel(page)).to_contain_text(word)
    keep(page, screenshots, name)


def test_loading_away_and_back_again(look: Look, labs: Labs, screenshots: Path) -> None:
    page = look()
    told = answers(example("state", TWO_GPUS))
    see(page, labs, told)
    expect(panel(page)).to_contain_text("97 %")
    told.away = True
    expect(panel(page)).to_contain_text("The workspace does not answer")
    expect(panel(page)).to_contain_text("It is asked again by itself.")
    expect(page.locator(".st-Status-button")).to_have_text("Workspace does not answer")
    keep(page, screenshots, "away")
    told.away = False
    expect(panel(page)).to_contain_text("97 %", timeout=30_000)


def test_an_hour_is_there_when_the_panel_is_opened_late(
    look: Look, labs: Labs, screenshots: Path
) -> None:
    page = look()
    see(page, labs, answers(example("state", TWO_GPUS)), "settings")
    chart = panel(page).get_by_role("img", name=re.compile("^Utilisation")).first
    expect(chart).to_have_accessible_name(re.compile(r"last 10 minutes: \d+ % to \d+ %"))
    panel(page).get_by_text("60 min").click()
    expect(chart).to_have_accessible_name(re.compile(r"last 1 hour: \d+ % to \d+ %"))
    # It is kept: in the same browser, another page begins with it.
    chart.hover()
    expect(panel(page).locator(".st-Chart-readout")).to_have_text(re.compile(r"\d\d:\d\d.* \d+ %$"))
    painted = chart.evaluate(
        """canvas => canvas.getContext('2d')
             .getImageData(0, 0, canvas.width, canvas.height).data.some(value => value > 0)"""
    )
    assert painted


def test_narrow_and_wide(look: Look, labs: Labs, screenshots: Path) -> None:
    for width in (390, 1600):
        page = look(width=width)
        see(page, labs, answers(example("state", TWO_GPUS)))
        hide_toasts(page)
        if width == 390:
            page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        else:
            widen_panel(page, 700)
        body = panel(page).locator(".st-Panel-content")
        assert body.evaluate("node => node.scrollWidth <= node.clientWidth"), f"at {width}"
        page.screenshot(path=screenshots / f"lab-two-gpus-{width}.png", animations="disabled")


def test_everything_is_reached_with_the_keyboard(look: Look, labs: Labs) -> None:
    page = look()
    see(page, labs, answers(example("state", NEAR_ITS_STOP)), "keyboard")
    hide_toasts(page)
    command = "Show GPU and Workspace"
    palette = page.locator(".lm-CommandPalette-input")
    chosen = page.locator(".lm-CommandPalette-item.lm-mod-active")

    def reaches_the_panel() -> bool:
        # JupyterLab can be seen before it hears its keys, and moves the focus once more when all
        # is there, which closes the palette.
        page.wait_for_timeout(2000)
        page.keyboard.press("Escape")
        page.keyboard.press("Control+Shift+c")
        with suppress(AssertionError, PlaywrightError):
            palette.fill(command, timeout=3000)
            expect(chosen).to_contain_text(command, timeout=3000)
            page.keyboard.press("Enter")
            expect(page.locator(".st-Panel")).to_be_focused(timeout=3000)
            return True
        return False

    until(reaches_the_panel, seconds=60, what="the panel has the focus")
    reached: list[str] = []
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => {
                  const node = document.activeElement;
                  return node.closest('.st-Panel') === null ? '' :
                    (node.getAttribute('aria-label') ?? node.closest('label')?.innerText
                      ?? node.innerText).trim();
                }"""
            )
        )
    inside = [name for name in reached if name]
    assert inside[:3] == ["Stop workspace…", "Park the GPU…", "Other profile…"]
    assert inside[3].startswith("Keep alive until")
    assert inside[4:6] == ["Try my first choice again…", "10 min"]
    assert inside[6].startswith("Details")
    assert inside[7:9] == ["Go to train.ipynb", "Stop the kernel of train.ipynb…"]
    assert inside[9] == "By which rules"

    panel(page).locator(".st-Details summary").first.focus()
    page.keyboard.press("Enter")
    expect(panel(page).get_by_text("Memory clock")).to_be_visible()
    panel(page).get_by_role("radio", name="10 min").focus()
    page.keyboard.press("ArrowRight")
    expect(panel(page).get_by_role("radio", name="60 min")).to_be_checked()


def test_settings_are_in_the_settings_editor(look: Look, labs: Labs) -> None:
    page = look()
    see(page, labs, answers(example("state", TWO_GPUS)), "settings")
    expect(page.locator(".st-Status-button")).to_be_visible()
    run_command(page, "settingeditor:open", query="GPU and workspace")
    editor = page.locator(".jp-SettingsPanel")
    expect(editor.get_by_text("Seconds between two samples")).to_be_visible()
    editor.get_by_label("Status bar", exact=True).uncheck()
    expect(page.locator(".st-Status-button")).to_be_hidden()
    editor.get_by_label("Charts", exact=True).uncheck()
    expect(panel(page).locator("canvas")).to_have_count(0)
    editor.locator("input[id$=thresholds_gpuCelsius]").fill("60")
    expect(panel(page).get_by_text("over 60 °C").first).to_be_visible()


def test_a_hidden_page_asks_nothing(look: Look, labs: Labs) -> None:
    page = look()
    told = answers(example("state", TWO_GPUS))
    see(page, labs, told)
    expect(panel(page)).to_contain_text("97 %")
    asked: list[str] = []
    page.on(
        "request",
        lambda request: asked.append(request.url) if "jupyterlab_studiolo" in request.url else None,
    )
    page.evaluate(
        """() => {
          Object.defineProperty(document, 'hidden', {value: true, configurable: true});
          document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    page.wait_for_timeout(300)
    asked.clear()
    page.wait_for_timeout(4000)
    assert asked == []
    page.evaluate(
        """() => {
          delete document.hidden;
          document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    expect(panel(page)).to_contain_text("97 %")
    page.wait_for_timeout(500)
    assert any("/stream?" in url for url in asked)
