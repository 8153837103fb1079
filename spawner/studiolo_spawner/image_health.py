"""How each image of the catalogue has fared: checks, starts, failures, fallbacks. Pure.

Fed by the periodic checks and by every attempt to start a workspace; read by the menu (what has a
problem now), by the resolver (which digest ran well last) and by administrators. Guarantees: time
is passed in; everything is bounded; what was said of one reference is never told of another one,
whatever the id. Of images that people name themselves only the digest that ran well last is kept,
in places of their own: nobody's typing drives out what is known of the catalogue's. Kept in memory
here; ``health_store`` carries it through restarts of the hub.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal

from studiolo_spawner.attempts import Attempt
from studiolo_spawner.catalogue import Image
from studiolo_spawner.choice import CUSTOM_IMAGE
from studiolo_spawner.spoken import ago
from studiolo_spawner.translation import joined
from studiolo_spawner.translation import translate as _
from studiolo_spawner.verdict import Decision, Verdict

MAX_FAILURES: Final = 10
MAX_IMAGES: Final = 1000
MAX_CUSTOM_IMAGES: Final = 200
"""Of `MAX_IMAGES`, those that people may name themselves."""
FALLBACK_DAYS: Final = 7
TOLD_FOR: Final = timedelta(days=1)
"""For how long a failure is told on the menu when nothing newer is known."""
_STARTS_TO_AVOID: Final = 2
"""One start that failed may be the doing of one home; two in a row are the image's."""


@dataclass(frozen=True, slots=True)
class Check:
    """One answer of the registry, as a verdict.

    size     compressed bytes that a machine without any layer has to fetch, where known
    created  when the image was built, where known
    """

    at: datetime
    verdict: Verdict
    digest: str | None
    size: int | None = None
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class GoodRun:
    """The digest that a workspace ran well with, and when."""

    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """One time that the image was at fault."""

    at: datetime
    source: Literal["check", "start"]
    reason: str
    message: str
    digest: str | None = None
    times: int = 1
    """A check that fails again and again with one reason is one failure, at its last time."""
    since: datetime | None = None
    """When it failed so first, where that is another time."""

    @property
    def began(self) -> datetime:
        """When it failed so first."""
        return self.since or self.at


@dataclass(frozen=True, slots=True)
class ImageProblem:
    """What the menu says of an image now; ``avoid``: it is not to be selected by itself."""

    text: str
    avoid: bool


@dataclass(frozen=True, slots=True)
class ImageHealth:
    """What is known of one reference.

    found      the last check that found it good
    ran        the last digest that ran well
    failures   the newest ones, oldest first; at most MAX_FAILURES
    fallbacks  how often another image was tried instead, by day; at most FALLBACK_DAYS + 1 days
    lost       when the last digest that ran well was found to run no more
    """

    reference: str
    last_check: Check | None = None
    found: Check | None = None
    ran: GoodRun | None = None
    failures: tuple[Failure, ...] = ()
    fallbacks: tuple[tuple[date, int], ...] = ()
    lost: datetime | None = None

    def checked(self, check: Check) -> ImageHealth:
        """The same after a check; one that says nothing of the image changes nothing else."""
        verdict = check.verdict
        if verdict.decision is Decision.ACCEPTED:
            return replace(self, last_check=check, found=check)
        if verdict.decision is Decision.UNKNOWN:
            return replace(self, last_check=check)
        failure = Failure(check.at, "check", verdict.reason, verdict.message)
        return replace(self, last_check=check, failures=self._failures_and(failure))

    def tried(self, attempt: Attempt, at: datetime) -> ImageHealth:
        """The same after an attempt with what the reference names now."""
        if attempt.outcome == "running":
            return replace(self, ran=GoodRun(attempt.digest, at)) if attempt.digest else self
        if not attempt.image_at_fault:
            return self
        source: Literal["check", "start"] = "start" if attempt.outcome == "failed" else "check"
        failure = Failure(at, source, attempt.reason, attempt.message, attempt.digest)
        last_check = self.last_check
        if source == "check":
            verdict = Verdict(Decision.FALL_BACK, attempt.reason, attempt.message, attempt.hint)
            last_check = Check(at, verdict, attempt.digest)
        return replace(self, last_check=last_check, failures=self._failures_and(failure))

    def tried_again(self, attempt: Attempt) -> ImageHealth:
        """The same after an attempt with the digest that ran well last.

        That says nothing of what the reference names now; but a digest that has failed is not
        offered again.
        """
        failed = attempt.image_at_fault and self.ran and self.ran.digest == attempt.digest
        at = attempt.ended or attempt.started
        return replace(self, ran=None, lost=at) if failed else self

    def fell_back(self, at: datetime) -> ImageHealth:
        """The same after another image was tried in its place."""
        counts = {day: count for day, count in self.fallbacks if at.date() - day < _WEEK}
        counts[at.date()] = counts.get(at.date(), 0) + 1
        return replace(self, fallbacks=tuple(sorted(counts.items())))

    def fallbacks_until(self, now: datetime) -> int:
        """How often another image was tried in the last seven days."""
        return sum(count for day, count in self.fallbacks if now.date() - day < _WEEK)

    def problem(self, now: datetime) -> ImageProblem | None:
        """What is wrong with it as far as is known now; None when nothing is."""
        if not self.failures:
            return None
        last = self.failures[-1]
        if now - last.at > TOLD_FOR or self._overcome(last):
            return None
        if last.source == "check":
            told = _("Its last check failed %(ago)s.") % {"ago": ago(now - last.at)}
            return ImageProblem(joined(told, last.message), avoid=True)
        in_a_row = sum(f.source == "start" and not self._overcome(f) for f in self.failures)
        told = _("Its last start failed %(ago)s.") % {"ago": ago(now - last.at)}
        return ImageProblem(joined(told, last.message), avoid=in_a_row >= _STARTS_TO_AVOID)

    def _overcome(self, failure: Failure) -> bool:
        """Whether something better was seen since."""
        if self.ran is not None and self.ran.at >= failure.at:
            return True
        if self.found is None or self.found.at < failure.at:
            return False
        # That an image can be pulled says nothing of its start, unless it is another one by now.
        return failure.source == "check" or self.found.digest not in {None, failure.digest}

    def _failures_and(self, failure: Failure) -> tuple[Failure, ...]:
        earlier = self.failures
        last = earlier[-1] if earlier else None
        if last and last.source == failure.source == "check" and last.reason == failure.reason:
            again = replace(failure, times=last.times + 1, since=last.began)
            earlier, failure = earlier[:-1], again
        return (*earlier, failure)[-MAX_FAILURES:]


Entries = Mapping[tuple[str, str], ImageHealth]
"""Health by the image's id and its reference."""


class HealthBook:
    """The health of all images; those that nothing was heard of longest make room."""

    def __init__(self, limit: int = MAX_IMAGES) -> None:
        self._limit = limit
        self._images: OrderedDict[tuple[str, str], ImageHealth] = OrderedDict()
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have something called after every note that says something new."""
        self._listeners.append(listener)

    @property
    def entries(self) -> Entries:
        """Everything, those that nothing was heard of longest first."""
        return dict(self._images)

    def take_over(self, entries: Entries) -> None:
        """Have these in place of what was known of them; nobody is told."""
        for (image_id, _reference), health in entries.items():
            self._keep(image_id, health)

    def of(self, image: Image) -> ImageHealth:
        """What is known of the image with its present reference."""
        known = self._images.get((image.id, image.reference))
        return known or ImageHealth(image.reference)

    def note_check(self, image: Image, check: Check) -> None:
        """Take note of a check."""
        self._put(image.id, self.of(image).checked(check))

    def note_attempt(self, attempt: Attempt) -> None:
        """Take note of an attempt that has come to its end."""
        if attempt.outcome == "trying" or (attempt.image_id == CUSTOM_IMAGE and _no_news(attempt)):
            return
        at = attempt.ended or attempt.started
        known = self._known(attempt)
        if known is not None and known.reference != attempt.reference:
            self._put(attempt.image_id, known.tried_again(attempt))
            return
        known = known or ImageHealth(attempt.reference)
        self._put(attempt.image_id, known.tried(attempt, at))

    def note_fallback(self, given_up: Attempt) -> None:
        """Take note that another image is tried in place of this one."""
        known = self._known(given_up)
        if known is not None and given_up.image_id != CUSTOM_IMAGE:
            at = given_up.ended or given_up.started
            self._put(given_up.image_id, known.fell_back(at))

    def problems(self, images: Iterable[Image], now: datetime) -> dict[str, ImageProblem]:
        """The images that have a problem now, by id."""
        found = {image.id: self.of(image).problem(now) for image in images}
        return {name: problem for name, problem in found.items() if problem is not None}

    def last_good(self, images: Iterable[Image]) -> Mapping[str, str]:
        """The digests that ran well last, by id."""
        runs = {image.id: self.of(image).ran for image in images}
        return {name: run.digest for name, run in runs.items() if run is not None}

    def _known(self, attempt: Attempt) -> ImageHealth | None:
        """What is known of the attempt's reference, or of the tag whose last digest it tried."""
        tag, _at, _digest = attempt.reference.rpartition("@")
        exact = self._images.get((attempt.image_id, attempt.reference))
        return exact or self._images.get((attempt.image_id, tag))

    def _put(self, image_id: str, health: ImageHealth) -> None:
        news = self._images.get((image_id, health.reference)) != health
        self._keep(image_id, health)
        if news:
            for listener in self._listeners:
                listener()

    def _keep(self, image_id: str, health: ImageHealth) -> None:
        key = image_id, health.reference
        self._images[key] = health
        self._images.move_to_end(key)
        if image_id == CUSTOM_IMAGE:
            custom = [each for each in self._images if each[0] == CUSTOM_IMAGE]
            for oldest in custom[:-MAX_CUSTOM_IMAGES]:
                del self._images[oldest]
        while len(self._images) > self._limit:
            self._images.popitem(last=False)


def _no_news(attempt: Attempt) -> bool:
    """Whether an attempt with a person's own image says nothing of its last good digest."""
    return attempt.outcome != "running" and "@" not in attempt.reference


_WEEK = timedelta(days=FALLBACK_DAYS)
