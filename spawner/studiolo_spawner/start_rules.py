"""What a start begins with, which image it tries next, and what is kept of its end.  Pure."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

from tornado import web

from studiolo_spawner.attempts import Attempt
from studiolo_spawner.errors import ClusterFault, HubFault, NoImageLeft, StudioloError
from studiolo_spawner.launch_plan import Plan
from studiolo_spawner.progress import story
from studiolo_spawner.resolve import Candidate
from studiolo_spawner.translation import joined
from studiolo_spawner.translation import translate as _
from studiolo_spawner.workspace_state import Failure, ImageInUse, WorkspaceState

MOST_RESUMES = 5
"""A start that goes on while hub after hub ends may be what ends them."""


def first_state(plan: Plan) -> WorkspaceState:
    """The state of a start that begins now."""
    requested = plan.request.requested
    return WorkspaceState(
        spawn_id=uuid.uuid4().hex,
        profile=plan.request.profile.id,
        requested=ImageInUse(requested.id, requested.display_name, requested.reference),
        phase="starting",
        began=datetime.now(UTC),
        plan=plan.to_json(),
    )


def next_candidate(plan: Plan, attempts: tuple[Attempt, ...]) -> Candidate:
    """The image to try next; raises NoImageLeft."""
    request = plan.request
    if len(attempts) < request.fallback.max_attempts:
        for candidate in request.candidates:
            if not _was_tried(candidate, attempts):
                return candidate
    raise NoImageLeft(story(attempts))


def _was_tried(candidate: Candidate, attempts: tuple[Attempt, ...]) -> bool:
    """Whether it was, also as a last good digest that the tag has turned out to name still."""
    digest = candidate.digest
    return any(
        (a.image_id, a.reference) == (candidate.image.id, candidate.reference)
        or (digest and a.digest == digest)
        for a in attempts
    )


def require_resumable(state: WorkspaceState) -> None:
    """Raise what a start had already ended with, or what speaks against going on with it."""
    if state.phase == "ending":
        told = state.failure
        if told is None:
            raise StudioloError(_("The start was stopped."), reason="stopped", status=409)
        raise StudioloError(told.message, reason=told.reason, status=told.status)
    if state.resumed > MOST_RESUMES:
        raise StudioloError(
            _(
                "The hub was restarted again and again while the workspace started, so the start "
                "was given up. Your files are untouched: start it again."
            ),
            reason="resumed_too_often",
            status=503,
        )


def require_image_fault(attempt: Attempt) -> None:
    """Raise the cause of a failed attempt that no other image helps against."""
    if attempt.outcome == "failed" and not attempt.image_at_fault:
        told = joined(attempt.message, attempt.hint)
        raise ClusterFault(told, reason=attempt.reason or "cluster_fault")


def failure_of(error: BaseException) -> Failure | None:
    """What the user is told of the error; None when somebody stopped the start."""
    if isinstance(error, asyncio.CancelledError):
        return None
    now = datetime.now(UTC)
    if isinstance(error, web.HTTPError):
        # Raised for the user on purpose, by an operator's hook.
        words = error.log_message or error.reason or HubFault().user_message
        return Failure(now, "refused", words, error.status_code)
    told = error if isinstance(error, StudioloError) else HubFault()
    return Failure(now, told.reason, told.user_message, told.status)
