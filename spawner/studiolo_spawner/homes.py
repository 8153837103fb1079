"""The volume with a user's files: made, or taken over if theirs; I/O.

Guarantees that nothing of another user is ever mounted or deleted: an object that is there already
is read, and refused with advice unless its annotations name exactly this user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from studiolo_spawner.cluster_api import AlreadyThere, ClusterApi, KubernetesObject
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.ownership import require_owner
from studiolo_spawner.pod_view import mapping, text
from studiolo_spawner.translation import translate as _

if TYPE_CHECKING:
    from studiolo_spawner.spawner import WorkspaceSpawner

CLAIM = "persistent_volume_claim"


async def ensure_home(spawner: WorkspaceSpawner, api: ClusterApi) -> None:
    """Make the user's home volume or check that the one that is there is theirs."""
    await _keep_old_name(spawner, api)
    # One request for whoever has been here before, one for whoever is new.
    found = await _read(spawner, api, spawner.pvc_name) if spawner.home_settled else None
    if found is None:
        found = await _create(spawner, api)
    if found is not None:
        require_own(spawner, _("home volume"), found)
        if text(mapping(found.get("metadata")).get("deletionTimestamp")):
            raise ClusterFault(
                _(
                    "Your home volume %(name)s is being deleted. "
                    "Ask your administrator before you start again."
                )
                % {"name": spawner.pvc_name},
                reason="home_deleted",
                status=409,
            )
    spawner.home_settled = True


async def delete_home(spawner: WorkspaceSpawner, api: ClusterApi) -> None:
    """Delete the user's home volume, if it is theirs."""
    found = await _read(spawner, api, spawner.pvc_name)
    if found is None:
        return
    require_own(spawner, _("home volume"), found)
    uid = text(mapping(found.get("metadata")).get("uid"))
    await api.delete(CLAIM, spawner.pvc_name, namespace=spawner.namespace, uid=uid)
    spawner.log.info("Deleted the home volume %s of %s", spawner.pvc_name, spawner.user.name)


async def _create(spawner: WorkspaceSpawner, api: ClusterApi) -> KubernetesObject | None:
    """Create the volume; return the one that is in the way, None when it was made."""
    try:
        await api.create(CLAIM, spawner.get_pvc_manifest(), namespace=spawner.namespace)
    except AlreadyThere:
        return await _read(spawner, api, spawner.pvc_name)
    except ClusterFault as fault:
        # Quota is counted before it is seen that there is nothing to create.
        found = await _read(spawner, api, spawner.pvc_name) if fault.reason == "quota" else None
        if found is None:
            raise
        return found
    spawner.log.info("Made the home volume %s for %s", spawner.pvc_name, spawner.user.name)
    return None


async def _keep_old_name(spawner: WorkspaceSpawner, api: ClusterApi) -> None:
    """Find a volume that KubeSpawner before 7 made, whose names were built by another rule."""
    old = spawner.old_home_name
    if old is None or await _read(spawner, api, spawner.pvc_name):
        return
    if await _read(spawner, api, old):
        spawner.log.warning("Going on with the old home volume %s of %s", old, spawner.user.name)
        spawner.pvc_name = old


async def _read(spawner: WorkspaceSpawner, api: ClusterApi, name: str) -> KubernetesObject | None:
    return await api.read(CLAIM, name, namespace=spawner.namespace)


def require_own(spawner: WorkspaceSpawner, kind: str, found: KubernetesObject | None) -> None:
    """Raise ClusterFault unless what was found, if anything, is this spawner's user's."""
    if found is not None:
        require_owner(kind, found, spawner.user.name, adopt_unowned=spawner.adopt_unowned)
