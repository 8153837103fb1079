"""Foreign text made safe for one line of a page or a log.

Pure. Guarantees one line of printable text, capped in length, for any string at all. It does not
escape HTML: that is for the place that writes HTML.
"""

from __future__ import annotations

import re
import unicodedata

from studiolo_spawner.translation import Told, english

MAX_PLAIN_LENGTH = 300

_SPACES = re.compile(r"\s+")

# Cc control, Cf format (bidirectional overrides, zero width), Cs surrogates, Co private use, Cn
# unassigned, Zl and Zp line and paragraph separators: none of them may shape a page or split a log
# line.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def plain(text: str, limit: int = MAX_PLAIN_LENGTH) -> str:
    """Foreign text made safe for one line of a page or a log: no control characters, capped.

    Control and format characters appear as ``\\xNN`` or ``\\uNNNN`` escapes, runs of white space as
    one space. The cap is applied before the work, so a megabyte costs no more than a line.
    A message of ours keeps its English.
    """
    shown = _plain(text, limit)
    return Told(shown, _plain(english(text), limit)) if isinstance(text, Told) else shown


def _plain(text: str, limit: int) -> str:
    cut = text[: limit * 4]
    shown = _SPACES.sub(" ", cut).strip()
    if not shown.isprintable():
        shown = "".join(map(_visible, shown))
    if len(shown) <= limit and len(cut) == len(text):
        return shown
    return shown[: max(limit - 1, 0)].rstrip() + "…"


def _visible(char: str) -> str:
    if char == " " or unicodedata.category(char) not in _UNPRINTABLE:
        return char
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
