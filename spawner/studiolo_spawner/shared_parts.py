"""What all spawners of one hub share: catalogue, registry client, health of the images; I/O.

Made at first use on the running loop, one for each configuration, and closed when the hub ends its
tasks or when ``close_shared_parts`` is called.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studiolo_spawner.catalogue import Image
from studiolo_spawner.catalogue_file import CatalogueFile
from studiolo_spawner.cluster_watch import ClusterWatch, common_of
from studiolo_spawner.health_store import HealthStore
from studiolo_spawner.image_check import CheckedImage
from studiolo_spawner.image_checker import ImageChecker, KnownSurroundings
from studiolo_spawner.image_health import HealthBook
from studiolo_spawner.image_watch import ImageWatch
from studiolo_spawner.queue_reader import QueueReader, get_by
from studiolo_spawner.quota_gate import QuotaGate
from studiolo_spawner.registry import RegistryClient
from studiolo_spawner.registry_settings import RegistrySettings

_Log = logging.Logger | logging.LoggerAdapter[logging.Logger]

FIRST_READ_SECONDS = 1.0
"""What whoever comes first waits for what an earlier hub knew of images."""


MENUS_AT_ONCE = 4
"""Menus that are made in one turn of the event loop."""


@dataclass(slots=True)
class SharedParts:
    """The parts; ``keeper`` is the task whose end closes them."""

    catalogue: CatalogueFile
    registry: RegistryClient
    health: HealthBook = field(default_factory=HealthBook)
    watch: ImageWatch | None = None
    kept: HealthStore | None = None
    """What carries the health of images through restarts."""
    cluster: ClusterWatch | None = None
    """What the cluster has and who holds it."""
    surroundings: KnownSurroundings | None = None
    """What images have to fit there."""
    gate: QuotaGate = field(default_factory=QuotaGate)
    """Where starts pass the quotas."""
    menu_turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MENUS_AT_ONCE))
    """A crowd's menus are made one after the other, so that the loop gets to the rest between."""
    queues: QueueReader | None = None
    """What Kueue says about those that wait in its queues."""
    keeper: asyncio.Task[None] | None = None

    @property
    def ending(self) -> bool:
        """Whether the hub ends its tasks, which leaves what it began to the next hub process."""
        return self.keeper is not None and (self.keeper.done() or self.keeper.cancelling() > 0)

    async def keep_health(self, spawner: Any) -> None:
        """Have the health of images kept where the hub runs; the first call decides.

        Waits, for a moment at most, until what an earlier hub has left is known.
        """
        if self.kept is None:
            where = spawner.hub_namespace
            self.kept = HealthStore(self.health, spawner.cluster, where, log=spawner.log)
            self.kept.start()
        await self.kept.loaded(FIRST_READ_SECONDS)

    def watch_images(self, period: float, checker: ImageChecker, log: _Log) -> None:
        """Have all images checked, now and every so many seconds; 0 for never.

        The first call decides.
        """

        async def check(image: Image) -> CheckedImage:
            return await checker.check_for_any(image, self.catalogue.snapshot)

        if self.watch is None and period > 0:
            self.watch = ImageWatch(self.catalogue, self.health, check, period=period, log=log)

    async def watch_cluster(self, spawner: Any) -> None:
        """Have nodes and pods followed, as this spawner's traits say; the first call decides."""
        if self.cluster is None:
            self.cluster = ClusterWatch(
                spawner.namespace,
                scope=spawner.capacity_watch,
                everywhere=spawner.namespaces_begin,
                common=common_of(spawner),
                parent=spawner,
                log=spawner.log,
                get=get_by(spawner.api.api_client),
            )
            self.surroundings = KnownSurroundings(self.cluster)
            await self.cluster.start()

    def queue_reader(self, spawner: Any) -> QueueReader:
        """Who asks Kueue, by the client of the first spawner that needs it."""
        if self.queues is None:
            self.queues = QueueReader(get_by(spawner.api.api_client), spawner.log)
        return self.queues

    async def close(self) -> None:
        """Stop following and checking, and close connections."""
        if self.queues is not None:
            await self.queues.stop()
        if self.cluster is not None:
            await self.cluster.stop()
        if self.watch is not None:
            await self.watch.stop()
        if self.kept is not None:
            await self.kept.stop()
        await self.catalogue.stop()
        await self.registry.close()


_parts: dict[tuple[asyncio.AbstractEventLoop, str, str], SharedParts] = {}


async def shared_parts(path: str, registries: Mapping[str, Any], log: _Log) -> SharedParts:
    """Return the parts for this configuration, started.

    Raises CatalogueError while no good catalogue was ever read from ``path``.
    """
    loop = asyncio.get_running_loop()
    key = (loop, path, json.dumps(registries, sort_keys=True, default=str))
    parts = _parts.get(key)
    if parts is None:
        settings = registry_settings(registries)
        parts = _parts[key] = SharedParts(CatalogueFile(path, log=log), RegistryClient(settings))
        parts.keeper = asyncio.create_task(_close_at_the_end(key), name="shared spawner parts")
    await parts.catalogue.start()
    return parts


async def close_shared_parts() -> None:
    """Close all parts of the running loop."""
    loop = asyncio.get_running_loop()
    keepers = [p.keeper for key, p in _parts.items() if key[0] is loop and p.keeper]
    for keeper in keepers:
        keeper.cancel()
    if keepers:
        await asyncio.wait(keepers)


def registry_settings(registries: Mapping[str, Any]) -> dict[str, RegistrySettings]:
    """Read the trait's mappings; raises ValueError that names the registry and the field."""
    settings: dict[str, RegistrySettings] = {}
    for host, values in registries.items():
        try:
            known = dict(values)
            if "trusted_hosts" in known:
                known["trusted_hosts"] = tuple(known["trusted_hosts"])
            settings[host] = RegistrySettings(**known)
        except (TypeError, ValueError) as error:
            raise ValueError(f"registries[{host!r}]: {error}") from error
    return settings


async def _close_at_the_end(key: tuple[asyncio.AbstractEventLoop, str, str]) -> None:
    """Wait to be cancelled, which JupyterHub does with every task when it ends."""
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await _parts.pop(key).close()
