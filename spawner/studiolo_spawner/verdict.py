"""From what the registry or a pod said to a decision: accept, fall back, refuse, or go on.

Pure. Only the image's own fault leads to ``FALL_BACK``. A registry that is away or busy is
``UNKNOWN``: the machines may have the image, so the spawn goes on and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from studiolo_spawner.causes import Cause, Kind, cause
from studiolo_spawner.image_contract import (
    ANYWHERE,
    Surroundings,
    broken_contract,
    not_checked,
)
from studiolo_spawner.registry_answer import NODES_ONLY, Outcome, RegistryAnswer
from studiolo_spawner.translation import marked
from studiolo_spawner.translation import translate as _


class Decision(Enum):
    """What to do with an image."""

    ACCEPTED = "accepted"
    FALL_BACK = "fall_back"
    REFUSE = "refuse"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with its reason (for machines) and its words (for people)."""

    decision: Decision
    reason: str
    message: str
    hint: str = ""


_FAULTS = {
    Outcome.MISSING: "image_missing",
    Outcome.FORBIDDEN: "image_forbidden",
}
_UNKNOWN = {
    Outcome.RATE_LIMITED: (
        "registry_busy",
        marked("The registry asks us to wait, so the image could not be checked beforehand."),
    ),
    Outcome.UNREACHABLE: (
        "registry_away",
        marked("The registry does not answer, so the image could not be checked beforehand."),
    ),
}


def verdict_of_answer(answer: RegistryAnswer, surroundings: Surroundings = ANYWHERE) -> Verdict:
    """What a registry's answer means for the image that was asked for.

    ``surroundings``: what the hub and the profile's machines are, as far as it is known; an image
    that is there but cannot work in them falls back too.
    """
    if answer.outcome is Outcome.FOUND:
        broken = broken_contract(answer.labels, answer.environment, surroundings)
        if broken is not None:
            return Verdict(Decision.FALL_BACK, broken.reason, broken.message, broken.hint)
        left_open = not_checked(answer.environment, surroundings)
        return Verdict(Decision.ACCEPTED, "found", _("The image is there."), left_open)
    if answer.outcome in _UNKNOWN:
        reason, message = _UNKNOWN[answer.outcome]
        return Verdict(Decision.UNKNOWN, reason, _(message), _("The machines may still have it."))
    if answer.reason == NODES_ONLY:
        return Verdict(
            Decision.UNKNOWN,
            NODES_ONLY,
            _("Only the machines may read the registry, so the image could not be checked before."),
        )
    fault = cause(answer.reason or _FAULTS.get(answer.outcome, "image_damaged"))
    return Verdict(Decision.FALL_BACK, fault.reason, fault.message, fault.hint)


def verdict_of_cause(found: Cause) -> Verdict:
    """What a cause that was seen on a pod means for the attempt.

    ``UNKNOWN`` means: keep waiting. A terminal cause that is not the image's fault ends the spawn
    without a fallback, since another image would meet the same.
    """
    if not found.terminal:
        decision = Decision.UNKNOWN
    elif found.kind is Kind.IMAGE:
        decision = Decision.FALL_BACK
    else:
        decision = Decision.REFUSE
    return Verdict(decision, found.reason, found.message, found.hint)
