"""A namespace for each person, and all that it holds before the first pod; I/O.

Guarantees: nothing is written into a namespace that another user or another hub owns; objects that
an administrator made there are left alone; and whoever asks for a pod afterwards finds the hub's
rights in force and the quota counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from kubernetes_asyncio import client
from kubespawner.objects import make_namespace

from studiolo_spawner import namespace_objects as objects
from studiolo_spawner.backoff import Backoff
from studiolo_spawner.causes import cause
from studiolo_spawner.cluster_api import (
    AlreadyThere,
    ClusterApi,
    Conflict,
    KubernetesObject,
    fault_of,
)
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.homes import require_own
from studiolo_spawner.namespace_objects import Manifest
from studiolo_spawner.ownership import USERNAME
from studiolo_spawner.pod_view import mapping, text
from studiolo_spawner.translation import translate as _

if TYPE_CHECKING:
    from studiolo_spawner.spawner import WorkspaceSpawner

SETTLE_SECONDS: Final = 15.0
"""What new rights take to be known to the API server, and a new quota to be counted, at most."""
_TRIES: Final = 3
_APIS: Final = {
    "RoleBinding": ("role_binding", client.RbacAuthorizationV1Api),
    "ResourceQuota": ("resource_quota", client.CoreV1Api),
    "LimitRange": ("limit_range", client.CoreV1Api),
    "NetworkPolicy": ("network_policy", client.NetworkingV1Api),
    "Secret": ("secret", client.CoreV1Api),
}


async def ensure_namespace(spawner: WorkspaceSpawner, secrets: Iterable[str] = ()) -> None:
    """Make the user's own namespace, or check that the one that is there is theirs; fill it.

    ``secrets``: names of pull secrets in the hub's namespace that the user's has to have, too.
    Raises ClusterFault.
    """
    await _make(spawner)
    rights, rest = objects.in_order(spawner.namespace_objects)
    # Without a right of its own to wait for, the hub has it by other means or never.
    fresh = any([await _ensure(spawner, each) for each in rights])
    patience = SETTLE_SECONDS if fresh else 0.0
    if fresh:
        await _when_allowed(lambda: _may_create_pods(spawner), patience)
    await asyncio.gather(
        *(_settled(spawner, each, patience) for each in rest),
        *(_copy(spawner, name, patience) for name in dict.fromkeys(secrets)),
    )


async def _make(spawner: WorkspaceSpawner) -> None:
    labels = spawner.expanded(spawner.user_namespace_labels)
    body = make_namespace(
        spawner.namespace,
        labels={objects.MANAGED_BY: objects.MANAGER, **labels},
        annotations={
            USERNAME: spawner.user.name,
            **spawner.expanded(spawner.user_namespace_annotations),
        },
    )
    found = await spawner.cluster.read("namespace", spawner.namespace, namespace=None)
    if found is None:
        with suppress(AlreadyThere):
            await spawner.cluster.create("namespace", body, namespace=None)
            spawner.log.info("Made the namespace %s for %s", spawner.namespace, spawner.user.name)
            return
        found = await spawner.cluster.read("namespace", spawner.namespace, namespace=None)
    if found is not None:
        if "user" in spawner.user_namespace_template:
            require_own(spawner, _("namespace"), found)
        objects.require_usable(found, labels)


async def _settled(spawner: WorkspaceSpawner, manifest: Manifest, patience: float) -> None:
    written = await _when_allowed(lambda: _ensure(spawner, manifest), patience)
    if written and manifest["kind"] == "ResourceQuota":
        await _until_counted(spawner, manifest["metadata"]["name"])


async def _copy(spawner: WorkspaceSpawner, name: str, patience: float) -> None:
    where = spawner.hub_namespace
    found = await spawner.cluster.read("secret", name, namespace=where)
    if found is None:
        # It may have been put there by other means; if not, the pull says what is missing.
        spawner.log.warning("The pull secret %s is not in %s: it is not copied", name, where)
        return
    body = objects.copied_secret(found, name)
    await _when_allowed(lambda: _write(spawner, body), patience)


async def _ensure(spawner: WorkspaceSpawner, manifest: Manifest) -> bool:
    return await _write(spawner, objects.stamped(manifest))


async def _write(spawner: WorkspaceSpawner, body: Manifest) -> bool:
    """Create or renew one object; whether anything was written."""
    noun, api_class = _APIS[body["kind"]]
    api, name, where = spawner.cluster_of(api_class), body["metadata"]["name"], spawner.namespace
    for _try in range(_TRIES):
        found = await api.read(noun, name, namespace=where)
        with suppress(AlreadyThere, Conflict):
            if found is None:
                await api.create(noun, body, namespace=where)
            elif body["kind"] == "RoleBinding" or objects.is_current(found, body):
                # What a binding leads to cannot be changed; its subjects are this hub's alone.
                return False
            else:
                await api.replace(noun, name, _over(found, body), namespace=where)
            return True
    raise ClusterFault(
        _(
            "The %(kind)s %(name)s of the namespace %(namespace)s is changed by others all the "
            "time, so nothing was started. Ask your administrator what else writes it."
        )
        % {"kind": body["kind"], "name": name, "namespace": where},
        reason="namespace_contested",
    )


def _over(found: KubernetesObject, body: Manifest) -> Manifest:
    version = text(mapping(found.get("metadata")).get("resourceVersion"))
    return {**body, "metadata": {**body["metadata"], "resourceVersion": version}}


async def _when_allowed(action: Callable[[], Awaitable[bool]], patience: float) -> bool:
    """Do it; refused rights are asked for again while new ones may not be known yet."""
    backoff = Backoff(first=0.1)
    give_up_at = asyncio.get_running_loop().time() + patience
    while True:
        try:
            return await action()
        except ClusterFault as fault:
            late = asyncio.get_running_loop().time() >= give_up_at
            if fault.reason != "not_permitted" or late:
                raise
        await asyncio.sleep(min(backoff.next_delay(), 1.0))


async def _may_create_pods(spawner: WorkspaceSpawner) -> bool:
    """Ask whether the rights are in force; ClusterFault `not_permitted` while they are not.

    https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
    """
    asked = {"namespace": spawner.namespace, "verb": "create", "resource": "pods"}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    api = spawner.cluster_of(client.AuthorizationV1Api)
    try:
        answer = await api.create("self_subject_access_review", body, namespace=None)
    except ClusterFault:
        # A cluster that does not say so says so when a pod is made.
        return True
    if mapping(answer.get("status")).get("allowed") is True:
        return True
    raise fault_of(cause("not_permitted"))


async def _until_counted(spawner: WorkspaceSpawner, name: str) -> None:
    api: ClusterApi = spawner.cluster
    backoff = Backoff(first=0.05)
    give_up_at = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while asyncio.get_running_loop().time() < give_up_at:
        found = await api.read("resource_quota", name, namespace=spawner.namespace)
        if found is None or objects.is_counted(found):
            return
        await asyncio.sleep(min(backoff.next_delay(), 1.0))
    spawner.log.warning("The quota %s of %s is not counted yet", name, spawner.namespace)
