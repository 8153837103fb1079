"""Notebook 7 shows the panel, too: on its list of files and beside a notebook."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import assert_accessible
from tests.browser.lab_fixtures import Labs, Look
from tests.browser.running_lab import PEERS, Answers, example, past_hour

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

STATE = example("state", "two GPUs at work, a notebook and a terminal")


@pytest.mark.parametrize("path", ["/tree", "/notebooks/empty.ipynb"])
def test_the_panel_is_there(look: Look, labs: Labs, screenshots: Path, path: str) -> None:
    assert (PEERS / "bin").is_dir(), "Notebook 7 is not installed: run `make test`, which does it"
    lab = labs.get("notebook", notebook=True)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {"cells": [], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (lab.work / "empty.ipynb").write_text(json.dumps(content), "utf-8")
    page = look()
    told = Answers(lambda: STATE, lambda minutes: past_hour(STATE, minutes))
    told.install(page)
    page.goto(lab.url + path)
    page.get_by_role("button", name="2 GPUs").click()
    region = page.get_by_role("region", name="GPU and workspace")
    expect(region).to_contain_text("GPU 1 NVIDIA H100")
    assert_accessible(page, within=".st-Panel", schemes=("light",))
    page.wait_for_timeout(1200)
    name = "tree" if path == "/tree" else "notebook"
    page.screenshot(path=screenshots / f"lab-notebook7-{name}.png", animations="disabled")
    region.get_by_role("button", name="Stop workspace").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop workspace").click()
    page.wait_for_url("**/hub/home")
    assert told.posted == [("stop", {})]
