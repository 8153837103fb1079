"""The checker finds what is wrong, and every page before the workspaces passes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.accessibility import assert_accessible

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

FAULTS = {
    "an input without a name": ("<input>", "label"),
    "text that is too faint": ("<p style='color:#aaa;background:#fff'>faint</p>", "color-contrast"),
    "a button without words": ("<button></button>", "button-name"),
    "a reference into the void": ("<input aria-label='a' aria-checked='x'>", "aria-"),
}
DOCUMENT = "<!doctype html><html lang=en><title>t</title><main><h1>Heading</h1>{}</main>"


@pytest.fixture
def blank(chromium: Browser) -> Iterator[Page]:
    """A page without anything around it."""
    page = chromium.new_page(offline=True)
    yield page
    page.close()


@pytest.mark.parametrize(("markup", "rule"), FAULTS.values(), ids=FAULTS)
def test_the_checker_finds(blank: Page, markup: str, rule: str) -> None:
    blank.set_content(DOCUMENT.format(markup))
    with pytest.raises(AssertionError, match=rule):
        assert_accessible(blank)


def test_the_checker_looks_at_the_dark_scheme_too(blank: Page) -> None:
    style = "<style>@media (prefers-color-scheme: dark) {p {color: #eee}}</style><p>text</p>"
    blank.set_content(DOCUMENT.format(style))
    assert_accessible(blank, schemes=("light",))
    with pytest.raises(AssertionError, match=r"\[dark\] serious: color-contrast"):
        assert_accessible(blank)


def test_the_checker_passes_what_is_right(blank: Page) -> None:
    blank.set_content(DOCUMENT.format("<label>Name <input></label>"))
    assert_accessible(blank)
