"""What KubeSpawner makes beside a pod: secret of internal TLS, service, operator's hook; I/O.

The same objects in the same order as KubeSpawner's, owned by the pod so that they go with it.
An object in the way is removed only when it is this user's; what was made for this very pod, by
an earlier request or an earlier hub process, stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyterhub.utils import maybe_future
from kubespawner.objects import make_owner_reference

from studiolo_spawner.cluster_api import AlreadyThere, ClusterApi, KubernetesObject
from studiolo_spawner.own_pod import uid_of
from studiolo_spawner.ownership import require_owner
from studiolo_spawner.pod_view import mapping, mappings

if TYPE_CHECKING:
    from studiolo_spawner.spawner import WorkspaceSpawner


async def make_companions(
    spawner: WorkspaceSpawner, api: ClusterApi, pod: KubernetesObject
) -> None:
    """Make what goes with a pod that was just created; raises ClusterFault or the hook's error."""
    uid = uid_of(pod)
    owner = make_owner_reference(spawner.pod_name, uid)
    if spawner.internal_ssl:
        await _replace(spawner, api, "secret", spawner.get_secret_manifest(owner), uid)
    if spawner.internal_ssl or spawner.services_enabled:
        service = spawner.get_service_manifest(owner, spawner.port_of(pod))
        await _replace(spawner, api, "service", service, uid)
    if spawner.after_pod_created_hook:
        spawner.log.info("Running after_pod_created_hook for %s", spawner.pod_name)
        await maybe_future(spawner.after_pod_created_hook(spawner, pod))


async def _replace(
    spawner: WorkspaceSpawner, api: ClusterApi, kind: str, manifest: Any, pod_uid: str
) -> None:
    name, namespace = manifest.metadata.name, spawner.namespace
    for _ in range(2):
        try:
            await api.create(kind, manifest, namespace=namespace)
        except AlreadyThere:
            found = await api.read(kind, name, namespace=namespace)
            if found is None:
                continue
            require_owner(kind, found, spawner.user.name)
            if _goes_with(found, pod_uid):
                return
            await api.delete(kind, name, namespace=namespace, uid=uid_of(found))
        else:
            return
    await api.create(kind, manifest, namespace=namespace)


def _goes_with(found: KubernetesObject, pod_uid: str) -> bool:
    metadata = mapping(found.get("metadata"))
    owners = mappings(metadata.get("ownerReferences"))
    return not metadata.get("deletionTimestamp") and any(o.get("uid") == pod_uid for o in owners)
