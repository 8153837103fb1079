from __future__ import annotations

import copy
from typing import Any

import pytest
from studiolo_local.api import resources
from studiolo_local.api.defaults import fill_in
from studiolo_local.api.resources import Resource
from studiolo_local.api.validation import validate, validate_update

from tests.local.api.samples import config_map, pod, quota


def texts(resource: Resource, content: dict[str, Any]) -> list[str]:
    content = copy.deepcopy(content)
    content.setdefault("metadata", {}).setdefault("namespace", "default")
    content |= {"kind": resource.kind, "apiVersion": resource.api_version}
    fill_in(resource, content)
    return [problem.text for problem in validate(resource, content)]


def container(**fields: Any) -> dict[str, Any]:
    content = pod()
    content["spec"]["containers"][0] |= fields
    return content


def claim(size: str | None = "1Gi", modes: tuple[str, ...] = ("ReadWriteOnce",)) -> dict[str, Any]:
    requests = {"storage": size} if size else {}
    return {
        "metadata": {"name": "c"},
        "spec": {"accessModes": list(modes), "resources": {"requests": requests}},
    }


@pytest.mark.parametrize(
    ("resource", "content", "begins"),
    [
        pytest.param(
            resources.PODS, {"metadata": {}}, "metadata.name: Required value", id="no name"
        ),
        pytest.param(
            resources.PODS,
            pod("Upper"),
            'metadata.name: Invalid value: "Upper": a lowercase RFC 1123 subdomain',
            id="pod name",
        ),
        pytest.param(
            resources.PODS, pod("x" * 254), "metadata.name: Invalid value", id="long name"
        ),
        pytest.param(
            resources.NAMESPACES,
            {"metadata": {"name": "a.b"}},
            'metadata.name: Invalid value: "a.b": a lowercase RFC 1123 label',
            id="namespace name",
        ),
        pytest.param(
            resources.SERVICES,
            {"metadata": {"name": "a.b"}, "spec": {"ports": [{"port": 80}]}},
            'metadata.name: Invalid value: "a.b": a lowercase RFC 1123 label',
            id="service name",
        ),
        pytest.param(
            resources.PODS,
            {**pod(), "metadata": {"name": "a", "labels": {"a b": "c"}}},
            'metadata.labels: Invalid value: "a b": name part must consist of',
            id="label key",
        ),
        pytest.param(
            resources.PODS,
            {**pod(), "metadata": {"name": "a", "labels": {"a": "b c"}}},
            'metadata.labels: Invalid value: "b c": a valid label must be',
            id="label value",
        ),
        pytest.param(
            resources.PODS,
            {**pod(), "metadata": {"name": "a", "annotations": {"a": "x" * 262_145}}},
            "metadata.annotations: Too long",
            id="annotations",
        ),
        pytest.param(
            resources.PODS,
            {**pod(), "metadata": {"name": "a", "ownerReferences": [{"kind": "Pod"}]}},
            "metadata.ownerReferences[0].apiVersion: Required value",
            id="owner",
        ),
        pytest.param(
            resources.PODS,
            {"metadata": {"name": "a"}, "spec": {}},
            "spec.containers: Required value",
            id="no containers",
        ),
        pytest.param(
            resources.PODS,
            container(name=""),
            "spec.containers[0].name: Required value",
            id="nameless container",
        ),
        pytest.param(
            resources.PODS,
            container(image=""),
            "spec.containers[0].image: Required value",
            id="no image",
        ),
        pytest.param(
            resources.PODS,
            pod(initContainers=[{"name": "main", "image": "i"}]),
            'spec.containers[0].name: Duplicate value: "main"',
            id="container twice",
        ),
        pytest.param(
            resources.PODS,
            pod(restartPolicy="Sometimes"),
            'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", ',
            id="restart policy",
        ),
        pytest.param(
            resources.PODS,
            container(env=[{"name": "A=B"}]),
            'spec.containers[0].env[0].name: Invalid value: "A=B"',
            id="environment name",
        ),
        pytest.param(
            resources.PODS,
            container(volumeMounts=[{"name": "home", "mountPath": "/h"}]),
            'spec.containers[0].volumeMounts[0].name: Not found: "home"',
            id="unknown volume",
        ),
        pytest.param(
            resources.PODS,
            pod(volumes=[{"name": "v", "persistentVolumeClaim": {}}]),
            "spec.volumes[0].persistentVolumeClaim.claimName: Required value",
            id="claim without a name",
        ),
        pytest.param(
            resources.PODS,
            container(resources={"requests": {"nvidia.com/gpu": "1"}}),
            "spec.containers[0].resources.limits: Required value: Limit must be set for non over",
            id="extended resource without a limit",
        ),
        pytest.param(
            resources.PODS,
            container(resources={"limits": {"nvidia.com/gpu": "500m"}}),
            "spec.containers[0].resources.limits[nvidia.com/gpu]: Invalid value: ",
            id="half a device",
        ),
        pytest.param(
            resources.PODS,
            container(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}),
            'spec.containers[0].resources.requests: Invalid value: "2": must be less than',
            id="request above its limit",
        ),
        pytest.param(
            resources.PODS,
            container(resources={"limits": {"gpus": "1"}}),
            "spec.containers[0].resources.limits[gpus]: Invalid value",
            id="made-up resource",
        ),
        pytest.param(
            resources.PODS,
            pod(tolerations=[{"operator": "Equal", "value": "x"}]),
            "spec.tolerations[0].operator: Invalid value",
            id="toleration",
        ),
        pytest.param(
            resources.CLAIMS, claim(modes=()), "spec.accessModes: Required value", id="no mode"
        ),
        pytest.param(
            resources.CLAIMS, claim(size=None), "spec.resources[storage]: Required", id="no size"
        ),
        pytest.param(
            resources.CLAIMS, claim(size="0"), "spec.resources[storage]: Invalid", id="nothing"
        ),
        pytest.param(
            resources.CONFIG_MAPS, config_map("c", **{"a b": "1"}), "data[a b]: Invalid", id="key"
        ),
        pytest.param(
            resources.CONFIG_MAPS,
            config_map("c", a="x" * (1024 * 1024 + 1)),
            "data: Too long",
            id="too much data",
        ),
        pytest.param(
            resources.EVENTS,
            {"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "namespace": "other"}},
            'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
            id="event",
        ),
        pytest.param(
            resources.QUOTAS, quota(pods="-1"), "spec.hard[pods]: Invalid value", id="quota"
        ),
        pytest.param(
            resources.QUOTAS,
            quota(gpus="1"),
            'spec.hard[gpus]: Invalid value: "gpus": must be a standard resource type or fully',
            id="quota of nothing",
        ),
        pytest.param(
            resources.SERVICES,
            {"metadata": {"name": "s"}, "spec": {}},
            "spec.ports: Required value",
            id="service without ports",
        ),
    ],
)  # fmt: skip
def test_each_rule_is_said_in_kubernetes_words(
    resource: Resource, content: dict[str, Any], begins: str
) -> None:
    assert any(text.startswith(begins) for text in texts(resource, content)), texts(
        resource, content
    )


def test_all_that_is_wrong_is_said_at_once() -> None:
    content = container(name="Upper", image="")
    content["metadata"]["name"] = "also Wrong"
    assert [text.partition(":")[0] for text in texts(resources.PODS, content)] == [
        "metadata.name",
        "spec.containers[0].name",
        "spec.containers[0].image",
    ]


@pytest.mark.parametrize(
    ("resource", "content"),
    [
        (resources.PODS, pod()),
        (resources.PODS, container(resources={"limits": {"nvidia.com/gpu": "1", "cpu": "2"}})),
        (resources.PODS, pod(tolerations=[{"operator": "Exists"}])),
        (resources.CLAIMS, claim()),
        (resources.EVENTS, {"metadata": {"name": "e"}, "involvedObject": {"kind": "Node"}}),
        (resources.SERVICES, {"metadata": {"name": "s"}, "spec": {"clusterIP": "None"}}),
        (resources.QUOTAS, quota(pods="0")),
    ],
    ids=str,
)
def test_what_is_right_is_accepted(resource: Resource, content: dict[str, Any]) -> None:
    assert texts(resource, content) == []


def changed(old: dict[str, Any], **spec: Any) -> dict[str, Any]:
    new = copy.deepcopy(old)
    new["spec"] |= spec
    return new


def bound(size: str = "1Gi") -> dict[str, Any]:
    return {**claim(size), "status": {"phase": "Bound"}}


@pytest.mark.parametrize(
    ("resource", "old", "new", "field"),
    [
        pytest.param(
            resources.PODS,
            pod(),
            changed(pod(), containers=[{"name": "main", "image": "another:2"}]),
            None,
            id="a container's image may change",
        ),
        pytest.param(
            resources.PODS,
            pod(),
            changed(pod(), tolerations=[{"operator": "Exists"}]),
            None,
            id="tolerations may be added",
        ),
        pytest.param(
            resources.PODS,
            pod(tolerations=[{"operator": "Exists"}]),
            pod(),
            "spec.tolerations",
            id="tolerations may not be taken away",
        ),
        pytest.param(
            resources.PODS, pod(), changed(pod(), nodeName="n"), "spec", id="the node is fixed"
        ),
        pytest.param(
            resources.PODS,
            pod(),
            changed(pod(), containers=[]),
            "spec.containers",
            id="containers are fixed",
        ),
        pytest.param(
            resources.CLAIMS,
            claim(),
            changed(claim(), volumeName="v"),
            None,
            id="a claim may be bound",
        ),
        pytest.param(resources.CLAIMS, claim(), claim("2Gi"), "spec", id="an unbound claim's size"),
        pytest.param(resources.CLAIMS, bound(), bound("2Gi"), None, id="a bound claim may grow"),
        pytest.param(
            resources.CLAIMS,
            bound("2Gi"),
            bound("1Gi"),
            "spec.resources.requests.storage",
            id="a claim may not shrink",
        ),
        pytest.param(
            resources.CLAIMS,
            claim(),
            changed(claim(), storageClassName="fast"),
            None,
            id="a claim may be given a class",
        ),
        pytest.param(
            resources.CLAIMS,
            changed(claim(), storageClassName="slow"),
            changed(claim(), storageClassName="fast"),
            "spec",
            id="a claim's class is fixed",
        ),
        pytest.param(
            resources.SECRETS,
            {"type": "Opaque"},
            {"type": "kubernetes.io/tls"},
            "type",
            id="a secret's type is fixed",
        ),
        pytest.param(
            resources.CONFIG_MAPS,
            {"immutable": True, "data": {"a": "1"}},
            {"immutable": True, "data": {"a": "2"}},
            "data",
            id="immutable data is fixed",
        ),
        pytest.param(
            resources.SERVICES,
            {"spec": {"clusterIP": "127.78.0.1"}},
            {"spec": {"clusterIP": "127.78.0.2"}},
            "spec.clusterIPs[0]",
            id="a service's address is fixed",
        ),
    ],
)
def test_changes_are_allowed_where_kubernetes_allows_them(
    resource: Resource, old: dict[str, Any], new: dict[str, Any], field: str | None
) -> None:
    problems = [problem.field for problem in validate_update(resource, old, new)]
    assert problems == ([field] if field else [])
