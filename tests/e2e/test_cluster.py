"""The cluster of these tests itself: what everything else here stands on."""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e import gpus
from tests.e2e.cluster import SingleNode
from tests.e2e.node_files import NODE_NAME, PAUSE_IMAGE
from tests.e2e.release import GPU

pytestmark = pytest.mark.e2e


def test_a_pod_runs_on_a_real_kubelet(node: SingleNode) -> None:
    node.kubectl("run", "first", f"--image={PAUSE_IMAGE}", "--restart=Never")
    node.kubectl("wait", "pod/first", "--for=condition=Ready", "--timeout=60s")
    pod = json.loads(node.kubectl("get", "pod", "first", "-o", "json"))
    assert pod["spec"]["nodeName"] == NODE_NAME
    node.kubectl("delete", "pod", "first", "--grace-period=1")


def test_a_claim_gets_a_volume(node: SingleNode) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "home"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    container = {
        "name": "main",
        "image": PAUSE_IMAGE,
        "volumeMounts": [{"name": "home", "mountPath": "/home"}],
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "at-home"},
        "spec": {
            "containers": [container],
            "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "home"}}],
        },
    }
    for each in (claim, pod):
        node.kubectl("apply", "-f", "-", text=json.dumps(each))
    node.kubectl("wait", "pod/at-home", "--for=condition=Ready", "--timeout=60s")
    told = json.loads(node.kubectl("get", "pvc", "home", "-o", "json"))
    assert told["status"]["phase"] == "Bound"
    node.kubectl("delete", "pod", "at-home", "--grace-period=1")
    node.kubectl("delete", "pvc", "home")


def test_gpus_are_counted(node: SingleNode) -> None:
    gpus.offer_all(node)
    with gpus.held(node, 3):
        told = node.kubectl("describe", "node", NODE_NAME)
    assert re.search(rf"{GPU}\s+3\s+3", told), told
