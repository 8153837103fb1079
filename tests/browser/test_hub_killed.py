"""The hub dies: workspaces go on, and the new hub knows them."""

from __future__ import annotations

import os
import re
import signal

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.running_demo import RunningDemo, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_a_workspace_outlives_the_hub(page: Page, demo: RunningDemo) -> None:
    steps.sign_in(page, "emil")
    steps.open_menu(page)
    steps.choose(page, image="python-3.13", profile="cpu")
    steps.start(page)
    steps.wait_for_lab(page)
    before = [pod["metadata"]["uid"] for pod in demo.pods()]
    assert len(before) == 1
    hub = demo.hub_pid()

    os.kill(hub, signal.SIGKILL)
    # The workspace does not need the hub: Lab loads anew from it, through the proxy.
    assert page.request.get("/user/emil/api/status").status == 200

    until(lambda: demo.hub_answers() and demo.hub_pid() != hub, seconds=60, what="a new hub")
    page.goto("/hub/home")
    expect(page.get_by_text(re.compile("^Running"))).to_be_visible()
    assert [pod["metadata"]["uid"] for pod in demo.pods()] == before
    page.get_by_role("link", name="Open").click()
    steps.wait_for_lab(page)
    steps.stop_with_the_button(page)
    until(lambda: demo.pods() == [], seconds=20, what="the pod is gone")
