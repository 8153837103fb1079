"""How one request's client wants to see objects. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from studiolo_local.api.entries import Entry
from studiolo_local.api.listing import Page
from studiolo_local.api.media import LIST_SHAPES, OBJECT_SHAPES, Accepted, best_accepted
from studiolo_local.api.resources import Resource
from studiolo_local.api.tables import shown_as
from studiolo_local.api.watch import Render


@dataclass(frozen=True, slots=True)
class Representation:
    """One request's Accept header, understood for single objects and for lists."""

    accept: str
    include: str
    clock: Callable[[], datetime]

    @classmethod
    def of(
        cls, headers: Mapping[str, str], query: Mapping[str, str], clock: Callable[[], datetime]
    ) -> Representation:
        """Read a request's wishes."""
        return cls(headers.get("Accept", ""), query.get("includeObject", ""), clock)

    def check(self) -> None:
        """Raise ApiError when an object cannot be had as wished: before anything is written."""
        best_accepted(self.accept, OBJECT_SHAPES)

    def one(self, entry: Entry) -> bytes:
        """Return the JSON of an object; raises ApiError when it cannot be had as wished."""
        accepted = best_accepted(self.accept, OBJECT_SHAPES)
        return self._shown(accepted, entry) if accepted.shape else entry.document

    def page(self, resource: Resource, page: Page) -> bytes:
        """Return the JSON of a list."""
        accepted = best_accepted(self.accept, LIST_SHAPES)
        if not accepted.shape:
            return page.document(resource)
        metadata = page.metadata()
        return shown_as(
            accepted, resource, page.entries, metadata, include=self.include, now=self.clock()
        )

    def render(self) -> Render | None:
        """Return how a watch shows each object, or None for as it is."""
        accepted = best_accepted(self.accept, OBJECT_SHAPES)
        return (lambda entry: self._shown(accepted, entry)) if accepted.shape else None

    def _shown(self, accepted: Accepted, entry: Entry) -> bytes:
        return shown_as(
            accepted,
            entry.resource,
            [entry],
            {"resourceVersion": str(entry.version)},
            include=self.include,
            now=self.clock(),
        )
