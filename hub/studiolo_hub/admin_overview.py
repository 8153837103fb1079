"""What an administrator must know at once: what is wrong, and what to do about it. Pure.

Each alarm names what is wrong, since when where that is known, the next step, and the page with
more. Nothing is red that needs nobody: a failed start of one person's workspace is a warning.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from studiolo_spawner import spoken
from studiolo_spawner.catalogue_file import CatalogueProblem
from studiolo_spawner.translation import joined, translate_number
from studiolo_spawner.translation import translate as _
from studiolo_spawner.unmet import Unmet

from studiolo_hub.admin_gpus import GpuReport
from studiolo_hub.admin_images import ImageRow
from studiolo_hub.admin_words import since_words, utc_words
from studiolo_hub.admin_workspaces import WorkspaceRow

Level = Literal["bad", "warning"]

STALE_AFTER: Final = 15.0
"""Seconds without a watch of Kubernetes after which that is told."""
TOLD_FOR: Final = timedelta(days=1)
"""For how long a start that failed is told; its owner has seen it by then."""
LONG_WAIT: Final = timedelta(minutes=10)
_TOLD_AT_MOST: Final = 5


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong."""

    id: str
    level: Level
    title: str
    text: str
    next_step: str
    page: str
    """Which page of the administration tells more; empty for none."""


@dataclass(frozen=True)
class Signs:
    """What the alarms are made of.

    silent_seconds  for how long Kubernetes has said nothing; None while nobody listens yet
    cluster_away    whether it did not answer when it was asked just now
    capacity_known  whether nodes can be read; None where the administrator does not want it
    """

    problem: CatalogueProblem | None
    has_catalogue: bool
    images: Sequence[ImageRow]
    silent_seconds: float | None
    cluster_away: bool
    capacity_known: bool | None
    sign_in_away: bool
    workspaces: Sequence[WorkspaceRow]
    gpus: GpuReport | None
    unmet: Sequence[Unmet] = ()


def alarms(signs: Signs, now: datetime) -> tuple[Alarm, ...]:
    """Return what is wrong, the worst first."""
    found = [
        *_catalogue(signs),
        *_cluster(signs, now),
        *_sign_in(signs),
        *_images(signs.images),
        *_workspaces(signs.workspaces, now),
        *_profiles(signs.unmet),
        *_machines(signs.gpus),
        *_queue(signs.gpus, now),
    ]
    return tuple(sorted(found, key=lambda alarm: alarm.level != "bad"))


def as_json(found: Iterable[Alarm]) -> list[dict[str, object]]:
    """Return the alarms for programs; fields are only ever added to them."""
    return [
        {
            "id": alarm.id,
            "level": alarm.level,
            "title": alarm.title,
            "text": alarm.text,
            "next_step": alarm.next_step or None,
        }
        for alarm in found
    ]


def _and_more(count: int) -> str:
    return _("And %(count)s more.") % {"count": count} if count > 0 else ""


def _catalogue(signs: Signs) -> Iterable[Alarm]:
    problem = signs.problem
    if problem is None:
        return
    told = joined(
        str(problem.problems[0]),
        _and_more(len(problem.problems) - 1),
        _("Since %(time)s.") % {"time": utc_words(problem.since)},
    )
    if signs.has_catalogue:
        title = _("The catalogue's last edit is not in effect.")
        told = joined(_("Workspaces start from the last good one."), told)
    else:
        title = _("There is no catalogue that can be used.")
        told = joined(_("No workspace can be started."), told)
    step = _("Mend %(file)s; it is read again within seconds.") % {"file": problem.source}
    yield Alarm("catalogue", "bad", title, told, step, "catalogue")


def _cluster(signs: Signs, now: datetime) -> Iterable[Alarm]:
    silent = signs.silent_seconds or 0.0
    if signs.cluster_away or silent > STALE_AFTER:
        told = _("It did not answer just now.")
        if silent > STALE_AFTER:
            words = since_words(now - timedelta(seconds=silent), now)
            told = _("Nothing was heard of it for %(time)s.") % {"time": words}
        yield Alarm(
            "cluster",
            "bad",
            _("The Kubernetes API does not answer."),
            joined(
                told,
                _(
                    "Workspaces that run go on; none can be started, and what these pages say of "
                    "the cluster is how it was."
                ),
            ),
            _("Look at the API server, and at the network between it and the hub."),
            "",
        )
    elif signs.capacity_known is False:
        yield Alarm(
            "capacity",
            "warning",
            _("What is free is not known."),
            _("The hub cannot read the cluster's nodes and pods, so menus show no figures."),
            _("The hub's log says which right it lacks, or why it waits."),
            "gpus",
        )


def _sign_in(signs: Signs) -> Iterable[Alarm]:
    if signs.sign_in_away:
        yield Alarm(
            "sign-in",
            "bad",
            _("The sign-in service does not answer."),
            _("People who are signed in stay so; nobody new can sign in."),
            _("Look at the service, and at the network between it and the hub."),
            "",
        )


def _images(rows: Sequence[ImageRow]) -> Iterable[Alarm]:
    troubled = [row for row in rows if row.standing in {"bad", "warning"}]
    for row in troubled[:_TOLD_AT_MOST]:
        yield Alarm(
            f"image/{row.id}",
            "bad" if row.standing == "bad" else "warning",
            _("The image “%(name)s” has a problem.") % {"name": row.display_name},
            row.verdict,
            row.next_step,
            "images",
        )
    rest = len(troubled) - _TOLD_AT_MOST
    if rest > 0:
        bad = any(row.standing == "bad" for row in troubled[_TOLD_AT_MOST:])
        title = translate_number(
            "%(count)s more image has a problem.", "%(count)s more images have problems.", rest
        )
        level: Level = "bad" if bad else "warning"
        yield Alarm("images", level, title % {"count": rest}, "", "", "images")


def _workspaces(rows: Sequence[WorkspaceRow], now: datetime) -> Iterable[Alarm]:
    failed = [
        row
        for row in rows
        if row.state == "failed" and (row.failed_at is None or now - row.failed_at < TOLD_FOR)
    ]
    if not failed:
        return
    first, count = failed[0], len(failed)
    title = translate_number(
        "%(count)s workspace did not start.", "%(count)s workspaces did not start.", count
    )
    told = f"{first.user}: {first.reason or _('It did not start.')}"
    yield Alarm(
        "workspaces",
        "warning",
        title % {"count": count},
        joined(told, _and_more(count - 1)),
        "",
        "workspaces",
    )


def _profiles(unmet: Sequence[Unmet]) -> Iterable[Alarm]:
    for each in unmet[:_TOLD_AT_MOST]:
        yield Alarm(
            f"profile/{each.profile_id}",
            "warning",
            _("No machine can take the profile “%(profile)s”.") % {"profile": each.display_name},
            each.text,
            each.next_step,
            "gpus",
        )
    rest = len(unmet) - _TOLD_AT_MOST
    if rest > 0:
        title = translate_number(
            "%(count)s more profile has no machine.",
            "%(count)s more profiles have no machine.",
            rest,
        )
        yield Alarm("profiles", "warning", title % {"count": rest}, "", "", "gpus")


def _machines(gpus: GpuReport | None) -> Iterable[Alarm]:
    closed = [row.name for row in gpus.machines if not row.open] if gpus else []
    if closed:
        title = translate_number(
            "%(count)s machine with GPUs takes no new workspaces.",
            "%(count)s machines with GPUs take no new workspaces.",
            len(closed),
        )
        yield Alarm(
            "machines",
            "warning",
            title % {"count": len(closed)},
            _("Closed, or not ready: %(names)s.")
            % {"names": spoken.listed(closed, limit=_TOLD_AT_MOST)},
            _("Open them again when they are well (`kubectl uncordon`)."),
            "gpus",
        )


def _queue(gpus: GpuReport | None, now: datetime) -> Iterable[Alarm]:
    waiting = gpus.waiting if gpus else ()
    long = [one for one in waiting if one.holding.since and now - one.holding.since > LONG_WAIT]
    if long:
        title = translate_number(
            "%(count)s workspace waits for a machine for long.",
            "%(count)s workspaces wait for a machine for long.",
            len(long),
        )
        yield Alarm(
            "waiting",
            "warning",
            title % {"count": len(long)},
            _("The longest for %(time)s.") % {"time": since_words(long[0].holding.since, now)},
            _("See who holds what, and whether anything is held and idle."),
            "gpus",
        )
