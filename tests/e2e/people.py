"""A person with a browser before the installed Studiolo. I/O: a real headless Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

from tests.chromium import FLAGS, chromium_path
from tests.e2e.release import PASSWORD, URL

PATIENCE_MS = 60_000


@contextmanager
def browsing() -> Iterator[Page]:
    """A browser that has never been here."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        context = browser.new_context(base_url=URL, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE_MS)
        try:
            yield context.new_page()
        finally:
            browser.close()


def sign_in(page: Page, name: str) -> None:
    """Sign in with a password at Dex, and land at home."""
    page.goto("/")
    page.get_by_role("link", name=re.compile("^Sign in with")).click()
    # Dex's own page.
    page.locator("input[name=login]").fill(f"{name}@example.org")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("button[type=submit]").click()
    page.wait_for_url("**/hub/home")


def write_file(page: Page, name: str) -> None:
    """Leave a file in the home, by the interface that the page itself uses."""
    page.evaluate(
        """async (name) => {
          const data = document.getElementById("jupyter-config-data").textContent;
          const base = JSON.parse(data).baseUrl;
          const xsrf = document.cookie.match(/_xsrf=([^;]+)/)[1];
          const answer = await fetch(`${base}api/contents/${name}`, {
            method: "PUT",
            headers: { "Content-Type": "application/json", "X-XSRFToken": xsrf },
            body: JSON.stringify({ type: "file", format: "text", content: "kept" }),
          });
          if (!answer.ok) throw new Error(await answer.text());
        }""",
        name,
    )
