from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from studiolo_local.api import resources
from studiolo_local.api.columns import layout_of
from studiolo_local.api.durations import short
from studiolo_local.api.pod_row import pod_status
from studiolo_local.api.resources import RESOURCES, Resource

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BORN = "2026-01-01T11:50:00Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (3600, "60m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (47 * 3600, "47h"),
        (2 * 86400 + 3600, "2d1h"),
        (100 * 86400, "100d"),
        (800 * 86400, "2y70d"),
        (4000 * 86400, "10y"),
    ],
)
def test_ages_are_short(seconds: int, text: str) -> None:
    assert short(timedelta(seconds=seconds)) == text


def state(**more: Any) -> dict[str, Any]:
    return {"name": "main", "ready": False, "restartCount": 0, **more}


def waiting(reason: str) -> dict[str, Any]:
    return state(state={"waiting": {"reason": reason}})


def ended(**how: Any) -> dict[str, Any]:
    return state(state={"terminated": how})


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ({"phase": "Pending"}, "Pending"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        (
            {"phase": "Pending", "containerStatuses": [waiting("ImagePullBackOff")]},
            "ImagePullBackOff",
        ),
        ({"phase": "Running", "containerStatuses": [state(state={"running": {}})]}, "Running"),
        (
            {"phase": "Running", "containerStatuses": [waiting("CrashLoopBackOff")]},
            "CrashLoopBackOff",
        ),
        ({"phase": "Failed", "containerStatuses": [ended(exitCode=3)]}, "ExitCode:3"),
        ({"phase": "Failed", "containerStatuses": [ended(exitCode=137, signal=9)]}, "Signal:9"),
        (
            {"phase": "Failed", "containerStatuses": [ended(exitCode=137, reason="OOMKilled")]},
            "OOMKilled",
        ),
        (
            {"phase": "Pending", "initContainerStatuses": [waiting("ErrImagePull")]},
            "Init:ErrImagePull",
        ),
        (
            {"phase": "Pending", "initContainerStatuses": [state(state={"running": {}})]},
            "Init:0/1",
        ),
        (
            {
                "phase": "Running",
                "containerStatuses": [
                    ended(exitCode=0, reason="Completed"),
                    state(ready=True, state={"running": {}}),
                ],
            },
            "NotReady",
        ),
    ],
    ids=str,
)
def test_a_pods_status_is_the_worst_that_is_known(status: dict[str, Any], word: str) -> None:
    pod = {"metadata": {}, "spec": {"initContainers": [{}]}, "status": status}
    assert pod_status(pod) == word
    pod["metadata"]["deletionTimestamp"] = BORN
    assert pod_status(pod) == "Terminating"


def cells(resource: Resource, **content: Any) -> list[Any]:
    metadata = {"name": "one", "creationTimestamp": BORN, **content.pop("metadata", {})}
    return layout_of(resource).cells({"kind": resource.kind, "metadata": metadata, **content}, NOW)


@pytest.mark.parametrize(
    ("resource", "content", "expected"),
    [
        (
            resources.PODS,
            {
                "spec": {"containers": [{}], "nodeName": "n1"},
                "status": {
                    "phase": "Running",
                    "podIP": "127.77.0.1",
                    "containerStatuses": [
                        state(
                            ready=True,
                            restartCount=2,
                            state={"running": {}},
                            lastState={"terminated": {"finishedAt": "2026-01-01T11:59:00Z"}},
                        )
                    ],
                },
            },
            ["one", "1/1", "Running", "2 (60s ago)", "10m", "127.77.0.1", "n1", "<none>", "<none>"],
        ),
        (
            resources.NODES,
            {
                "metadata": {"labels": {"node-role.kubernetes.io/gpu": ""}},
                "spec": {"unschedulable": True},
                "status": {
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "nodeInfo": {"kubeletVersion": "v1", "osImage": "Debian"},
                    "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                },
            },
            [
                "one",
                "Ready,SchedulingDisabled",
                "gpu",
                "10m",
                "v1",
                "127.0.0.1",
                "<none>",
                "Debian",
                "<unknown>",
                "<unknown>",
            ],
        ),
        (
            resources.CLAIMS,
            {
                "spec": {"volumeName": "pv", "storageClassName": "local"},
                "status": {
                    "phase": "Bound",
                    "capacity": {"storage": "1Gi"},
                    "accessModes": ["ReadWriteOnce"],
                },
            },
            ["one", "Bound", "pv", "1Gi", "RWO", "local", "<unset>", "10m", "<unset>"],
        ),
        (
            resources.EVENTS,
            {
                "involvedObject": {"kind": "Pod", "name": "p"},
                "type": "Normal",
                "reason": "Pulled",
                "message": "done\n",
                "lastTimestamp": "2026-01-01T11:59:30Z",
                "source": {"component": "kubelet", "host": "n1"},
            },
            ["30s", "Normal", "Pulled", "pod/p", "", "kubelet, n1", "done", "10m", 1, "one"],
        ),
        (resources.NAMESPACES, {"status": {"phase": "Active"}}, ["one", "Active", "10m"]),
        (resources.SECRETS, {"type": "Opaque", "data": {"a": ""}}, ["one", "Opaque", 1, "10m"]),
        (resources.CONFIG_MAPS, {"data": {"a": ""}}, ["one", 1, "10m"]),
        (resources.SERVICE_ACCOUNTS, {}, ["one", "10m"]),
        (
            resources.SERVICES,
            {
                "spec": {
                    "type": "ClusterIP",
                    "clusterIP": "127.78.0.1",
                    "ports": [{"port": 80, "protocol": "TCP"}],
                    "selector": {"a": "b"},
                }
            },
            ["one", "ClusterIP", "127.78.0.1", "<none>", "80/TCP", "10m", "a=b"],
        ),
        (
            resources.QUOTAS,
            {"status": {"hard": {"pods": "2", "limits.cpu": "4"}, "used": {"pods": "1"}}},
            ["one", "pods: 1/2", "limits.cpu: 0/4", "10m"],
        ),
    ],
    ids=lambda value: value.plural if isinstance(value, Resource) else "",
)
def test_each_kind_has_its_columns(
    resource: Resource, content: dict[str, Any], expected: list[Any]
) -> None:
    assert cells(resource, **content) == expected


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.plural)
def test_an_empty_object_has_a_cell_for_each_column(resource: Resource) -> None:
    assert len(cells(resource)) == len(layout_of(resource).definitions())
