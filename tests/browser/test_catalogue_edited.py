"""The catalogue is edited while the hub runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Visit
from tests.running_demo import RunningDemo, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

WITHIN_SECONDS = 10


@pytest.fixture
def catalogue(demo: RunningDemo) -> Iterator[Path]:
    """The demo's catalogue; as it was, afterwards."""
    path = demo.folder / "catalogue.yaml"
    before = path.read_text()
    yield path
    path.write_text(before)


def test_an_edit_counts_at_once_and_a_bad_one_is_told_to_administrators(
    visit: Visit, catalogue: Path, screenshots: Path
) -> None:
    admin, person = visit(), visit()
    steps.sign_in(admin, "carla")
    steps.sign_in(person, "ben")
    steps.open_menu(person)
    good = catalogue.read_text()

    catalogue.write_text(
        good.replace("display_name: Plain Python 3.13", "display_name: Pure Python")
    )
    _reload_until(person, "Pure Python")

    catalogue.write_text(good + "\n  nonsense: [\n")
    _reload_until(admin, "last edit is not in effect")
    expect(admin.locator("#st-catalogue-problem")).to_contain_text("catalogue.yaml")
    steps.picture(admin, screenshots, "home-admin-banner")
    person.reload()
    expect(person.get_by_text("Pure Python")).to_be_visible()
    expect(person.locator("#st-catalogue-problem")).to_have_count(0)

    catalogue.write_text(good)
    _reload_until(person, "Plain Python 3.13")
    admin.reload()
    expect(admin.locator("#st-catalogue-problem")).to_have_count(0)


def _reload_until(page: Page, words: str) -> None:
    """Load a page anew, as a person would, until it shows the words."""

    def shown() -> bool:
        page.reload()
        return page.get_by_text(words).is_visible()

    until(shown, seconds=WITHIN_SECONDS, what=f"the page shows {words!r}")
