"""How each image of the catalogue fares, as one line with its story. Pure.

The words of a problem are those that the menu, the waiting page and Lab show (`causes`), so that an
administrator reads what the people read; what can be done about it is the probe command's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from studiolo_spawner.catalogue import Image
from studiolo_spawner.image_health import HealthBook, ImageHealth
from studiolo_spawner.translation import translate as _
from studiolo_spawner.translation import translate_number
from studiolo_spawner.units import human_size
from studiolo_spawner.verdict import Decision

from studiolo_hub.admin_words import ago
from studiolo_hub.admin_workspaces import WorkspaceRow
from studiolo_hub.probe_report import step_after

Standing = Literal["good", "bad", "warning", "unknown", "unchecked", "moved"]
"""`warning`: one start failed, or a problem is over a day old; `unknown`: no registry could say."""

_SHORT_DIGEST = len("sha256:") + 12


@dataclass(frozen=True)
class FailureLine:
    """One time that the image was at fault."""

    at: datetime
    when: str
    where: str
    """`check` or `start`."""
    message: str
    times: int


@dataclass(frozen=True)
class ImageRow:
    """One image."""

    id: str
    display_name: str
    reference: str
    standing: Standing
    verdict: str
    """What is known of it now, in a sentence."""
    next_step: str
    checked: str
    """How long ago the registry was asked."""
    checked_at: datetime | None
    size: str
    last_good: str
    """The digest that ran well last, shortened as container tools do."""
    last_good_digest: str
    ran: str
    """How long ago that was."""
    failures: tuple[FailureLine, ...]
    fallbacks: str
    """How often another image was tried instead; empty if it never was."""
    hidden: bool
    deprecated: bool


@dataclass(frozen=True)
class CustomImage:
    """An image that is not in the catalogue and runs all the same: somebody named it."""

    reference: str
    people: tuple[str, ...]
    failed: int
    """How many of the workspaces with it did not start."""


_ORDER: dict[Standing, int] = {
    "bad": 0,
    "warning": 1,
    "unknown": 2,
    "unchecked": 3,
    "good": 4,
    "moved": 5,
}


def image_rows(images: Sequence[Image], book: HealthBook, now: datetime) -> tuple[ImageRow, ...]:
    """Return one row for each image, bad ones first, else in the catalogue's order."""
    rows = [_row(image, book.of(image), now) for image in images]
    return tuple(sorted(rows, key=lambda row: _ORDER[row.standing]))


def custom_images(
    workspaces: Sequence[WorkspaceRow], images: Sequence[Image]
) -> tuple[CustomImage, ...]:
    """Return the images of these workspaces that are not the catalogue's, by reference."""
    known = {image.id for image in images}
    seen: dict[str, list[WorkspaceRow]] = {}
    for row in workspaces:
        if row.reference and row.image_id not in known:
            seen.setdefault(row.reference, []).append(row)
    return tuple(
        CustomImage(
            reference,
            tuple(sorted({row.user for row in rows})),
            sum(row.state == "failed" for row in rows),
        )
        for reference, rows in sorted(seen.items())
    )


def custom_json(found: Sequence[CustomImage]) -> list[dict[str, object]]:
    """Return them for programs; fields are only ever added to it."""
    return [
        {"reference": one.reference, "people": list(one.people), "failed": one.failed}
        for one in found
    ]


def _row(image: Image, health: ImageHealth, now: datetime) -> ImageRow:
    standing, verdict, step = _standing(image, health, now)
    check, ran = health.last_check, health.ran
    return ImageRow(
        id=image.id,
        display_name=image.display_name,
        reference=image.reference,
        standing=standing,
        verdict=verdict,
        # The command line marks names of fields so; a page has no need to.
        next_step=step.replace("`", ""),
        checked=ago(check.at, now) if check else "",
        checked_at=check.at if check else None,
        size=human_size(check.size) if check and check.size else "",
        last_good=ran.digest[:_SHORT_DIGEST] if ran else "",
        last_good_digest=ran.digest if ran else "",
        ran=ago(ran.at, now) if ran else "",
        failures=tuple(
            FailureLine(each.at, ago(each.at, now), each.source, each.message, each.times)
            for each in reversed(health.failures)
        ),
        fallbacks=_fallbacks(health.fallbacks_until(now)),
        hidden=image.hidden,
        deprecated=image.deprecated is not None,
    )


def _fallbacks(count: int) -> str:
    if not count:
        return ""
    told = translate_number(
        "another image was tried instead %(count)s time, in seven days",
        "another image was tried instead %(count)s times, in seven days",
        count,
    )
    return told % {"count": count}


def _standing(image: Image, health: ImageHealth, now: datetime) -> tuple[Standing, str, str]:
    if image.redirect is not None:
        return (
            "moved",
            _("It is redirected to %(image)s and never starts.") % {"image": image.redirect.to},
            "",
        )
    check = health.last_check
    problem = health.problem(now)
    if problem is not None:
        last = health.failures[-1]
        failed_check = last.source == "check" and check is not None
        step = step_after(check.verdict) if failed_check and check else ""
        return ("bad" if problem.avoid else "warning"), problem.text, step
    if check is None:
        ran = _("It ran well, and was not checked since the hub started.") if health.ran else ""
        return "unchecked", ran or _("It was not checked yet."), ""
    if check.verdict.decision is Decision.ACCEPTED:
        return "good", check.verdict.message, ""
    return "unknown", check.verdict.message, step_after(check.verdict)
