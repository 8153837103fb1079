"""Ends all workspaces when the demo stops. I/O: the embedded cluster's API.

A cluster that merely stops would start its pods again at its next start, as a node does after a
reboot. Who stops the demo means to stop the workspaces, too; volumes, and so people's files, stay.
"""

from __future__ import annotations

import asyncio
import json

from studiolo_local.client import ApiClient
from studiolo_local.demo.folder import DemoFolder
from studiolo_local.demo.hub_settings import NAMESPACE

GRACE_SECONDS = 5
POLL_SECONDS = 0.1


async def end_workspaces(folder: DemoFolder) -> None:
    """Delete every pod of the namespace and wait until all are gone; raises ApiError, OSError."""
    description = json.loads(folder.cluster_description.read_text())
    token = folder.cluster_token.read_text().strip()
    async with ApiClient(description["api_url"], token) as client:
        while pods := (await client.list("pods", NAMESPACE))[0]:
            for pod in pods:
                metadata = pod["metadata"]
                if "deletionTimestamp" not in metadata:
                    await client.delete(
                        "pods",
                        NAMESPACE,
                        metadata["name"],
                        uid=metadata["uid"],
                        grace=GRACE_SECONDS,
                    )
            await asyncio.sleep(POLL_SECONDS)
