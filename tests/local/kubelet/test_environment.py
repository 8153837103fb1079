"""A container's environment: every source, and what is said when one is missing."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from studiolo_local.kubelet.environment import (
    ConfigProblem,
    Source,
    image_variables,
    sources,
    variables,
)

POD: dict[str, Any] = {
    "metadata": {
        "name": "jupyter-ada",
        "namespace": "studiolo",
        "uid": "u-1",
        "labels": {"app": "lab"},
        "annotations": {"studiolo.dev/user": "ada"},
    },
    "spec": {"nodeName": "gpu-1", "serviceAccountName": "default"},
}
SECRET = {"kind": "Secret", "data": {"token": base64.b64encode(b"hush").decode()}}
WORDS = {"kind": "ConfigMap", "data": {"word": "hello"}, "binaryData": {"raw": "AAE="}}
OBJECTS = {Source("Secret", "keys"): SECRET, Source("ConfigMap", "words"): WORDS}
ADDRESSES = {"status.podIP": "127.77.0.1", "status.hostIP": "127.0.0.1"}


def resolve(*entries: dict[str, Any], **container: Any) -> dict[str, str]:
    spec = {"env": list(entries), **container}
    objects = {source: OBJECTS.get(source) for source in sources(spec)}
    return variables(POD, spec, objects, addresses=ADDRESSES)


def field(path: str) -> dict[str, Any]:
    return {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "jupyter-ada"),
        ("metadata.namespace", "studiolo"),
        ("metadata.uid", "u-1"),
        ("metadata.labels['app']", "lab"),
        ("metadata.annotations['studiolo.dev/user']", "ada"),
        ("metadata.labels['none']", ""),
        ("spec.nodeName", "gpu-1"),
        ("spec.serviceAccountName", "default"),
        ("status.podIP", "127.77.0.1"),
        ("status.hostIP", "127.0.0.1"),
    ],
)
def test_fields_of_the_pod(path: str, expected: str) -> None:
    assert resolve(field(path)) == {"X": expected}


def test_later_variables_may_name_earlier_ones() -> None:
    assert resolve(
        {"name": "A", "value": "$(B)"},
        {"name": "B", "value": "1"},
        {"name": "C", "value": "$(B)$(A)"},
    ) == {"A": "$(B)", "B": "1", "C": "1$(B)"}


@pytest.mark.parametrize(
    ("resource", "divisor", "expected"),
    [
        ("limits.memory", "1Mi", "2048"),
        ("limits.cpu", "1", "2"),
        ("requests.cpu", "1m", "500"),
        ("limits.ephemeral-storage", "1", "0"),
    ],
)
def test_resources(resource: str, divisor: str, expected: str) -> None:
    entry = {
        "name": "X",
        "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": divisor}},
    }
    resources = {"limits": {"memory": "2Gi", "cpu": "1500m"}, "requests": {"cpu": "500m"}}
    assert resolve(entry, resources=resources) == {"X": expected}


def key(kind: str, name: str, key: str, *, optional: bool = False) -> dict[str, Any]:
    reference = {"name": name, "key": key, "optional": optional}
    return {"name": "X", "valueFrom": {kind: reference}}


def test_keys_of_other_objects() -> None:
    assert resolve(key("secretKeyRef", "keys", "token")) == {"X": "hush"}
    assert resolve(key("configMapKeyRef", "words", "word")) == {"X": "hello"}


def test_whole_objects_with_a_prefix_and_then_env_over_them() -> None:
    origin = [
        {"prefix": "P_", "configMapRef": {"name": "words"}},
        {"secretRef": {"name": "keys"}},
        {"secretRef": {"name": "absent", "optional": True}},
    ]
    assert resolve({"name": "token", "value": "mine"}, envFrom=origin) == {
        "P_word": "hello",
        "P_raw": "\x00\x01",
        "token": "mine",
    }


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"env": [key("secretKeyRef", "none", "a")]}, 'secret "none" not found'),
        ({"env": [key("configMapKeyRef", "none", "a")]}, 'configmap "none" not found'),
        (
            {"env": [key("secretKeyRef", "keys", "a")]},
            "couldn't find key a in Secret studiolo/keys",
        ),
        ({"envFrom": [{"secretRef": {"name": "none"}}]}, 'secret "none" not found'),
        ({"env": [field("status.phase")]}, "unsupported fieldPath: status.phase"),
    ],
    ids=["secret", "configmap", "key", "whole", "field"],
)
def test_what_is_missing(container: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigProblem, match=message):
        resolve(**container) if "env" not in container else resolve(*container["env"])


def test_what_may_be_missing() -> None:
    assert resolve(key("secretKeyRef", "keys", "a", optional=True)) == {}
    assert resolve(key("secretKeyRef", "none", "a", optional=True)) == {}


def test_variables_of_the_image() -> None:
    assert image_variables({"Env": ["A=1", "B=x=y", "C=", "=odd"]}) == {
        "A": "1",
        "B": "x=y",
        "C": "",
    }
