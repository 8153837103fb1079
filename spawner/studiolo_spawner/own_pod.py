"""The one pod of a server: create, find, watch and remove it, and never touch another's; I/O.

Guarantees: a pod that was created twice by a repeated request is one pod; a pod is deleted by its
UID, so only the very one that was meant; waiting is woken by the watch, not by polling.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from studiolo_spawner import pod as pod_names
from studiolo_spawner.cluster_api import AlreadyThere, ClusterApi, KubernetesObject
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.ownership import Owner, owner_of, require_owner
from studiolo_spawner.pod_view import mapping, text
from studiolo_spawner.translation import translate as _

if TYPE_CHECKING:
    from studiolo_spawner.spawner import WorkspaceSpawner

CREATE_TRIES = 4


def uid_of(pod: KubernetesObject) -> str:
    """The pod's UID."""
    return text(mapping(pod.get("metadata")).get("uid"))


def spawn_id_of(pod: KubernetesObject) -> str:
    """Which start made the pod."""
    annotations = mapping(mapping(pod.get("metadata")).get("annotations"))
    return text(annotations.get(pod_names.SPAWN_ID))


class OwnPod:
    """The pod that belongs to one spawner."""

    def __init__(self, spawner: WorkspaceSpawner, api: ClusterApi) -> None:
        self._spawner = spawner
        self._api = api

    @property
    def key(self) -> str:
        """ "namespace/name": how reflectors call it."""
        return f"{self._spawner.namespace}/{self._spawner.pod_name}"

    def seen(self, uid: str | None = None) -> KubernetesObject | None:
        """The pod as last heard of, None when there is none or it is somebody else's."""
        reflector = self._spawner.pod_reflector
        found: KubernetesObject | None = reflector.pods.get(self.key) if reflector else None
        if found is None or (uid and uid_of(found) != uid):
            return None
        return None if self._owner(found) is Owner.ANOTHER else found

    def events(self) -> list[KubernetesObject]:
        """What was reported about pods of this name, oldest first."""
        reflector = self._spawner.event_reflector
        return reflector.events_of(self.key) if reflector else []

    async def find(self, *, for_ever: bool = False) -> KubernetesObject | None:
        """Ask the API server for the pod; None when there is none or it is somebody else's."""
        found = await self._read(for_ever=for_ever)
        return None if found is None or self._owner(found) is Owner.ANOTHER else found

    async def create(self, body: Any, *, spawn_id: str, number: int) -> KubernetesObject:
        """Create the pod, clearing an older one of ours out of the way; raises ClusterFault."""
        namespace = self._spawner.namespace
        for _try in range(CREATE_TRIES):
            try:
                return await self._api.create("pod", body, namespace=namespace)
            except AlreadyThere:
                there = await self._read()
            if there is None:
                continue
            if is_from(there, spawn_id, number):
                # An earlier request was carried out after we had stopped listening for its answer.
                self._spawner.log.info("Going on with pod %s: it is this start's own", self.key)
                return there
            self._require_ours(there)
            self._spawner.log.info("Removing an older pod %s before the new one", self.key)
            await self.remove(uid_of(there), grace=0)
        raise ClusterFault(
            _(
                "An older pod of this workspace keeps coming back. Ask your administrator to look "
                "at the pod %(name)s."
            )
            % {"name": self._spawner.pod_name},
            reason="pod_in_the_way",
            status=409,
        )

    async def remove(self, uid: str, *, grace: int | None, for_ever: bool = False) -> None:
        """Delete that very pod and wait until it is gone; raises ClusterFault."""
        there = await self._api.delete(
            "pod",
            self._spawner.pod_name,
            namespace=self._spawner.namespace,
            uid=uid or None,
            grace=grace,
            for_ever=for_ever,
        )
        if there:
            await self._until_gone(uid, (grace or 0) + self._spawner.pod_gone_timeout)

    @contextmanager
    def listening(self, wake: asyncio.Event) -> Iterator[None]:
        """Set ``wake`` whenever the pod changes or something is reported about it."""
        with self._spawner.pod_reflector.listening(self.key, wake):
            if self._spawner.event_reflector is None:
                yield
            else:
                with self._spawner.event_reflector.listening(self.key, wake):
                    yield

    async def _until_gone(self, uid: str, timeout: float) -> None:
        give_up_at = time.monotonic() + timeout
        wake = asyncio.Event()
        # Not heard of can also mean not heard of yet; then only the API server knows.
        heard = self.seen(uid) is not None
        with self._spawner.pod_reflector.listening(self.key, wake):
            while True:
                wake.clear()
                heard = heard or self.seen(uid) is not None
                if self.seen(uid) is None and (heard or await self.is_gone(uid)):
                    return
                left = give_up_at - time.monotonic()
                if left <= 0:
                    break
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, 2.0)):
                        await wake.wait()
        raise ClusterFault(
            _(
                "The pod %(name)s does not go away: its machine may be lost. "
                "Try again in a few minutes, or ask your administrator."
            )
            % {"name": self._spawner.pod_name},
            reason="pod_stays",
        )

    async def is_gone(self, uid: str) -> bool:
        """Ask the API server whether that very pod is there no longer; raises ClusterFault."""
        there = await self._read()
        return there is None or uid_of(there) != uid

    async def _read(self, *, for_ever: bool = False) -> KubernetesObject | None:
        name, namespace = self._spawner.pod_name, self._spawner.namespace
        return await self._api.read("pod", name, namespace=namespace, for_ever=for_ever)

    def _owner(self, found: KubernetesObject) -> Owner:
        return owner_of(found, self._spawner.user.name, self._spawner.name)

    def _require_ours(self, found: KubernetesObject) -> None:
        require_owner(_("pod"), found, self._spawner.user.name)
        if self._owner(found) is Owner.ANOTHER:
            raise ClusterFault(
                _(
                    "The pod %(name)s belongs to another of your servers. "
                    "Give this server another name."
                )
                % {"name": self._spawner.pod_name},
                reason="owned_by_another",
                status=409,
            )


def is_from(pod: KubernetesObject, spawn_id: str, number: int) -> bool:
    """Whether this attempt of this start made the pod, and nobody is deleting it."""
    metadata = mapping(pod.get("metadata"))
    return (
        spawn_id_of(pod) == spawn_id
        and mapping(metadata.get("annotations")).get(pod_names.ATTEMPT) == str(number)
        and not metadata.get("deletionTimestamp")
    )
