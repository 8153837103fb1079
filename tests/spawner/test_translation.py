"""The language of our own words, and that a page speaks one at a time."""

from collections.abc import Iterator
from gettext import NullTranslations

import pytest
from studiolo_spawner import menu_page, translation
from studiolo_spawner.menu import build_menu
from studiolo_spawner.offer import Person

from tests.spawner.catalogues import example


class Shouting(NullTranslations):
    """Every text in capitals, its places as they are."""

    def gettext(self, message: str) -> str:
        return "".join(
            part if number % 2 else part.upper()
            for number, part in enumerate(
                message.replace("%(", "\0%(").replace(")s", ")s\0").split("\0")
            )
        )

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)

    def info(self) -> dict[str, str]:
        return {"language": "xx"}


@pytest.fixture
def shouting() -> Iterator[None]:
    translation.install(Shouting())
    menu_page.forget_pages()
    yield
    translation.install(NullTranslations())
    menu_page.forget_pages()


def page() -> str:
    menu = build_menu(example(), Person("ana"))
    return menu_page.render_menu(menu, inline_assets=False, spawn_url="/hub/spawn")


def test_without_a_language_texts_stand_as_they_are() -> None:
    assert translation.translate("No GPU") == "No GPU"
    assert translation.translate("") == ""
    assert translation.translate_number("%(count)s day", "%(count)s days", 2) == "%(count)s days"
    assert translation.language() == "en"


@pytest.mark.usefixtures("shouting")
def test_every_part_of_the_menu_is_in_the_language() -> None:
    text = page()
    assert translation.language() == "xx"
    for words in (
        "WHAT DO YOU WANT TO DO?",
        "STOPPED AFTER 1 HOUR WITHOUT ACTIVITY",
        "NO GPU",
        "YOUR ADMINISTRATORS SUGGEST IT TO BEGIN WITH.",
        "ANY VERSION",
        "SHARED IN TURNS: OTHERS COMPUTE ON THE SAME GPU.",
        "LINK TO THIS CHOICE",
    ):
        assert words in text
    assert "What do you want to do?" not in text
    assert "without activity" not in text


def test_the_language_leaves_nothing_behind() -> None:
    assert "What do you want to do?" in page()
    assert "ANY VERSION" not in page()
