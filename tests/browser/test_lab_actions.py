"""What a person does with the workspace from inside: every dialog, and what nobody else can do.

The server's answers are put in the place of its own; the same against a real hub is in
test_lab_in_demo.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.lab_fixtures import Labs, Look
from tests.browser.running_lab import Answers, example, open_lab, panel, run_command

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TWO_GPUS = "two GPUs at work, a notebook and a terminal"
NEAR_ITS_STOP = "an idle notebook holds a shared GPU after a fallback, and the stop is near"
CHOICES = "a GPU profile with park and first choice"
COMMANDS = (
    "studiolo:stop-workspace",
    "studiolo:park-gpu",
    "studiolo:restart-with-profile",
    "studiolo:first-choice",
    "studiolo:keep-alive",
)


@pytest.fixture
def told() -> Answers:
    """A server that says that all is well and everything is offered."""
    state = example("state", TWO_GPUS)
    state["actions"]["first_choice"] = {"offered": True, "reason": None}
    return Answers(
        lambda: state,
        choices=example("choices", CHOICES),
        posts={
            "stop": (202, {"version": 1, "state": "stopping", "url": "/hub/home"}),
            "restart": (202, {"version": 1, "url": "/hub/spawn-pending/ana/"}),
            "park": (202, {"version": 1, "url": "/hub/spawn-pending/ana/"}),
        },
    )


@pytest.fixture
def page(look: Look, labs: Labs, told: Answers) -> Iterator[Page]:
    """A JupyterLab before that server, with a text file in it that is changed and not saved."""
    lab = labs.get("actions")
    (lab.work / "notes.txt").write_text("before", "utf-8")
    page = look()
    told.install(page)
    open_lab(page, lab)
    page.add_style_tag(content="#react-toastify-container {pointer-events: none; opacity: 0}")
    panel(page)
    yield page
    page.goto("about:blank")


def change_a_document(page: Page) -> None:
    """Type into notes.txt, without saving."""
    run_command(page, "docmanager:open", path="notes.txt")
    editor = page.locator(".jp-FileEditor .cm-content")
    editor.click()
    page.keyboard.type("now ")
    expect(editor).to_contain_text("now")


def dialog_after(page: Page, button: str) -> Locator:
    """Press a button of the panel; give the dialog that follows."""
    panel(page).get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def test_stop_names_what_is_not_saved_and_saves_it(
    page: Page, labs: Labs, told: Answers, screenshots: Path
) -> None:
    change_a_document(page)
    dialog = dialog_after(page, "Stop workspace")
    expect(dialog).to_contain_text("Stop this workspace?")
    expect(dialog).to_contain_text("Gives the GPU back. Your files are kept.")
    expect(dialog).to_contain_text("1 document is not saved:")
    expect(dialog).to_contain_text("notes.txt")
    assert_accessible(page, within=".jp-Dialog", schemes=("light",))
    page.screenshot(path=screenshots / "lab-dialog-stop.png")
    # Enter must not stop anything that was not meant.
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert told.posted == []

    dialog = dialog_after(page, "Stop workspace")
    dialog.get_by_role("button", name="Stop workspace").click()
    page.wait_for_url("**/hub/home")
    assert told.posted == [("stop", {})]
    assert "now" in (labs.get("actions").work / "notes.txt").read_text("utf-8")


def test_what_is_refused_is_said_and_nothing_is_lost(page: Page, told: Answers) -> None:
    told.posts["stop"] = (
        503,
        {"version": 1, "reason": "x", "message": "The hub is away.", "hint": "Try again."},
    )
    change_a_document(page)
    dialog = dialog_after(page, "Stop workspace")
    dialog.get_by_role("checkbox").uncheck()
    dialog.get_by_role("button", name="Stop workspace").click()
    expect(page.get_by_role("dialog")).to_contain_text("The hub is away. Try again.")
    expect(page.locator(".jp-FileEditor .cm-content")).to_contain_text("now")


def test_park_goes_to_the_waiting_page(page: Page, told: Answers, screenshots: Path) -> None:
    dialog = dialog_after(page, "Park the GPU")
    expect(dialog).to_contain_text("starts again on “CPU only” with the same files")
    page.screenshot(path=screenshots / "lab-dialog-park.png")
    dialog.get_by_role("button", name="Park the GPU").click()
    page.wait_for_url("**/hub/spawn-pending/ana/")
    assert told.posted == [("park", {})]


def test_another_profile_is_chosen_among_those_that_can_be_had(
    page: Page, told: Answers, screenshots: Path
) -> None:
    dialog = dialog_after(page, "Other profile")
    expect(dialog.get_by_role("radio", name="CPU only")).to_be_checked()
    expect(dialog.get_by_role("radio", name="One H100")).to_be_disabled()
    expect(dialog).to_contain_text("Your group's quota of 4 GPUs is used up.")
    expect(dialog).to_contain_text("3 free of 8; at most 2 on one machine")
    assert_accessible(page, within=".jp-Dialog", schemes=("light",))
    page.screenshot(path=screenshots / "lab-dialog-profiles.png")
    dialog.get_by_role("radio", name="One L4").check()
    dialog.get_by_role("button", name="Restart").click()
    page.wait_for_url("**/hub/spawn-pending/ana/")
    assert told.posted == [("restart", {"profile": "gpu-l4"})]


def test_an_answer_never_leads_to_another_site(page: Page, told: Answers) -> None:
    told.posts["park"] = (202, {"version": 1, "url": "https://elsewhere.invalid/hub/home"})
    dialog = dialog_after(page, "Park the GPU")
    dialog.get_by_role("button", name="Park the GPU").click()
    page.wait_for_url("**/hub/home")
    assert "elsewhere" not in page.url


def near_its_stop(told: Answers) -> Any:
    """From now on the server says that the stop is near."""
    state = example("state", NEAR_ITS_STOP)
    told.state = lambda: state
    return state


def test_a_stop_is_announced_and_held_off(page: Page, told: Answers, screenshots: Path) -> None:
    state = near_its_stop(told)
    banner = panel(page).locator(".st-Countdown")
    expect(banner).to_contain_text(re.compile(r"This workspace stops in\s+[78]:\d\d"))
    expect(banner.get_by_role("status")).to_have_text("This workspace stops in 8 minutes.")
    expect(page.locator(".st-Status-button")).to_have_text("Stops in 8 min")
    expect(page).to_have_title(re.compile("^⏳ This workspace stops in 8 minutes"))

    kept = deepcopy(state)
    kept["stops"] |= {"warn": False, "warn_from": None, "at": state["at"] + 3600.0}
    kept["stops"]["keep_alive"] |= {"until": state["at"] + 3600.0}
    told.posts["keep-alive"] = (
        200,
        {"version": 1, "until": 1772361004.0, "stops": kept["stops"]},
    )
    before = len(told.posted)
    told.state = lambda: state if len(told.posted) == before else kept
    banner.get_by_role("button", name=re.compile("^Keep alive until")).click()
    expect(banner).to_be_hidden()
    expect(panel(page)).to_contain_text("Kept alive until")
    expect(page).not_to_have_title(re.compile("⏳"))
    assert told.posted == [("keep-alive", {})]


def test_the_first_choice_is_tried_again(page: Page, told: Answers) -> None:
    near_its_stop(told)
    dialog = dialog_after(page, "Try my first choice again")
    expect(dialog).to_contain_text("This workspace runs PyTorch 2.8 in place of PyTorch 2.9.")
    dialog.get_by_role("button", name="Try it again").click()
    page.wait_for_url("**/hub/spawn-pending/ana/")
    assert told.posted == [("restart", {"first_choice": True})]


def test_a_kernel_is_stopped_and_its_notebook_opened(page: Page, told: Answers) -> None:
    stopped: list[str] = []
    page.route("**/api/kernels/0c5a3b52*", lambda route: stopped.append(route.request.method))
    dialog = dialog_after(page, "Stop the kernel of train.ipynb")
    expect(dialog).to_contain_text("It gives back 62 GiB of GPU memory.")
    dialog.get_by_role("button", name="Cancel").click()
    assert stopped == []
    dialog_after(page, "Stop the kernel of train.ipynb").get_by_role(
        "button", name="Stop kernel"
    ).click()
    page.wait_for_timeout(300)
    assert stopped == ["DELETE"]


def test_go_to_the_notebook_of_a_process(page: Page, labs: Labs) -> None:
    work = labs.get("actions").work / "work"
    work.mkdir(exist_ok=True)
    (work / "train.ipynb").write_text(json.dumps(notebook([])), "utf-8")
    panel(page).get_by_role("button", name="Go to train.ipynb").click()
    expect(page.get_by_role("tab", name="train.ipynb")).to_be_visible()


def test_every_action_is_in_the_palette_and_the_file_menu(page: Page) -> None:
    page.get_by_role("menuitem", name="File").click()
    menu = page.get_by_role("menu")
    for name in (
        "Keep Workspace Alive…",
        "Try My First Choice Again…",
        "Restart with Another Profile…",
        "Park the GPU…",
        "Stop Workspace…",
    ):
        expect(menu.get_by_role("menuitem", name=name)).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Shift+c")
    page.locator(".lm-CommandPalette-input").fill("Park the GPU")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Park the GPU?")


def notebook(outputs: list[str], markdown: str = "") -> dict[str, Any]:
    """A notebook that somebody has sent: with outputs, and a text, that want to be clicked."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "text", "metadata": {}, "source": markdown}
    ]
    for number, html in enumerate(outputs):
        output = {"output_type": "display_data", "metadata": {}, "data": {"text/html": html}}
        cells.append(
            {
                "cell_type": "code",
                "id": f"cell{number}",
                "metadata": {},
                "execution_count": 1,
                "source": "",
                "outputs": [output],
            }
        )
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def test_nothing_that_a_notebook_holds_does_anything(page: Page, labs: Labs, told: Answers) -> None:
    """Whatever is clicked in it, and whatever its scripts try: at most a dialog asks."""
    attacks = [
        f"<button data-commandlinker-command='{command}' data-commandlinker-args='{{}}'>"
        f"Show the results of {command}</button>"
        for command in COMMANDS
    ]
    scripts = [
        "<script>window.jupyterapp.commands.execute('studiolo:stop-workspace')</script>",
        "<img src=x onerror=\"window.jupyterapp.commands.execute('studiolo:park-gpu')\">",
        "<a href=\"javascript:window.jupyterapp.commands.execute('studiolo:park-gpu')\">More</a>",
    ]
    links = "\n".join(f"[results](command:{command})" for command in COMMANDS)
    path = labs.get("actions").work / "sent.ipynb"
    path.write_text(json.dumps(notebook(attacks + scripts, links + "\n" + attacks[0])), "utf-8")
    run_command(page, "docmanager:open", path="sent.ipynb")
    outputs = page.locator(".jp-Notebook")
    expect(outputs.get_by_text("Show the results of studiolo:park-gpu")).to_be_visible()
    expect(outputs.locator("script")).to_have_count(0)
    for thing in outputs.locator(
        ".jp-OutputArea-output button, .jp-OutputArea-output a, .jp-RenderedMarkdown a,"
        ".jp-RenderedMarkdown button"
    ).all():
        thing.evaluate("node => node.click()")
        page.wait_for_timeout(150)
        dialog = page.get_by_role("dialog")
        if dialog.is_visible():
            # Nothing more than this can come of it; and Enter says no.
            page.keyboard.press("Enter")
            expect(dialog).to_be_hidden()
    for command in COMMANDS:
        run_command(page, command, now="true", force="true")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        run_command(page, command)
        expect(dialog).to_have_count(1)
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
    assert told.posted == []
    assert page.url.endswith("/lab") or "/lab/" in page.url
