"""Parts of sentences in the hub's language: lists, times, spelling hints. Pure.

`wording` says the same in English, for the catalogue's problems, the command line and the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from studiolo_spawner import wording
from studiolo_spawner.translation import joined, translate_number
from studiolo_spawner.translation import translate as _

_MINUTE = timedelta(minutes=1)


def decimal(figure: str) -> str:
    """A figure with the decimal mark of the language: `0.05`, which in German is `0,05`."""
    return figure.replace(".", _("."))


def number(value: float) -> str:
    """`4`, `0.5`: no decimal places that say nothing."""
    return decimal(wording.number(value))


def memory(octets: int) -> str:
    """`32 GiB`, `1.5 GiB`, `512 MiB`."""
    return decimal(wording.memory(octets))


def duration(value: timedelta) -> str:
    """`1 hour 30 minutes`: at most the two largest units that matter."""
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [
        told % {"count": count}
        for count, told in (
            (days, translate_number("%(count)s day", "%(count)s days", days)),
            (hours, translate_number("%(count)s hour", "%(count)s hours", hours)),
            (minutes, translate_number("%(count)s minute", "%(count)s minutes", minutes)),
            (seconds, translate_number("%(count)s second", "%(count)s seconds", seconds)),
        )
        if count
    ]
    return joined(*parts[:2]) or _("0 seconds")


def rough(value: timedelta) -> str:
    """`3 hours 5 minutes`, by the minute: seconds are noise where nobody draws the page anew."""
    return _("less than a minute") if value < _MINUTE else duration(value - value % _MINUTE)


def ago(value: timedelta) -> str:
    """`5 minutes ago`."""
    return _("just now") if value < _MINUTE else _("%(time)s ago") % {"time": rough(value)}


def listed(names: Iterable[str], *, limit: int = 12) -> str:
    """`a, b and c`; a long list is cut with how many more there are."""
    return _chained(names, limit, _("%(first)s and %(last)s"))


def either(names: Iterable[str], *, limit: int = 12) -> str:
    """`a, b or c`, cut in the same way."""
    return _chained(names, limit, _("%(first)s or %(last)s"))


def _chained(names: Iterable[str], limit: int, pair: str) -> str:
    items = list(names)
    if len(items) > limit:
        first, last = items[:limit], _("%(count)s more") % {"count": len(items) - limit}
    else:
        first, last = items[:-1], "".join(items[-1:])
    return pair % {"first": ", ".join(first), "last": last} if first else last


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A spelling hint, or nothing when no known name is near."""
    near = wording.nearest(name, known)
    return _("did you mean %(name)s?") % {"name": wording.quoted(near)} if near else ""
