"""Attempts: which image was tried in one spawn, with what digest, how it ended and why.

Pure. A history of attempts is kept in the spawner's state (the hub's database), so that a hub
that was killed still knows the story; it is JSON both ways and bounded. Reading is forgiving with
histories of other versions (unknown keys are ignored, what is no attempt is left out), because a
spawn must not fail over its own diary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final, Literal, cast, get_args

from studiolo_spawner.causes import REASONS, Kind, cause
from studiolo_spawner.plain_text import plain
from studiolo_spawner.verdict import Verdict

AttemptOutcome = Literal["trying", "running", "failed", "skipped"]

MAX_HISTORY: Final = 20
_MAX_TEXT: Final = 500
_OUTCOMES: Final = frozenset(get_args(AttemptOutcome))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One image tried in one spawn.

    outcome  "trying" now, "running" well, "failed" after its pod was created, "skipped" before that
    reason   a label of ``causes.REASONS``, "" while it goes well
    message  the cause in plain words, ``hint`` what to do about it
    digest   what the check found and the pod ran; None when the registry did not say
    """

    image_id: str
    reference: str
    digest: str | None
    outcome: AttemptOutcome
    reason: str
    message: str
    started: datetime
    ended: datetime | None = None
    display_name: str = ""
    hint: str = ""

    @property
    def name(self) -> str:
        """What people call the image."""
        return plain(self.display_name or self.image_id, 100)

    @property
    def failed(self) -> bool:
        """Whether this image was given up."""
        return self.outcome in ("failed", "skipped")

    @property
    def image_at_fault(self) -> bool:
        """Whether it was given up for what the image itself is."""
        return self.failed and self.reason in REASONS and cause(self.reason).kind is Kind.IMAGE

    def ending(self, outcome: AttemptOutcome, verdict: Verdict | None, at: datetime) -> Attempt:
        """This attempt with its end; ``verdict`` says why when it did not go well."""
        if verdict is None:
            return replace(self, outcome=outcome, reason="", message="", hint="", ended=at)
        return replace(
            self,
            outcome=outcome,
            reason=verdict.reason,
            message=verdict.message,
            hint=verdict.hint,
            ended=at,
        )

    def to_json(self) -> dict[str, str | None]:
        """A dict that ``json.dumps`` takes."""
        fields = asdict(self)
        fields["started"] = self.started.isoformat()
        fields["ended"] = self.ended.isoformat() if self.ended else None
        return cast("dict[str, str | None]", fields)

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Attempt:
        """The attempt that ``to_json`` wrote; ValueError when it is none."""
        outcome = _text(value, "outcome")
        if outcome not in _OUTCOMES:
            raise ValueError("an attempt needs an outcome out of trying, running, failed, skipped")
        started, ended = _moment(value, "started"), _moment(value, "ended")
        image_id = _text(value, "image_id")
        if started is None or not image_id:
            raise ValueError("an attempt needs an image_id and the time at which it started")
        return cls(
            image_id=image_id,
            reference=_text(value, "reference"),
            digest=_text(value, "digest") or None,
            outcome=cast("AttemptOutcome", outcome),
            reason=_text(value, "reason"),
            message=_text(value, "message"),
            started=started,
            ended=ended,
            display_name=_text(value, "display_name"),
            hint=_text(value, "hint"),
        )


def add_attempt(history: Sequence[Attempt], attempt: Attempt) -> tuple[Attempt, ...]:
    """The history with one more attempt; the oldest ones make room."""
    return (*history, attempt)[-MAX_HISTORY:]


def replace_last(history: Sequence[Attempt], attempt: Attempt) -> tuple[Attempt, ...]:
    """The history with its last attempt brought up to date."""
    return (*history[:-1], attempt)


def history_to_json(history: Iterable[Attempt]) -> list[dict[str, str | None]]:
    """A list that ``json.dumps`` takes."""
    return [attempt.to_json() for attempt in history]


def history_from_json(value: object) -> tuple[Attempt, ...]:
    """The history out of a state; what does not read as an attempt is left out."""
    if not isinstance(value, list):
        return ()
    read: list[Attempt] = []
    for item in value[-MAX_HISTORY:]:
        if not isinstance(item, Mapping):
            continue
        try:
            read.append(Attempt.from_json(item))
        except ValueError:
            continue
    return tuple(read)


def _text(value: Mapping[str, object], key: str) -> str:
    found = value.get(key)
    return found[:_MAX_TEXT] if isinstance(found, str) else ""


def _moment(value: Mapping[str, object], key: str) -> datetime | None:
    found = value.get(key)
    if not isinstance(found, str):
        return None
    try:
        read = datetime.fromisoformat(found)
    except ValueError:
        return None
    # An hour without a zone cannot be told apart from another one
    return read if read.tzinfo else None
