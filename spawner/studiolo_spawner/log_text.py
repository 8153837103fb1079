"""What a container wrote, made fit to be shown to its owner. Pure.

Guarantees for any bytes at all: text without control characters, escape sequences or characters
that reorder text; lines kept; nothing longer than the cap, of which the end is kept, because a
failure stands there; no token that this module knows or that looks like one. Not HTML: whoever
writes a page escapes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from studiolo_spawner.plain_text import plain
from studiolo_spawner.pod_view import text
from studiolo_spawner.translation import translate as _

MAX_LOG = 200 * 1024
"""Characters of a log."""

HIDDEN = "[hidden]"

_MAX_LINE = 4000
_MAX_EVENTS = 50
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)?|[@-Z\\-_])")
_SECRETS = re.compile(
    r"""(?xi)
    ( \b[\w-]*(?:token|secret|passw(?:or)?d|api[_-]?key)[\w-]* ["']?\s*[=:]\s* ["']?
    | \bauthorization ["']?\s*[=:]\s* ["']?
    | \b(?:bearer|basic|token) [ ]+ (?=[\w.~+/-]{16})
    )
    ( (?:(?:bearer|basic|token)[ ]+)? [^\s"'&;,<>]+ )
    """
)


def clean_log(raw: bytes, secrets: Iterable[str] = ()) -> str:
    """Return the end of a log as text that may be shown; ``secrets`` are hidden everywhere."""
    found = raw[-4 * MAX_LOG :].decode("utf-8", "replace")
    for secret in secrets:
        if len(secret) >= 8:
            found = found.replace(secret, HIDDEN)
    found = _ESCAPES.sub("", found.replace("\r\n", "\n"))
    # A bar of progress is drawn over itself: what it came to is what is left.
    lines = [_line(line.rsplit("\r", 1)[-1]) for line in found.split("\n")]
    whole = "\n".join(lines).strip("\n")
    if len(whole) <= MAX_LOG:
        return whole
    cut = whole[-MAX_LOG:]
    return "…\n" + cut[cut.find("\n") + 1 :]


def clean_event(event: Mapping[str, Any], secrets: Iterable[str] = ()) -> str:
    """Return one event of Kubernetes as a line: when, what, how often, and its own words."""
    at = text(event.get("lastTimestamp")) or text(event.get("eventTime"))
    at = at or text(event.get("firstTimestamp"))
    count = event.get("count")
    often = ""
    if isinstance(count, int) and count > 1:
        often = " " + _("(%(count)s times)") % {"count": count}
    told = text(event.get("message"))
    for secret in secrets:
        if len(secret) >= 8:
            told = told.replace(secret, HIDDEN)
    line = f"{at[:19]} {text(event.get('reason'))}{often}: {told}"
    return plain(_SECRETS.sub(_hide, line), 600)


def clean_events(events: Iterable[Mapping[str, Any]], secrets: Iterable[str] = ()) -> list[str]:
    """Return the newest events, oldest first."""
    known = tuple(secrets)
    return [clean_event(event, known) for event in list(events)[-_MAX_EVENTS:]]


def _line(line: str) -> str:
    shown = _SECRETS.sub(_hide, line[: _MAX_LINE * 2])
    if not shown.isprintable():
        shown = "".join(map(_visible, shown))
    return shown if len(shown) <= _MAX_LINE else shown[: _MAX_LINE - 1] + "…"


def _hide(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}"


def _visible(char: str) -> str:
    if char == "\t" or char.isprintable():
        return char
    return "" if unicodedata.category(char) == "Cf" else "\N{REPLACEMENT CHARACTER}"
