"""Signing in and out, by either name of this machine, and what a stranger's link does."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.running_demo import RunningDemo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_the_machine_may_be_called_localhost(page: Page, demo: RunningDemo) -> None:
    page.goto(demo.address.replace("127.0.0.1", "localhost"))
    page.get_by_role("link", name=re.compile("^Sign in with")).click()
    page.get_by_role("button", name=re.compile("Ben Okafor")).click()
    expect(page.get_by_role("link", name="Choose and start")).to_be_visible()
    assert page.url.startswith("http://localhost:")


def test_signing_out_is_the_end_of_it(page: Page) -> None:
    steps.sign_in(page, "ben")
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    page.goto("/hub/home")
    page.get_by_role("link", name=re.compile("^Sign in with")).click()
    # Nobody is remembered: the person chooses again.
    expect(page.get_by_role("heading", name="Local sign-in")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Ben Okafor"))).to_be_visible()


def test_a_sign_in_that_the_hub_did_not_begin_ends_at_the_hub(page: Page) -> None:
    steps.sign_in_by_a_strangers_link(page, "Carla")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("carla", exact=True)).to_have_count(0)
