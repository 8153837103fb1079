"""How our messages are worded: quoting, lists, spelling hints, durations and sizes. Pure, English;
`spoken` has what stands in sentences that are translated.

Everything that came from outside (a form, a file, a registry) passes through `quoted` before it
stands in a message: the result is one short line without control characters, so that it can neither
forge a log line nor flood a page.
"""

import difflib
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice

_GIB = 1024**3
_MIB = 1024**2


def quoted(value: object, limit: int = 60) -> str:
    """The value in quotation marks, on one line, at most about `limit` characters long."""
    if isinstance(value, str):
        text = value
    elif value is None or isinstance(value, bool | int | float):
        # An int may have millions of digits: str() of it is slow and refused by Python itself.
        text = (
            str(value)
            if not isinstance(value, int) or value.bit_length() < 256
            else "a huge number"
        )
    else:
        text = f"a {_kind(value)}"
    cut = text[:limit]
    shown = "".join(c if c.isprintable() else _escaped(c) for c in cut)
    return f'"{shown}{"…" if len(text) > limit else ""}"'


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "mapping"
    return "list" if isinstance(value, list | tuple) else "value of another type"


def is_plain_text(text: str, *, lines: bool = False) -> bool:
    """Whether the text holds no control, format-override or surrogate characters (`lines`: but line
    ends).

    Bidirectional overrides are refused with the control characters: they make a page show another
    text than the one that is there. Joiners stay, since scripts and emoji need them.
    """
    for character in text:
        if lines and character == "\n":
            continue
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in _BIDI:
            return False
    return True


_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def listed(names: Iterable[str], *, limit: int = 12, last: str = "and") -> str:
    """`a, b and c`; a long list is cut with how many more there are."""
    items = list(names)
    if len(items) > limit:
        return f"{', '.join(items[:limit])} {last} {len(items) - limit} more"
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A spelling hint, or nothing when no known name is near."""
    near = nearest(name, known)
    return f"did you mean {quoted(near)}?" if near else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is spelt most alike; empty when none is. Of very many, only the first
    are compared.
    """
    near = difflib.get_close_matches(name[:100], list(islice(known, 500)), n=1, cutoff=0.6)
    return near[0] if near else ""


def duration(value: timedelta) -> str:
    """`90 seconds`, `1 hour`, `1 hour 30 minutes`: at most the two largest units that matter."""
    rest = int(value.total_seconds())
    parts: list[str] = []
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount} {unit}{'s' if amount != 1 else ''}")
    return " ".join(parts[:2]) or "0 seconds"


def memory(octets: int) -> str:
    """`32 GiB`, `1.5 GiB`, `512 MiB`."""
    if octets >= _GIB:
        return f"{octets / _GIB:.1f}".removesuffix(".0") + " GiB"
    return f"{octets / _MIB:.1f}".removesuffix(".0") + " MiB"


def number(value: float) -> str:
    """`4`, `0.5`: no decimal places that say nothing."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
