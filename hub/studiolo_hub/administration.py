"""What the administration's pages know beyond JupyterHub: the spawners' shared parts. Reads.

The same objects that starts use, so that a page tells what a start would find: the catalogue, the
images' health, the watch of the cluster. Looking begins what a start would begin (the image checks,
the watch): an administrator who comes first after a restart of the hub is told the present, too.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Self

import aiohttp
from kubernetes_asyncio import client
from studiolo_spawner.catalogue_file import CatalogueProblem
from studiolo_spawner.cluster_watch import ClusterWatch
from studiolo_spawner.shared_parts import SharedParts
from studiolo_spawner.spawner import WorkspaceSpawner
from studiolo_spawner.translation import translate as _

from studiolo_hub.admin_events import AdminFeed
from studiolo_hub.answers import Refused
from studiolo_hub.catalogue_link import CatalogueLink
from studiolo_hub.pages import Pages

#: At least so many seconds lie between two rounds of checks that somebody asked for.
CHECKS_APART = 15.0

#: How often the first page after a restart looks whether the cluster was listed: for a second.
FIRST_LISTS_TRIES = 20


class ClusterProbe:
    """Asks Kubernetes for its version, at most every ten seconds, to know whether it answers.

    A server that hangs is silent for a minute before a watch of it is given up.
    """

    def __init__(self, *, every: float = 10.0, timeout: float = 2.0) -> None:
        self._every = every
        self._timeout = timeout
        self._asked: float | None = None
        self._away = False

    async def away(self, core: Any) -> bool:
        """Whether there is no answer; any answer is one. `core` is KubeSpawner's CoreV1Api."""
        now = time.monotonic()
        if self._asked is None or now - self._asked >= self._every:
            # Before waiting: pages that come together ask once.
            self._asked = now
            try:
                answer = await client.VersionApi(core.api_client).get_code(
                    _preload_content=False,
                    _request_timeout=aiohttp.ClientTimeout(total=self._timeout),
                )
                answer.release()
                self._away = False
            except (aiohttp.ClientError, OSError, TimeoutError):
                self._away = True
        return self._away


class Administration:
    """One for a hub."""

    def __init__(
        self,
        pages: Pages,
        catalogue: CatalogueLink,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pages = pages
        self.catalogue = catalogue
        self.feed = AdminFeed(catalogue)
        self._probe = ClusterProbe()
        self._clock = clock
        self._checked_at: float | None = None
        self._waited = False

    def __deepcopy__(self, _memo: object) -> Self:
        """Stay one, wherever configuration is copied."""
        return self

    async def parts(self, spawner: Any) -> SharedParts | None:
        """Return the shared parts, at work; None while there never was a good catalogue.

        `spawner` is anybody's, for its configuration.
        """
        await self.catalogue.follow()
        parts = self.catalogue.parts
        if parts is None or not isinstance(spawner, WorkspaceSpawner):
            return parts
        parts = await spawner._shared()  # noqa: SLF001 - as its menu does
        if not self._waited and parts.cluster is not None:
            self._waited = True
            await _until_known(parts.cluster)
        return parts

    async def cluster_away(self, spawner: Any) -> bool:
        """Whether Kubernetes does not answer; False where there is none to ask."""
        core = getattr(spawner, "api", None)
        return core is not None and await self._probe.away(core)

    @property
    def problem(self) -> CatalogueProblem | None:
        """What is wrong with the catalogue's last edit."""
        return self.catalogue.problem

    async def check_images(self, spawner: Any) -> None:
        """Have all images checked now; raises Refused when that was done a moment ago."""
        parts = await self.parts(spawner)
        if parts is None or parts.watch is None:
            raise Refused(
                503,
                "no_checks",
                _("Images are not checked here."),
                _("There is no catalogue, or workspaces.check_images_every is `never`."),
            )
        wait = self._must_wait()
        if wait > 0:
            raise Refused(
                429,
                "too_many",
                _("All images were checked a moment ago."),
                _("Ask again in %(count)s seconds.") % {"count": f"{wait:.0f}"},
            )
        self._checked_at = self._clock()
        parts.watch.check_now()

    def _must_wait(self) -> float:
        if self._checked_at is None:
            return 0.0
        return max(self._checked_at + CHECKS_APART - self._clock(), 0.0)


async def _until_known(cluster: ClusterWatch) -> None:
    """Give the watch that has just begun a moment, rather than to tell that nothing is known."""
    for _try in range(FIRST_LISTS_TRIES):
        if cluster.known or cluster.scope == "off":
            return
        await asyncio.sleep(0.05)


def silent_seconds() -> float | None:
    """For how long Kubernetes has said nothing to the spawners; None while nobody listens yet."""
    listening = [
        reflector.silent_seconds
        for (kind, _namespace), reflector in WorkspaceSpawner.reflectors.items()
        if kind == "pods"
    ]
    return max(listening, default=None)
