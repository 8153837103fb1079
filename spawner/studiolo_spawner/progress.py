"""What users are told while a workspace starts, and afterwards about how it came to run.

Pure. The waiting page, the banner in Lab and the error at the end all take their sentences from
``story``: one wording everywhere. Guarantees: every sentence is our own, without control
characters, capped in length; ``html`` is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Literal

from studiolo_spawner.attempts import Attempt
from studiolo_spawner.causes import Cause
from studiolo_spawner.plain_text import plain
from studiolo_spawner.podstatus import Stage, Step
from studiolo_spawner.spoken import duration
from studiolo_spawner.translation import joined
from studiolo_spawner.translation import translate as _
from studiolo_spawner.units import human_size

MAX_SENTENCE = 500

Kind = Literal["story", "step", "cause"]
"""What became of an image, how far its pod is, or what holds it up."""

# Where on the bar a step begins. A fallback begins again, a little further on with every attempt,
# so that the bar shows both that it starts over and that something was done.
_BEGINS = {
    Step.WAITING: 10,
    Step.SCHEDULED: 20,
    Step.PULLING: 30,
    Step.STARTING: 70,
    Step.ANSWERING: 85,
    Step.READY: 100,
}
_CHECKED = 5
_PER_ATTEMPT = 5
_LAST_BEGINNING = 40


@dataclass(frozen=True, slots=True)
class Message:
    """One line of the waiting page, in the two forms that the hub sends."""

    progress: int
    text: str
    html: str
    kind: Kind = "story"
    step: str = ""
    """Of a step: which one, so that a page can tell the same one with a new time."""
    at: datetime | None = None
    """When it was told; None before that."""

    def to_event(self) -> dict[str, object]:
        """The form that JupyterHub's progress stream sends to the page."""
        event: dict[str, object] = {
            "progress": self.progress,
            "message": self.text,
            "html_message": self.html,
            "kind": self.kind,
        }
        if self.step:
            event["step"] = self.step
        return event if self.at is None else {**event, "at": self.at.isoformat()}


def message(progress: int, sentence: str, kind: Kind = "story", step: str = "") -> Message:
    """A message made safe: plain text, capped, escaped, its progress within 0 to 100."""
    text = plain(sentence, MAX_SENTENCE)
    return Message(min(100, max(0, progress)), text, escape(text), kind, step)


def story(attempts: Sequence[Attempt]) -> list[str]:
    """What happened so far: for each attempt, in order, how it went, why, and what to do."""
    lines: list[str] = []
    given_up = False
    for attempt in attempts:
        lines.append(plain(_sentence(attempt, after_failure=given_up), MAX_SENTENCE))
        given_up = given_up or attempt.failed
    return lines


def fallback_reason(attempts: Sequence[Attempt]) -> str | None:
    """Why another image runs than the one that was asked for; None when it is the one."""
    if not attempts or attempts[-1].failed or not any(attempt.failed for attempt in attempts):
        return None
    return " ".join(story(attempts))


def progress_messages(
    attempts: Sequence[Attempt],
    stage: Stage | None,
    cause: Cause | None,
    *,
    now: datetime,
    size: int | None = None,
) -> tuple[Message, ...]:
    """All messages of a spawn: the attempts, then how far the pod is, then what holds it up.

    ``size``: the bytes that a machine has to fetch, when the check knows them.
    """
    floor = _floor(attempts)
    messages = [message(floor + _CHECKED, line) for line in story(attempts)]
    if stage is not None:
        at = floor + (100 - floor) * _BEGINS[stage.step] // 100
        told = words_of_stage(stage, now=now, size=size)
        messages.append(message(at, told, "step", stage.step.value))
        if cause is not None and stage.step is not Step.READY:
            messages.append(message(at, joined(cause.message, cause.hint), "cause"))
    elif cause is not None:
        messages.append(message(floor + _CHECKED, joined(cause.message, cause.hint), "cause"))
    return tuple(messages)


def words_of_check(size: int | None) -> str:
    """That the registry has the image, and how much of it there is."""
    if not size:
        return _("The image was checked, and the registry has it.")
    told = _("The image was checked, and the registry has it: %(size)s.")
    return told % {"size": human_size(size)}


def words_of_pull(took: timedelta) -> str:
    """That the machine has fetched the image."""
    seconds = max(timedelta(seconds=1), timedelta(seconds=round(took.total_seconds())))
    return _("The image was fetched in %(time)s.") % {"time": duration(seconds)}


def checked_message(attempts: Sequence[Attempt], size: int | None) -> Message:
    """``words_of_check`` where it stands on the bar."""
    return message(_floor(attempts) + _CHECKED, words_of_check(size))


def pulled_message(attempts: Sequence[Attempt], took: timedelta) -> Message:
    """``words_of_pull`` where it stands on the bar."""
    floor = _floor(attempts)
    at = floor + (100 - floor) * _BEGINS[Step.STARTING] // 100
    return message(at, words_of_pull(took))


def _floor(attempts: Sequence[Attempt]) -> int:
    """Where the bar begins for the attempt that goes on."""
    return min(_PER_ATTEMPT * sum(attempt.failed for attempt in attempts), _LAST_BEGINNING)


def words_of_stage(stage: Stage, *, now: datetime, size: int | None = None) -> str:
    """How far the pod is, in one sentence."""
    passed = now - stage.since if stage.since is not None else timedelta()
    words = {"time": duration(passed), "size": human_size(size or 0)}
    timed = passed >= timedelta(seconds=1)
    return _words_of_step(stage.step, timed=timed, sized=bool(size)) % words


def _words_of_step(step: Step, *, timed: bool, sized: bool) -> str:
    """The sentence with the places that have something to stand in them."""
    match step:
        case Step.WAITING if timed:
            return _("Looking for a machine that has room, for %(time)s now.")
        case Step.WAITING:
            return _("Looking for a machine that has room.")
        case Step.SCHEDULED:
            return _("A machine was found; your storage is being connected.")
        case Step.PULLING:
            return _words_of_pulling(timed=timed, sized=sized)
        case Step.STARTING:
            return _("The image is on the machine; its container starts.")
        case Step.ANSWERING if timed:
            return _("The container runs; waiting for JupyterLab to answer, for %(time)s now.")
        case Step.ANSWERING:
            return _("The container runs; waiting for JupyterLab to answer.")
        case Step.READY:
            return _("The workspace is ready.")


def _words_of_pulling(*, timed: bool, sized: bool) -> str:
    if sized and timed:
        return _(
            "The machine fetches the image (%(size)s if it has nothing of it yet), "
            "for %(time)s now."
        )
    if sized:
        return _("The machine fetches the image (%(size)s if it has nothing of it yet).")
    if timed:
        return _("The machine fetches the image, for %(time)s now.")
    return _("The machine fetches the image.")


def _sentence(attempt: Attempt, *, after_failure: bool) -> str:
    match attempt.outcome:
        case "failed":
            told = _("“%(name)s” could not be used.")
        case "skipped":
            told = _("“%(name)s” was not tried.")
        case "trying" if after_failure:
            told = _("Trying “%(name)s” instead.")
        case "trying":
            told = _("Starting “%(name)s”.")
        case "running":
            told = _("“%(name)s” runs instead.") if after_failure else _("“%(name)s” runs.")
    told %= {"name": attempt.name}
    if attempt.outcome == "running":
        return told
    hint = attempt.hint if attempt.outcome != "trying" else ""
    # While it is tried, the message is what the check could not find out ("the registry does not
    # answer"): said, not hidden.
    return joined(told, attempt.message, hint)
