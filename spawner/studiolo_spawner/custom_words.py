"""What the person who named an image can do about its faults. Pure.

The words of causes.py speak to people who chose an entry of the catalogue, which only an
administrator can mend. Whoever named the image themselves can do something about it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from studiolo_spawner.translation import marked as _
from studiolo_spawner.translation import translate
from studiolo_spawner.verdict import Decision, Verdict

_REPAIR: Final = _("Repair the image, or choose another one.")
_HINTS: Final = {
    "image_missing": _("Check its name and its tag."),
    "image_forbidden": _("Check its name. If it is private, ask your administrators for access."),
    "wrong_platform": _("Ask whoever built it for a build for this cluster."),
    "bad_reference": _("Check its name and its tag."),
    "image_damaged": _("Push the image again."),
    "image_format": _("Build the image again with current tools."),
    "image_unsigned": _("Sign the image, or choose another one."),
    "no_singleuser": _("Install jupyterhub and jupyterlab in the image."),
    "singleuser_too_old": _("Build the image with the hub's version of JupyterHub."),
    "command_missing": _REPAIR,
    "command_denied": _REPAIR,
    "cannot_start": _REPAIR,
    "runs_as_root": _("Give the image a user with a number other than 0."),
    "crashed": _REPAIR,
    "stopped_itself": _("Correct what the image starts."),
    "never_ready": _("Check that the image starts jupyterhub-singleuser in time."),
}


def for_its_person(verdict: Verdict) -> Verdict:
    """The verdict on an image that a person named, with what they can do about it."""
    if verdict.decision is not Decision.FALL_BACK:
        return verdict
    hint = _HINTS.get(verdict.reason)
    return replace(verdict, hint=translate(hint)) if hint else verdict
