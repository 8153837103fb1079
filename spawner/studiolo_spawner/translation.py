"""The language of the words that Python code makes: one for the whole process, set when it starts.

A hub speaks one language to everybody. Messages are written in English and looked up where they are
made, whole sentences with named places: `_("Stopped after %(time)s") % {"time": …}`, so that a
translation may put the words in another order. Without a translation they stand as they are.
Reads and writes one variable of this module; no I/O.
"""

from gettext import NullTranslations

_texts: NullTranslations = NullTranslations()


def install(texts: NullTranslations) -> None:
    """Use these texts from now on. What was rendered before is not made anew."""
    global _texts
    _texts = texts


def translate(text: str) -> str:
    """The message in the installed language."""
    # gettext answers an empty message with the catalogue's head.
    return _texts.gettext(text) if text else ""


def marked(text: str) -> str:
    """The message as it stands: translated where it is used, and found here by the collector."""
    return text


def translate_number(one: str, many: str, count: int) -> str:
    """The form of the message for so many."""
    return _texts.ngettext(one, many, count)


def language() -> str:
    """The installed language's code, such as `de`."""
    return str(_texts.info().get("language") or "en")
