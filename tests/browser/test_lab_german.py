"""The panel in a German JupyterLab: its own words, those of its server, and the settings editor's.

A person chooses a language in JupyterLab, which offers those that a language pack is installed for.
An empty one stands in its place here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from playwright.sync_api import Page, expect
from studiolo_local.gpu import build

from tests.browser.lab_fixtures import Labs, Look
from tests.browser.running_lab import Answers, RunningLab, example, open_lab, run_command

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

NEAR_ITS_STOP = "an idle notebook holds a shared GPU after a fallback, and the stop is near"
PACK = "jupyterlab_language_pack_de_DE"


@pytest.fixture(scope="module")
def german(labs: Labs, tmp_path_factory: pytest.TempPathFactory) -> RunningLab:
    """A JupyterLab set to German, whose only GPU is lost."""
    folder = tmp_path_factory.mktemp("german")
    driver = build(folder)
    assert driver.library is not None, driver.reason
    (folder / "fault").write_text("gpu_lost:0", "utf-8")
    gpu = {"uuid": "GPU-0", "name": "NVIDIA A100-SXM4-80GB (simulated)", "memory_mib": 81920}
    return labs.get(
        "german",
        {
            **speaks_german(folder),
            "LD_LIBRARY_PATH": str(driver.library.parent),
            "STUDIOLO_SIMULATED_GPUS": json.dumps([gpu | {"mig": False}]),
            "STUDIOLO_SIMULATED_FAULT_FILE": str(folder / "fault"),
            "STUDIOLO_WORKSPACE": json.dumps(example("workspace", "whole GPU")),
        },
        hub_prefix="/hub/",
    )


def speaks_german(folder: Path) -> Mapping[str, str]:
    """The environment of a JupyterLab whose person has chosen German."""
    (folder / PACK).mkdir()
    (folder / PACK / "__init__.py").touch()
    about = folder / f"{PACK}-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACK}\nVersion: 1\n", "utf-8")
    (about / "entry_points.txt").write_text(
        dedent(f"""\
            [jupyterlab.languagepack]
            de_DE = {PACK}
            """),
        "utf-8",
    )
    settings = folder / "settings" / "@jupyterlab" / "translation-extension"
    settings.mkdir(parents=True)
    (settings / "plugin.jupyterlab-settings").write_text('{"locale": "de_DE"}', "utf-8")
    path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "PYTHONPATH": os.pathsep.join(path),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
    }


def see(page: Page, lab: RunningLab) -> None:
    """Open it, and the panel in it."""
    open_lab(page, lab)
    run_command(page, "studiolo:show-panel")
    expect(page.locator(".st-Panel-content")).to_be_visible()


def test_what_the_server_says_is_german(look: Look, german: RunningLab, screenshots: Path) -> None:
    page = look()
    see(page, german)
    panel = page.get_by_role("region", name="GPU und Arbeitsplatz")
    expect(panel.get_by_role("alert")).to_contain_text(
        "Die GPU antwortet nicht mehr (sie ist vom Bus gefallen).", timeout=10_000
    )
    # Outside a hub the server refuses; its words come through a dialog.
    panel.get_by_role("button", name="Arbeitsplatz stoppen…").click()
    page.get_by_role("button", name="Arbeitsplatz stoppen", exact=True).click()
    expect(page.locator(".jp-Dialog-content")).to_contain_text(
        "Dieses JupyterLab wurde nicht von einem Hub gestartet"
    )
    page.screenshot(path=screenshots / "lab-german-refusal.png")


def test_notices_have_german_figures(look: Look, german: RunningLab, screenshots: Path) -> None:
    page = look()
    state = example("state", NEAR_ITS_STOP)
    state["warnings"][1]["message_said"]["values"] = [96, 3.8]
    Answers(lambda: state).install(page)
    see(page, german)
    panel = page.locator(".st-Panel")
    expect(panel).to_contain_text("Ihr Home ist zu 96 % voll: 3,8 GiB sind frei.")
    expect(panel).to_contain_text("train.ipynb belegt 4 GiB GPU-Speicher")
    expect(panel).to_contain_text("27,3 / 80 GiB")
    expect(panel).to_contain_text("Dieser Arbeitsplatz wird gestoppt in")
    page.screenshot(path=screenshots / "lab-german-notices.png")


def test_the_settings_editor_is_german(look: Look, german: RunningLab, screenshots: Path) -> None:
    page = look()
    see(page, german)
    run_command(page, "settingeditor:open", query="GPU und Arbeitsplatz")
    editor = page.locator(".jp-SettingsPanel")
    expect(editor.get_by_text("Sekunden zwischen zwei Messungen")).to_be_visible()
    page.screenshot(path=screenshots / "lab-german-settings.png")
    editor.get_by_label("Statusleiste", exact=True).uncheck()
    expect(page.locator(".st-Status-button")).to_be_hidden()
