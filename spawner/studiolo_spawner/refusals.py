"""What the Kubernetes API's refusal to create something for a workspace means, in plain words.

Pure. Takes the status code and the message of the API's ``Status`` object; the message is matched
and never shown: it can hold the names of service accounts, webhooks and other people's objects.
Never the image's fault.
"""

from __future__ import annotations

import re

from studiolo_spawner.causes import Cause, cause
from studiolo_spawner.resource_words import counted
from studiolo_spawner.translation import translate as _
from studiolo_spawner.translation import translate_number

_QUOTA = re.compile(
    r"exceeded quota|forbidden: maximum .{0,60} per|must specify (?:limits|requests|cpu|memory)"
    r"|failed quota|limited to",
    re.IGNORECASE,
)
_REQUESTED = re.compile(r"requested: ([^\s,]{1,200})")
_USED = re.compile(r"\bused: ([^\s,]{1,200})")
_LIMITED = re.compile(r"limited: ([^\s,]{1,200})")
_PAIR = re.compile(r"([a-z][a-z0-9.\-/]{0,120})=([0-9][0-9.]{0,20}[a-zA-Z]{0,2})")
_ADMISSION = re.compile(
    r"admission webhook .{0,300}denied|denied the request|violates podsecurity"
    r"|is forbidden: violates|validatingadmissionpolicy|pod security",
    re.IGNORECASE | re.DOTALL,
)
_WEBHOOK_AWAY = re.compile(r"failed calling webhook", re.IGNORECASE)
_NO_PERMISSION = re.compile(
    r"cannot (?:create|get|list|watch|patch|update|delete) resource", re.IGNORECASE
)
_MAX_TEXT = 8_192


def cause_of_refusal(status: int, message: str = "") -> Cause:
    """The cause behind an API answer; ``status`` 0 stands for no answer at all."""
    text = message[:_MAX_TEXT]
    if _QUOTA.search(text):
        return cause("quota", _quota_words(text), terminal=True)
    if _WEBHOOK_AWAY.search(text):
        return cause(
            "api_away", _("A check that the cluster makes on every workspace does not answer.")
        )
    if _ADMISSION.search(text):
        return cause("admission_denied")
    if _NO_PERMISSION.search(text) or status in {401, 403}:
        return cause("not_permitted")
    if status == 429:
        return cause("api_busy")
    if status == 0 or status >= 500:
        return cause("api_away")
    return cause("api_refused", terminal=True)


def _quota_words(text: str) -> str | None:
    """Which resource is used up and how far, if the text has the numbers in the form of numbers."""
    requested = _REQUESTED.search(text)
    first = _PAIR.match(requested[1]) if requested else None
    if first is None:
        return None
    name, wanted = first[1], first[2]
    used, limit = _amount(_USED, text, name), _amount(_LIMITED, text, name)
    if used is None or limit is None:
        return None
    short = name.removeprefix("requests.").removeprefix("limits.")
    words = {"used": used, "limit": limit, "what": short, "wanted": wanted}
    if "/" in short and used.isdecimal() and limit.isdecimal():
        words["limit"] = counted(short, int(limit))
        told = translate_number(
            "%(used)s of %(limit)s of the cluster's namespace is in use; this workspace needs "
            "%(wanted)s.",
            "%(used)s of %(limit)s of the cluster's namespace are in use; this workspace needs "
            "%(wanted)s.",
            int(used),
        )
        return told % words
    return (
        _(
            "The quota for %(what)s is used up: %(used)s of %(limit)s are in use, and this "
            "workspace needs %(wanted)s."
        )
        % words
    )


def _amount(field: re.Pattern[str], text: str, name: str) -> str | None:
    found = field.search(text)
    pair = _PAIR.match(found[1]) if found else None
    return pair[2] if pair and pair[1] == name else None
