"""The catalogue as the hub's pages see it: the same followed file that the spawners use. I/O.

A hub whose catalogue was never good still serves its pages: workspaces that run go on, people can
stop them, and administrators read on every page what is wrong.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from studiolo_spawner.catalogue import Catalogue
from studiolo_spawner.catalogue_file import CatalogueFile, CatalogueProblem
from studiolo_spawner.errors import CatalogueError
from studiolo_spawner.image_health import HealthBook
from studiolo_spawner.shared_parts import SharedParts, shared_parts

log = logging.getLogger(__name__)


class CatalogueLink:
    """What is known of the catalogue; `follow` makes it known, everything else only looks."""

    def __init__(self, path: str, registries: Mapping[str, Any]) -> None:
        # Both as the spawners have them: that is how they come by the same file.
        self.path = path
        self._registries = registries
        # What was never followed has no history; the spawners' book takes this one's place.
        self.health = HealthBook()
        self.parts: SharedParts | None = None
        self._file: CatalogueFile | None = None
        self._never_good: CatalogueProblem | None = None

    async def follow(self) -> None:
        """See to it that the file is followed; cheap when it is."""
        if self._file is not None:
            return
        try:
            parts = await shared_parts(self.path, self._registries, log)
        except CatalogueError as error:
            since = self._never_good.since if self._never_good else datetime.now(UTC)
            self._never_good = CatalogueProblem(error.source, error.problems, since)
        else:
            self._file, self._never_good = parts.catalogue, None
            self.parts, self.health = parts, parts.health

    @property
    def snapshot(self) -> Catalogue | None:
        """The last good catalogue."""
        return self._file.snapshot if self._file else None

    @property
    def problem(self) -> CatalogueProblem | None:
        """Why the file is not in use as it is now."""
        return self._file.problem if self._file else self._never_good
