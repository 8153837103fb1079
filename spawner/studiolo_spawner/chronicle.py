"""What is known of one start, step by step, and told to whoever wants to know; no I/O of its own.

Keeps the start's state and, with every change, tells the journal (for the user), the log, the
metrics and the health book.  One decision is one line of the log and one count.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from studiolo_spawner import metrics
from studiolo_spawner.attempts import Attempt, AttemptOutcome, add_attempt, replace_last
from studiolo_spawner.causes import Cause
from studiolo_spawner.choice import CUSTOM_IMAGE
from studiolo_spawner.custom_words import for_its_person
from studiolo_spawner.image_check import CheckedImage
from studiolo_spawner.image_health import HealthBook
from studiolo_spawner.journal import Journal
from studiolo_spawner.podstatus import Stage, Step
from studiolo_spawner.progress import (
    checked_message,
    message,
    progress_messages,
    pulled_message,
)
from studiolo_spawner.resolve import Candidate
from studiolo_spawner.translation import english, joined
from studiolo_spawner.translation import marked as _
from studiolo_spawner.verdict import Decision, Verdict
from studiolo_spawner.workspace_state import ImageInUse, WorkspaceState

PATIENCE_SECONDS = 30.0
"""How often a user who waits without news is told for how long."""

RESUMED = _("The hub was restarted meanwhile. Your start goes on where it was.")

_HAS_IMAGE = frozenset({Step.STARTING, Step.ANSWERING, Step.READY})

_Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


class Chronicle:
    """The story of one start; ``key`` names its pod in the log."""

    def __init__(
        self, state: WorkspaceState, *, journal: Journal, health: HealthBook, log: _Log, key: str
    ) -> None:
        self.state = state
        self.cause: Cause | None = None
        self.size: int | None = None
        self._pulling_since: datetime | None = None
        self._journal = journal
        self._health = health
        self._log = log
        self._key = key
        self._told_at = time.monotonic()

    def open(self, notices: Iterable[str], *, resumed: bool) -> None:
        """Tell what is to be known before anything is tried; of a resumed start, all that was."""
        for notice in notices:
            self._journal.note([message(1, notice)])
        if resumed:
            self.state = replace(self.state, resumed=self.state.resumed + 1)
            self._tell()
            self._journal.note([message(1, RESUMED)], chapter=-self.state.resumed)
            self._log.info("%s: going on with a start of an earlier hub process", self._key)

    def begin(self, candidate: Candidate) -> int:
        """Begin an attempt; return its number, counted from 1."""
        number = len(self.state.attempts) + 1
        if number > 1:
            metrics.count_fallback(self.state.attempts[-1])
            self._health.note_fallback(self.state.attempts[-1])
            self._log.info(
                "%s: trying image %s (%s) instead: %s",
                self._key,
                candidate.image.id,
                candidate.reference,
                english(candidate.why),
            )
        why = f"{candidate.why[:1].upper()}{candidate.why[1:]}." if number > 1 else ""
        attempt = Attempt(
            candidate.image.id,
            candidate.reference,
            None,
            "trying",
            "",
            why,
            datetime.now(UTC),
            display_name=candidate.display_name,
        )
        attempts = add_attempt(self.state.attempts, attempt)
        self.cause, self.size, self._pulling_since = None, None, None
        self.state = replace(self.state, attempts=attempts, pod_uid="")
        self._tell()
        return number

    def checked(self, checked: CheckedImage) -> None:
        """Take note of what the registry said; what it could not say is told, too."""
        verdict, digest = checked.verdict, checked.digest
        last, self.size = self.state.attempts[-1], checked.answer.size
        metrics.count_verdict(last.image_id, verdict)
        if verdict.decision is Decision.FALL_BACK:
            return
        # Of an image that was found, the hint is what nobody could check.
        doubt = verdict.hint
        if verdict.decision is Decision.UNKNOWN:
            doubt = verdict.message
            self._log.info(
                "%s: image %s was not checked: %s", self._key, last.image_id, verdict.reason
            )
        told = last.message if doubt in last.message else joined(last.message, doubt)
        attempt = replace(last, digest=digest, message=told)
        actual = ImageInUse(
            attempt.image_id, attempt.display_name, attempt.reference, attempt.digest
        )
        attempts = replace_last(self.state.attempts, attempt)
        self.state = replace(self.state, attempts=attempts, actual=actual)
        self._tell()
        if verdict.decision is Decision.ACCEPTED:
            found = checked_message(attempts, self.size)
            self._journal.note([found], chapter=len(attempts))

    def see(self, found: Cause | None, stage: Stage) -> None:
        """Take note of how far the pod is and what holds it up."""
        self.cause = found
        self._tell_of_pull(stage)
        if found is None or not found.terminal:
            # What ends the attempt is told once, with the attempt.
            self._tell(stage)

    def _tell_of_pull(self, stage: Stage) -> None:
        """Say once how long the machine has fetched the image, when it has it."""
        if stage.step is Step.PULLING:
            self._pulling_since = self._pulling_since or stage.since or datetime.now(UTC)
        elif stage.step in _HAS_IMAGE and self._pulling_since is not None:
            took, self._pulling_since = datetime.now(UTC) - self._pulling_since, None
            pulled = pulled_message(self.state.attempts, took)
            self._journal.note([pulled], chapter=len(self.state.attempts))

    def end(self, outcome: AttemptOutcome, verdict: Verdict | None) -> None:
        """End the attempt; ``verdict`` says why when it did not go well."""
        if verdict and self.state.attempts[-1].image_id == CUSTOM_IMAGE:
            verdict = for_its_person(verdict)
        ended = self.state.attempts[-1].ending(outcome, verdict, datetime.now(UTC))
        self.state = replace(self.state, attempts=replace_last(self.state.attempts, ended))
        metrics.count_attempt(ended)
        self._health.note_attempt(ended)
        self._log.info(
            "%s: image %s (%s) %s%s",
            self._key,
            ended.image_id,
            ended.digest or ended.reference,
            outcome,
            f": {verdict.reason}: {english(verdict.message)}" if verdict else "",
        )
        self._tell()

    def close(self) -> None:
        """Count the start, which has come to its end."""
        state, failure = self.state, self.state.failure
        seconds = (datetime.now(UTC) - state.began).total_seconds() if state.began else 0.0
        if state.phase == "ending":
            outcome: metrics.Started = "failed" if failure else "stopped"
            metrics.count_start(outcome, failure.reason if failure else "stopped", seconds)
            return
        as_asked = state.actual is not None and state.actual.id == (
            state.requested and state.requested.id
        )
        metrics.count_start("ready" if as_asked else "another_image", "", seconds)

    def _tell(self, stage: Stage | None = None) -> None:
        """Put what is new into the journal."""
        attempts, now = self.state.attempts, datetime.now(UTC)
        # Told without "for 3 seconds now", which would be news at every look.
        timeless = stage and replace(stage, since=None)
        # Without a stage the attempt has ended, and its story holds the cause.
        cause_now = self.cause if stage else None
        news = progress_messages(attempts, timeless, cause_now, now=now, size=self.size)
        # The attempts' story goes on from image to image; every image has its stages anew.
        heard = self._journal.note(news[: len(attempts)])
        heard = self._journal.note(news[len(attempts) :], chapter=len(attempts)) or heard
        if not heard and stage and time.monotonic() - self._told_at > PATIENCE_SECONDS:
            patience = progress_messages(attempts, stage, None, now=now, size=self.size)
            heard = self._journal.note(patience[-1:], chapter=len(attempts))
        if heard:
            self._told_at = time.monotonic()
