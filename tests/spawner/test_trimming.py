"""What is kept of pods and events, and what is not."""

from __future__ import annotations

from typing import Any

from studiolo_spawner.trimming import MESSAGE_LIMIT, trim_event, trim_pod


def full_pod() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "metadata": {
            "name": "jupyter-ana",
            "namespace": "studiolo",
            "uid": "u-1",
            "resourceVersion": "5",
            "managedFields": [{"manager": "hub", "fieldsV1": {"f:spec": {}}}],
            "labels": {"component": "singleuser-server"},
            "annotations": {
                "hub.jupyter.org/username": "ana",
                "studiolo.dev/spawn-id": "s-1",
                "kubectl.kubernetes.io/last-applied-configuration": "{...}",
            },
        },
        "spec": {
            "nodeName": "gpu-1",
            "volumes": [{"name": "home"}],
            "containers": [
                {
                    "name": "notebook",
                    "image": "registry.test/a@sha256:00",
                    "env": [{"name": "JUPYTERHUB_API_TOKEN", "value": "secret"}],
                    "ports": [{"name": "notebook-port", "containerPort": 8888}],
                    "resources": {"limits": {"nvidia.com/gpu": "1"}},
                }
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.7",
            "qosClass": "Burstable",
            "containerStatuses": [
                {"name": "notebook", "ready": True, "state": {"running": {}}, "imageID": "x"}
            ],
        },
    }


def test_pod_keeps_what_is_read() -> None:
    assert trim_pod(full_pod()) == {
        "metadata": {
            "name": "jupyter-ana",
            "namespace": "studiolo",
            "uid": "u-1",
            "resourceVersion": "5",
            "labels": {"component": "singleuser-server"},
            "annotations": {"hub.jupyter.org/username": "ana", "studiolo.dev/spawn-id": "s-1"},
        },
        "spec": {
            "nodeName": "gpu-1",
            "containers": [
                {
                    "name": "notebook",
                    "image": "registry.test/a@sha256:00",
                    "ports": [{"name": "notebook-port", "containerPort": 8888}],
                    "resources": {"limits": {"nvidia.com/gpu": "1"}},
                }
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.7",
            "containerStatuses": [{"name": "notebook", "ready": True, "state": {"running": {}}}],
        },
    }


def test_tokens_do_not_stay_in_memory() -> None:
    assert "secret" not in repr(trim_pod(full_pod()))


def test_pod_without_status_is_kept_as_it_is() -> None:
    pod = {"metadata": {"name": "a", "namespace": "n"}, "status": {"containerStatuses": None}}
    assert trim_pod(pod) == pod


def test_event_keeps_its_subject_and_words() -> None:
    event = {
        "metadata": {"name": "e1", "namespace": "studiolo", "managedFields": []},
        "involvedObject": {"kind": "Pod", "name": "jupyter-ana", "namespace": "studiolo"},
        "reason": "Failed",
        "message": "m" * 10_000,
        "source": {"component": "kubelet"},
    }
    assert trim_event(event) == {
        "metadata": {"name": "e1", "namespace": "studiolo"},
        "involvedObject": {"kind": "Pod", "name": "jupyter-ana", "namespace": "studiolo"},
        "reason": "Failed",
        "message": "m" * MESSAGE_LIMIT,
        "lastTimestamp": None,
        "eventTime": None,
    }
