"""The menu's script and style in a real browser: narrowing, the wide target, the keyboard, no
script.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from studiolo_spawner.menu import build_menu
from studiolo_spawner.menu_page import render_menu
from studiolo_spawner.offer import Person

from tests.spawner.catalogues import example

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

FORM = render_menu(build_menu(example(), Person("ana")))
PAGE = f"<!doctype html><html lang='en'><body><form id='spawn_form'>{FORM}</form></body></html>"
SENT = "() => Object.fromEntries(new FormData(document.getElementById('spawn_form')))"


@pytest.fixture
def menu(chromium: Browser) -> Iterator[Page]:
    """The form alone, without a hub around it; a fault of the script fails the test."""
    page = chromium.new_page(offline=True)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content(PAGE)
    yield page
    page.close()
    assert errors == []


def shown(page: Page) -> list[str]:
    """The images that can be seen, by their names."""
    images = page.get_by_role("group", name="Image", exact=True).get_by_role("radio")
    return [image.get_attribute("value") or "" for image in images.all() if image.is_visible()]


def test_ticking_narrows_and_unticking_widens(menu: Page) -> None:
    everything = shown(menu)
    assert len(everything) == 4
    menu.get_by_label("tensorboard").check()
    assert shown(menu) == ["pytorch-2.9", "pytorch-2.8", "tensorflow-2.20"]
    expect(menu.locator("#st-fits")).to_have_text("3 of 4 images fit.")
    menu.get_by_label("fine-tune").check()
    assert shown(menu) == ["pytorch-2.9", "pytorch-2.8"]
    menu.get_by_label("tensorboard").uncheck()
    menu.get_by_label("fine-tune").uncheck()
    assert shown(menu) == everything
    expect(menu.locator("#st-fits")).to_have_text("")


def test_what_is_not_seen_is_not_sent(menu: Page) -> None:
    assert menu.evaluate(SENT)["image"] == "pytorch-2.9"
    menu.get_by_label("teach").check()
    assert shown(menu) == ["python-3.13"]
    assert menu.evaluate(SENT)["image"] == "python-3.13"


def test_when_nothing_fits_everything_stays(menu: Page) -> None:
    menu.get_by_label("teach").check()
    menu.get_by_label("tensorboard").check()
    assert len(shown(menu)) == 4
    expect(menu.locator("#st-fits")).to_contain_text("No image provides all of this")


def test_the_whole_card_is_the_target(menu: Page) -> None:
    card = menu.locator("#st-profiles .st-option", has_text="A slice of a GPU")
    box = card.bounding_box()
    assert box
    card.click(position={"x": box["width"] - 4, "y": box["height"] - 4})
    expect(menu.get_by_role("radio", name="A slice of a GPU")).to_be_checked()


def test_arrow_keys_choose_and_step_over_what_is_hidden(menu: Page) -> None:
    menu.get_by_label("vscode").check()
    menu.get_by_role("radio", name="PyTorch 2.8").focus()
    menu.keyboard.press("ArrowDown")
    expect(menu.get_by_role("radio", name="Plain Python 3.13")).to_be_checked()


def test_without_script_everything_is_there(chromium: Browser) -> None:
    page = chromium.new_page(offline=True, java_script_enabled=False)
    page.set_content(PAGE)
    assert len(shown(page)) == 4
    expect(page.get_by_role("radio", name="PyTorch 2.9")).to_be_checked()
    expect(page.get_by_role("radio", name="One GPU")).to_be_visible()
    page.close()
