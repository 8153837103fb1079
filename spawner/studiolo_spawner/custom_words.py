"""What the person who named an image can do about its faults. Pure.

The words of causes.py speak to people who chose an entry of the catalogue, which only an
administrator can mend. Whoever named the image themselves can do something about it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from studiolo_spawner.verdict import Decision, Verdict

_REPAIR: Final = "Repair the image, or choose another one."
_HINTS: Final = {
    "image_missing": "Check its name and its tag.",
    "image_forbidden": "Check its name. If it is private, ask your administrators for access.",
    "wrong_platform": "Ask whoever built it for a build for this cluster.",
    "bad_reference": "Check its name and its tag.",
    "image_damaged": "Push the image again.",
    "image_format": "Build the image again with current tools.",
    "image_unsigned": "Sign the image, or choose another one.",
    "no_singleuser": "Install jupyterhub and jupyterlab in the image.",
    "singleuser_too_old": "Build the image with the hub's version of JupyterHub.",
    "command_missing": _REPAIR,
    "command_denied": _REPAIR,
    "cannot_start": _REPAIR,
    "runs_as_root": "Give the image a user with a number other than 0.",
    "crashed": _REPAIR,
    "stopped_itself": "Correct what the image starts.",
    "never_ready": "Check that the image starts jupyterhub-singleuser in time.",
}


def for_its_person(verdict: Verdict) -> Verdict:
    """The verdict on an image that a person named, with what they can do about it."""
    if verdict.decision is not Decision.FALL_BACK:
        return verdict
    return replace(verdict, hint=_HINTS.get(verdict.reason, verdict.hint))
