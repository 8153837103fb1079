"""Delete a person's files because they said so: the volume of one workspace; I/O.

Guarantees: a volume is deleted only if its annotations name exactly this user, no pod mounts it at
that moment, and it is the very one that was looked at (by its UID). Everything else is a
ClusterFault that says why nothing was deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import aiohttp

from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.homes import CLAIM
from studiolo_spawner.ownership import Owner, owner_of
from studiolo_spawner.pod_view import Json, mapping, mappings, text
from studiolo_spawner.translation import translate as _

if TYPE_CHECKING:
    from studiolo_spawner.spawner import WorkspaceSpawner

_PATIENCE = aiohttp.ClientTimeout(total=10)


async def delete_files(spawner: WorkspaceSpawner) -> bool:
    """Delete the volume of this workspace; False when there is none. Raises ClusterFault."""
    api, name, namespace = spawner.cluster, spawner.pvc_name, spawner.namespace
    found = await api.read(CLAIM, name, namespace=namespace)
    if found is None:
        return False
    if owner_of(found, spawner.user.name) is not Owner.OURS:
        raise ClusterFault(
            _(
                "The volume %(name)s does not say that it is yours, so nothing was deleted. "
                "Ask your administrator."
            )
            % {"name": name},
            reason="owner_unknown",
            status=409,
        )
    users = users_of(name, await _pods(spawner))
    if users:
        raise ClusterFault(
            _(
                "The volume %(name)s is still in use by %(pod)s, so nothing was deleted. "
                "Stop what uses it and try again."
            )
            % {"name": name, "pod": users[0]},
            reason="home_in_use",
            status=409,
        )
    uid = text(mapping(found.get("metadata")).get("uid"))
    await api.delete(CLAIM, name, namespace=namespace, uid=uid)
    spawner.home_settled = False
    spawner.log.info("Deleted the volume %s: %s asked for it", name, spawner.user.name)
    return True


def users_of(claim: str, pods: Iterable[Json]) -> list[str]:
    """The names of pods that mount a claim and have not ended."""
    return [
        text(mapping(pod.get("metadata")).get("name"))
        for pod in pods
        if mapping(pod.get("status")).get("phase") not in {"Succeeded", "Failed"}
        and any(
            mapping(volume.get("persistentVolumeClaim")).get("claimName") == claim
            for volume in mappings(mapping(pod.get("spec")).get("volumes"))
        )
    ]


async def _pods(spawner: WorkspaceSpawner) -> tuple[Json, ...]:
    """All pods of the namespace, asked now: what a watch has not heard yet counts, too."""
    call: Any = spawner.api.list_namespaced_pod
    try:
        answer = await call(spawner.namespace, _preload_content=False, _request_timeout=_PATIENCE)
        found = await answer.json() if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise ClusterFault(
            _(
                "The cluster does not say who uses the volume, so nothing was deleted. "
                "Try again in a minute."
            ),
            reason="api_away",
        )
    return mappings(found.get("items"))
