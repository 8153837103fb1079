"""What one start goes by: the resolved request and its time limits, as they were when it began.

Pure.  A snapshot: an edit of the catalogue changes nothing of a start that goes on.  ``to_json``
and ``from_json`` carry it through a restart of the hub, in the spawner's state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from studiolo_spawner.catalogue import Catalogue
from studiolo_spawner.errors import StudioloError
from studiolo_spawner.queueing import queue_of
from studiolo_spawner.resolve import Candidate, WorkspaceRequest
from studiolo_spawner.translation import translate as _


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one start.

    start_deadline  how long a container may take to become ready
    spawn_timeout   how long the start may take as a whole, waiting in a queue apart
    queue           the queue that its pod waits in
    queue_timeout   how long it may wait there
    """

    request: WorkspaceRequest
    start_deadline: timedelta
    spawn_timeout: timedelta
    queue: str | None = None
    queue_timeout: timedelta = timedelta(hours=12)

    @classmethod
    def of(cls, request: WorkspaceRequest, catalogue: Catalogue) -> Plan:
        """The plan that the catalogue's limits make of a request."""
        limits = catalogue.defaults
        queue = queue_of(request.profile, limits)
        return cls(
            request, limits.start_deadline, limits.spawn_timeout, queue, limits.queue_timeout
        )

    def candidate(self, image_id: str, reference: str) -> Candidate | None:
        """The candidate that an attempt with this image was made for."""
        return next(
            (
                c
                for c in self.request.candidates
                if (c.image.id, c.reference) == (image_id, reference)
            ),
            None,
        )

    def to_json(self) -> dict[str, Any]:
        """A dict that ``json.dumps`` takes."""
        found: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return found

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> Plan:
        """The plan that ``to_json`` wrote; ValueError when it is none, or another version's."""
        return _adapter().validate_python(value)

    @classmethod
    def saved(cls, value: Mapping[str, Any] | None) -> Plan:
        """As ``from_json``, but for a user who waits: raises StudioloError."""
        try:
            return cls.from_json(value)
        except ValueError:
            raise StudioloError(
                _(
                    "The hub was renewed while your workspace started, and the new one cannot go "
                    "on with that start. Your files are untouched: start it again."
                ),
                reason="plan_unreadable",
                status=503,
            ) from None


@cache
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)
