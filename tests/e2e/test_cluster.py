"""The cluster of these tests itself: what everything else here stands on."""

from __future__ import annotations

import json
import time

import pytest

from tests.e2e.cluster import SingleNode
from tests.e2e.node_files import NODE_NAME, PAUSE_IMAGE

pytestmark = pytest.mark.e2e


def test_a_pod_runs_on_a_real_kubelet(cluster: SingleNode) -> None:
    cluster.kubectl("run", "first", f"--image={PAUSE_IMAGE}", "--restart=Never")
    cluster.kubectl("wait", "pod/first", "--for=condition=Ready", "--timeout=60s")
    pod = json.loads(cluster.kubectl("get", "pod", "first", "-o", "json"))
    assert pod["spec"]["nodeName"] == NODE_NAME
    cluster.kubectl("delete", "pod", "first", "--grace-period=1")


def test_a_claim_gets_a_volume(cluster: SingleNode) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "home"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    cluster.kubectl("apply", "-f", "-", text=json.dumps(claim))
    cluster.kubectl("wait", "pvc/home", "--for=jsonpath={.status.phase}=Bound", "--timeout=30s")
    cluster.kubectl("delete", "pvc", "home")


def test_gpus_are_counted(cluster: SingleNode) -> None:
    cluster.offer("nvidia.com/gpu", 8)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        node = json.loads(cluster.kubectl("get", "node", NODE_NAME, "-o", "json"))
        if node["status"]["allocatable"].get("nvidia.com/gpu") == "8":
            return
        time.sleep(0.5)
    pytest.fail("the node never offered its GPUs")
