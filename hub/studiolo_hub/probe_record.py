"""`studiolo catalogue probe --record`: write what was found where the hub keeps it. I/O.

The hub reads that ConfigMap again every minute: what a cron job finds is on the menu and on the
administrators' page soon after. Asks the cluster that a kubeconfig names, or the one it runs in.
"""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from kubernetes_asyncio import client, config
from kubernetes_asyncio.config import ConfigException
from studiolo_spawner.catalogue_probe import ProbedImage
from studiolo_spawner.cluster_api import ClusterApi
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.health_store import NAME, HealthStore
from studiolo_spawner.image_health import HealthBook
from studiolo_spawner.image_watch import check_of

log = logging.getLogger(__name__)


async def record(probed: Iterable[ProbedImage], namespace: str) -> None:
    """Join what was found with what is kept there. Raises ClusterFault."""
    book, now = HealthBook(), datetime.now(UTC)
    try:
        config.load_incluster_config()
    except ConfigException:
        try:
            await config.load_kube_config()
        except ConfigException:
            raise ClusterFault(
                "There is no cluster to record it in: this runs in no pod, and no kubeconfig was "
                "found.",
                reason="no_cluster",
            ) from None
    async with client.ApiClient() as connection:
        api = ClusterApi(client.CoreV1Api(connection), timeout=5, patience=15, log=log)
        store = HealthStore(book, api, namespace, log=log)
        # Read first: what was bad before and still is, is one failure and not another one.
        await store.sync()
        for one in probed:
            if one.checked is not None:
                book.note_check(one.image, check_of(one.checked, now))
        await store.sync()


def where(namespace: str) -> str:
    """Return the place in words."""
    return f"the ConfigMap {NAME} in {namespace}"
