"""``python -m tests.screenshots.lab [NAME ...]``: the pictures of the panel for docs/lab.md.

Each is of a real JupyterLab whose panel is told the examples in tests/contract, so that every state
can be shown. The pictures are docs/screenshots/lab-NAME.png.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.browser.running_lab import (
    API,
    Answers,
    RunningLab,
    choose_theme,
    example,
    open_lab,
    panel,
    past_hour,
    run_command,
    widen_panel,
)
from tests.chromium import FLAGS, chromium_path
from tests.screenshots.__main__ import MOST_OCTETS, PATIENCE_MS
from tests.screenshots.gallery import FOLDER

TWO_GPUS = example("state", "two GPUs at work, a notebook and a terminal")
NEAR_ITS_STOP = example(
    "state", "an idle notebook holds a shared GPU after a fallback, and the stop is near"
)
NO_HUB = example("state", "outside a hub, no GPU")
MIG_AND_LOST = example("state", "a MIG slice, a lost GPU, kept alive, near its longest run")
PANEL_WIDTH = 330
NARROW_WINDOW = 390

Act = Callable[[Page], Locator | None]


@dataclass(frozen=True)
class Picture:
    """What the server says, what is done then, and what is shown: the panel if nothing is given."""

    state: Any
    act: Act = lambda _page: None
    theme: str = "JupyterLab Light"
    width: int = PANEL_WIDTH
    height: int = 860
    window: int = 1280
    away: bool = False
    silent: bool = False
    """The server has not answered yet."""
    notifications: bool = False


def _gpus(state: str, message: str, hint: str) -> Any:
    told = deepcopy(TWO_GPUS)
    told["gpus"] |= {"state": state, "message": message, "hint": hint}
    told["gpus"] |= {"devices": [], "processes": []}
    told["warnings"] = []
    return told


def _slices() -> Any:
    """Two slices of one card, whose driver tells their load."""
    told = deepcopy(MIG_AND_LOST)
    first = told["gpus"]["devices"][0]
    first["name"] = "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    second = deepcopy(first) | {"id": "MIG-88bb"}
    first["figures"]["utilisation_percent"] = 64.0
    second["figures"] |= {"utilisation_percent": 12.0, "memory_used_bytes": 5_000_000_000}
    told["gpus"]["devices"] = [first, second]
    told["warnings"] = []
    return told


def _troubled() -> Any:
    """One card with everything that can be wrong while it still answers."""
    told = deepcopy(TWO_GPUS)
    device = told["gpus"]["devices"][1]
    device["figures"]["ecc_uncorrected"] = 2
    device["xid"] = [
        {
            "at": told["at"] - 400,
            "code": 31,
            "text": "A program used GPU memory that it does not have.",
            "count": 2,
        }
    ]
    told["gpus"]["devices"] = [device]
    told["gpus"]["processes"] = []
    return told


def _unfold(page: Page) -> None:
    panel(page).locator(".st-Details summary").first.click()


def _scroll_down(page: Page) -> None:
    panel(page).locator(".st-Panel-content").evaluate("node => { node.scrollTop = 1e6; }")


def _dialog(button: str) -> Act:
    def press(page: Page) -> Locator:
        panel(page).get_by_role("button", name=button).click()
        return page.locator(".jp-Dialog-content")

    return press


def _whole(page: Page) -> Locator:
    return page.locator("#main")


def _with_notification(page: Page) -> Locator:
    expect(page.locator(".jp-toastContainer, .Toastify__toast").first).to_be_visible()
    return page.locator("#main")


def _window(page: Page) -> Locator:
    """As on a small screen: the file browser folded away."""
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    return page.locator("#main")


def _settings(page: Page) -> Locator:
    run_command(page, "settingeditor:open", query="GPU and workspace")
    expect(page.get_by_text("Seconds between two samples")).to_be_visible()
    return page.locator(".jp-SettingsPanel")


def _edited(page: Page) -> Locator:
    run_command(page, "fileeditor:create-new")
    page.locator(".jp-FileEditor .cm-content").click()
    page.keyboard.type("x = 1")
    return _dialog("Stop workspace")(page) or page.locator(".jp-Dialog-content")


PICTURES: dict[str, Picture] = {
    "whole": Picture(TWO_GPUS, _whole),
    "two-gpus": Picture(TWO_GPUS),
    "dark": Picture(TWO_GPUS, theme="JupyterLab Dark"),
    "high-contrast": Picture(TWO_GPUS, theme="JupyterLab Dark High Contrast"),
    "details": Picture(TWO_GPUS, _unfold),
    "processes": Picture(TWO_GPUS, _scroll_down),
    "wide": Picture(TWO_GPUS, width=680, height=640),
    "narrow": Picture(TWO_GPUS, _window, height=760, window=NARROW_WINDOW),
    "near-its-stop": Picture(NEAR_ITS_STOP),
    "countdown": Picture(
        NEAR_ITS_STOP, _with_notification, width=300, height=560, window=900, notifications=True
    ),
    "mig": Picture(_slices(), height=620),
    "mig-and-lost": Picture(MIG_AND_LOST),
    "troubles": Picture(_troubled(), height=520),
    "loading": Picture(TWO_GPUS, height=300, silent=True),
    "no-gpu": Picture(NO_HUB, height=560),
    "driver-missing": Picture(
        _gpus(
            "driver_missing",
            "NVIDIA's library is here, but its driver is not loaded on the node.",
            "Stop the workspace and start it again; if it stays, tell your administrator.",
        ),
        height=560,
    ),
    "driver-hung": Picture(
        _gpus(
            "driver_hung",
            "The GPU driver has not answered for some seconds.",
            "If it stays so, save your work, stop the workspace and start it again.",
        ),
        height=560,
    ),
    "away": Picture(TWO_GPUS, height=560, away=True),
    "dialog-stop": Picture(TWO_GPUS, _edited),
    "dialog-park": Picture(TWO_GPUS, _dialog("Park the GPU")),
    "dialog-profiles": Picture(TWO_GPUS, _dialog("Other profile")),
    "settings": Picture(TWO_GPUS, _settings),
}


def _take(browser: Browser, lab: RunningLab, name: str, picture: Picture) -> Path:
    context = browser.new_context(
        viewport={"width": picture.window, "height": picture.height},
        reduced_motion="reduce",
        locale="en-GB",
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    told = Answers(
        lambda: picture.state,
        lambda minutes: past_hour(picture.state, minutes),
        example("choices", "a GPU profile with park and first choice"),
    )
    told.install(page)
    if picture.silent:
        page.route(API + "**", lambda _route: None)
    open_lab(page, lab)
    if not picture.notifications:
        # They would lie over what is shown.
        page.add_style_tag(content="#react-toastify-container {display: none}")
    choose_theme(page, picture.theme)
    shown = panel(page)
    if picture.window > NARROW_WINDOW:
        widen_panel(page, picture.width)
    expect(shown.locator(".st-Card").first).to_be_visible()
    if picture.away:
        told.away = True
        expect(shown).to_contain_text("The workspace does not answer")
    other = picture.act(page)
    page.wait_for_timeout(1500)  # the charts are drawn with the next sample
    file = FOLDER / f"lab-{name}.png"
    (other or shown).screenshot(path=file, animations="disabled", caret="hide")
    context.close()
    return file


def _take_notebook(browser: Browser, folder: Path) -> Path:
    lab = RunningLab.start(folder, hub_prefix="/hub/", notebook=True)
    try:
        page = browser.new_page(viewport={"width": 1100, "height": 620}, locale="en-GB")
        Answers(lambda: TWO_GPUS, lambda minutes: past_hour(TWO_GPUS, minutes)).install(page)
        page.goto(f"{lab.url}/tree")
        page.get_by_role("button", name="2 GPUs").click()
        page.wait_for_timeout(2500)
        file = FOLDER / "lab-notebook7.png"
        page.screenshot(path=file, animations="disabled", caret="hide")
    finally:
        lab.stop()
    return file


def main(names: list[str]) -> int:
    """Take what is named, or all; the exit code says whether every picture is small enough."""
    expect.set_options(timeout=PATIENCE_MS)
    wanted = {name: found for name, found in PICTURES.items() if not names or name in names}
    taken: list[Path] = []
    with tempfile.TemporaryDirectory(prefix="studiolo-lab-") as folder, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        lab = RunningLab.start(Path(folder) / "lab", hub_prefix="/hub/")
        try:
            taken += [_take(browser, lab, name, found) for name, found in wanted.items()]
        finally:
            lab.stop()
        if not names or "notebook7" in names:
            taken.append(_take_notebook(browser, Path(folder) / "notebook"))
        browser.close()
    large = [file for file in taken if file.stat().st_size > MOST_OCTETS]
    for file in large:
        print(f"{file.name} has {file.stat().st_size // 1024} KiB: too large for documentation")
    print(f"{len(taken)} pictures in {FOLDER}")
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
