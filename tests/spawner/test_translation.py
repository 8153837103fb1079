"""The language of our own words, and that a page speaks one at a time."""

from collections.abc import Iterator
from copy import deepcopy
from gettext import NullTranslations

import pytest
from studiolo_spawner import menu_page, translation
from studiolo_spawner.causes import REASONS, cause
from studiolo_spawner.menu import build_menu
from studiolo_spawner.offer import Person
from studiolo_spawner.progress import story

from tests.fakes.attempts import MISSING, START, TRYING
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


@pytest.mark.usefixtures("shouting")
def test_a_message_remembers_its_english_through_values_and_joining() -> None:
    told = translation.translate("%(what)s is used up.") % {"what": translation.translate("disk")}
    both = translation.joined(told, "", translation.translate(" Try again. "), "a.txt")
    assert both == "DISK IS USED UP. TRY AGAIN. a.txt"
    assert translation.english(both) == "disk is used up. Try again. a.txt"
    assert translation.english(deepcopy(both)) == translation.english(both)
    assert translation.english("plain") == "plain"
    assert translation.english(7) == 7


@pytest.mark.usefixtures("shouting")
def test_every_cause_is_in_the_language_and_its_english_is_at_hand() -> None:
    for reason in REASONS:
        found = cause(reason)
        for words in (found.message, found.hint):
            assert words == words.upper()
            assert translation.english(words) != words
    (line,) = story([TRYING.ending("failed", MISSING, START)])
    assert line.startswith("“PyTorch 2.9” COULD NOT BE USED.")


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
