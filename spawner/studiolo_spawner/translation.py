"""The language of the words that Python code makes: one for the whole process, set when it starts.

A hub speaks one language to everybody. Messages are written in English and looked up where they are
made, whole sentences with named places: `_("Stopped after %(time)s") % {"time": …}`, so that a
translation may put the words in another order. Without a translation they stand as they are.

The log speaks English whatever the pages speak: a translated message remembers what it says in
English, through `%` and `joined`, and `english` gives it back.
Reads and writes one variable of this module; no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from gettext import NullTranslations
from typing import Any, Self

_texts: NullTranslations = NullTranslations()


class Told(str):
    """A message in the hub's language that knows its English."""

    __slots__ = ("english",)
    english: str

    def __new__(cls, text: str, english: str) -> Self:
        """Take both texts."""
        told = super().__new__(cls, text)
        told.english = english
        return told

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        """For copies."""
        return (str(self), self.english)

    def __mod__(self, values: Any) -> Told:
        plain = values
        if isinstance(values, Mapping):
            plain = {name: english(value) for name, value in values.items()}
        return Told(super().__mod__(values), self.english % plain)


def install(texts: NullTranslations) -> None:
    """Use these texts from now on. What was rendered before is not made anew."""
    global _texts
    _texts = texts


def translate(text: str) -> str:
    """The message in the installed language."""
    # gettext answers an empty message with the catalogue's head.
    return _told(_texts.gettext(text), text) if text else ""


def marked(text: str) -> str:
    """The message as it stands: translated where it is used, and found here by the collector."""
    return text


def translate_number(one: str, many: str, count: int) -> str:
    """The form of the message for so many."""
    return _told(_texts.ngettext(one, many, count), one if count == 1 else many)


def joined(*sentences: str, between: str = " ") -> str:
    """The sentences one after the other; empty ones leave nothing."""
    told = (each.strip() for each in sentences)
    originals = (english(each).strip() for each in sentences)
    return _told(between.join(filter(None, told)), between.join(filter(None, originals)))


def english(value: Any) -> Any:
    """What a message says in English; anything else as it is."""
    return value.english if isinstance(value, Told) else value


def language() -> str:
    """The installed language's code, such as `de`."""
    return str(_texts.info().get("language") or "en")


def _told(text: str, original: str) -> str:
    return text if text == original else Told(text, original)
