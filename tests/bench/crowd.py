"""Many pods and events as a busy cluster has them, with all the weight that real ones carry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from studiolo_local.api import Store
from studiolo_local.api.operations import Operations
from studiolo_local.api.resources import EVENTS, NAMESPACES, PODS

HERE = "studiolo"
STAMP = "2026-03-01T09:00:00Z"


def fill(store: Store, count: int) -> None:
    """Put a namespace, so many running pods and so many events into the store."""
    operations = Operations(store, lambda: datetime.now(UTC))
    operations.create(NAMESPACES, "", {"metadata": {"name": HERE}})
    for number in range(count):
        store.put(PODS, running_pod(number))
        store.put(EVENTS, event(number))


def running_pod(number: int) -> dict[str, Any]:
    """A workspace's pod as an API server returns it, about 9 KiB of JSON."""
    name = f"jupyter-user-{number}"
    image = f"registry.example.org/team/pytorch@sha256:{'0' * 64}"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": HERE,
            "uid": f"00000000-0000-4000-8000-{number:012d}",
            "creationTimestamp": STAMP,
            "labels": {
                "app.kubernetes.io/component": "singleuser-server",
                "component": "singleuser-server",
                "hub.jupyter.org/username": f"user-{number}",
                "hub.jupyter.org/servername": "",
            },
            "annotations": {"hub.jupyter.org/username": f"user-{number}"},
            "managedFields": [_manager(manager) for manager in ("hub", "kubelet")],
        },
        "spec": {
            "nodeName": f"gpu-{number % 200}",
            "volumes": [
                {"name": "home", "persistentVolumeClaim": {"claimName": f"home-{number}"}},
                {"name": "token", "projected": {"defaultMode": 420, "sources": [{}, {}, {}]}},
            ],
            "containers": [
                {
                    "name": "notebook",
                    "image": image,
                    "args": ["jupyterhub-singleuser"],
                    "ports": [{"name": "notebook-port", "containerPort": 8888, "protocol": "TCP"}],
                    "env": [
                        {"name": f"JUPYTERHUB_VARIABLE_{i}", "value": f"value-{i}" * 4}
                        for i in range(30)
                    ],
                    "resources": {"limits": {"nvidia.com/gpu": "1", "memory": "34359738368"}},
                    "volumeMounts": [{"name": "home", "mountPath": "/home/jovyan"}],
                    "terminationMessagePath": "/dev/termination-log",
                }
            ],
            "tolerations": [
                {"key": key, "operator": "Exists", "effect": "NoExecute"}
                for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": f"10.{number // 65536}.{number // 256 % 256}.{number % 256}",
            "hostIP": "10.255.0.1",
            "startTime": STAMP,
            "qosClass": "Burstable",
            "conditions": [
                {
                    "type": kind,
                    "status": "True",
                    "lastProbeTime": None,
                    "lastTransitionTime": STAMP,
                }
                for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
            ],
            "containerStatuses": [
                {
                    "name": "notebook",
                    "image": image,
                    "imageID": image,
                    "containerID": f"containerd://{number:064d}",
                    "ready": True,
                    "started": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": STAMP}},
                    "lastState": {},
                }
            ],
        },
    }


def event(number: int) -> dict[str, Any]:
    """What a kubelet reports about a pod, about 1.5 KiB of JSON."""
    name = f"jupyter-user-{number}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{name}.{number:016x}",
            "namespace": HERE,
            "uid": f"00000000-0000-4000-9000-{number:012d}",
            "creationTimestamp": STAMP,
            "managedFields": [_manager("kubelet", fields=8)],
        },
        "involvedObject": {
            "kind": "Pod",
            "namespace": HERE,
            "name": name,
            "uid": f"00000000-0000-4000-8000-{number:012d}",
            "apiVersion": "v1",
            "fieldPath": "spec.containers{notebook}",
        },
        "reason": "Pulled",
        "message": "Successfully pulled image in 1.2s (1.2s including waiting).",
        "source": {"component": "kubelet", "host": f"gpu-{number % 200}"},
        "firstTimestamp": STAMP,
        "lastTimestamp": STAMP,
        "count": 1,
        "type": "Normal",
        "eventTime": None,
        "reportingComponent": "kubelet",
        "reportingInstance": f"gpu-{number % 200}",
    }


def _manager(name: str, fields: int = 40) -> dict[str, Any]:
    names: dict[str, Any] = {
        f'k:{{"name":"JUPYTERHUB_VARIABLE_{i}"}}': {".": {}} for i in range(fields)
    }
    return {
        "manager": name,
        "operation": "Update",
        "apiVersion": "v1",
        "time": STAMP,
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:containers": names}},
    }
