"""The node's GPUs, which are a number that was patched onto it, and others who hold them. I/O."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.cluster import SingleNode
from tests.e2e.node_files import NODE_NAME, PAUSE_IMAGE
from tests.e2e.release import GPU

ALL = 8
NAMESPACE = "others"


def offer_all(cluster: SingleNode) -> None:
    """Have the node offer its GPUs, and wait until the scheduler counts with them."""
    cluster.offer(GPU, ALL)
    deadline = time.monotonic() + 30
    while _allocatable(cluster) != str(ALL):
        assert time.monotonic() < deadline, "the node never offered its GPUs"
        time.sleep(0.5)


@contextmanager
def held(cluster: SingleNode, count: int = ALL) -> Iterator[None]:
    """Somebody else's pod holds so many until the block ends."""
    offer_all(cluster)
    cluster.kubectl("apply", "-f", "-", text=_namespace())
    cluster.kubectl("apply", "-f", "-", text=json.dumps(_holder(count)))
    name = f"pod/holder-{count}"
    try:
        cluster.kubectl("-n", NAMESPACE, "wait", name, "--for=condition=Ready", "--timeout=60s")
        yield
    finally:
        cluster.kubectl("-n", NAMESPACE, "delete", name, "--grace-period=1")


def _allocatable(cluster: SingleNode) -> str | None:
    node = json.loads(cluster.kubectl("get", "node", NODE_NAME, "-o", "json"))
    found: str | None = node["status"]["allocatable"].get(GPU)
    return found


def _namespace() -> str:
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})


def _holder(count: int) -> dict[str, object]:
    container = {
        "name": "holder",
        "image": PAUSE_IMAGE,
        "resources": {"limits": {GPU: str(count)}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"holder-{count}", "namespace": NAMESPACE},
        "spec": {"containers": [container], "automountServiceAccountToken": False},
    }
