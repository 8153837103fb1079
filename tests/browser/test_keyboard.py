"""Signing in and starting a workspace with the keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_a_workspace_is_started_without_a_mouse(page: Page) -> None:
    page.goto("/")
    _tab_to(page, re.compile("^Sign in with"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Local sign-in")).to_be_visible()
    _tab_to(page, re.compile("Fay Osei"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("^My workspace"))).to_be_visible()
    _tab_to(page, re.compile("^Choose and start$"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Choose your workspace")).to_be_visible()

    _tab_to_input(page, "image")
    _arrow_to(page, "python-3.13")
    _tab_to_input(page, "profile")
    _arrow_to(page, "cpu")
    _tab_to(page, re.compile("^Start$"))
    page.keyboard.press("Enter")
    steps.wait_for_lab(page)


def _tab_to(page: Page, words: re.Pattern[str]) -> None:
    """Press Tab until the words are in focus, and see that the focus shows."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if words.search(page.evaluate("(document.activeElement?.innerText ?? '').trim()")):
            assert page.evaluate(
                """() => { const style = getComputedStyle(document.activeElement);
                           return style.outlineStyle !== 'none' || style.boxShadow !== 'none'; }"""
            ), "the focus does not show"
            return
    raise AssertionError(f"Not to be reached with Tab: {words.pattern}")


def _tab_to_input(page: Page, name: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.name") == name:
            return
    raise AssertionError(f"Not to be reached with Tab: {name}")


def _arrow_to(page: Page, value: str) -> None:
    for _ in range(30):
        if page.evaluate("document.activeElement?.value") == value:
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"Not to be reached with the arrow keys: {value}")
