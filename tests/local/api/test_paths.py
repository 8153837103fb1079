from __future__ import annotations

import pytest
from studiolo_local.api.paths import parse_path


@pytest.mark.parametrize(
    ("path", "plural", "namespace", "name", "subresource"),
    [
        ("/api/v1/pods", "pods", None, None, ""),
        ("/api/v1/namespaces/n/pods", "pods", "n", None, ""),
        ("/api/v1/namespaces/n/pods/p", "pods", "n", "p", ""),
        ("/api/v1/namespaces/n/pods/p/status", "pods", "n", "p", "status"),
        ("/api/v1/namespaces/n/pods/p/binding", "pods", "n", "p", "binding"),
        ("/api/v1/nodes", "nodes", None, None, ""),
        ("/api/v1/nodes/a/status", "nodes", None, "a", "status"),
        ("/api/v1/namespaces", "namespaces", None, None, ""),
        ("/api/v1/namespaces/n", "namespaces", None, "n", ""),
        ("/api/v1/namespaces/n/status", "namespaces", None, "n", "status"),
        ("/api/v1/namespaces/n/finalize", "namespaces", None, "n", "finalize"),
    ],
)
def test_paths_name_what_they_name_in_kubernetes(
    path: str, plural: str, namespace: str | None, name: str | None, subresource: str
) -> None:
    target = parse_path(path)
    assert target is not None
    assert (target.resource.plural, target.namespace, target.name, target.subresource) == (
        plural,
        namespace,
        name,
        subresource,
    )


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1",
        "/api/v2/pods",
        "/apis/apps/v1/deployments",
        "/api/v1/gadgets",
        "/api/v1/pods/p",
        "/api/v1/namespaces/n/nodes",
        "/api/v1/namespaces/n/pods/p/exec",
        "/api/v1/namespaces/n/pods/p/status/more",
        "/api/v1/namespaces/../pods",
        "/api/v1/namespaces//pods",
        "/etc/passwd",
    ],
)
def test_other_paths_name_nothing(path: str) -> None:
    assert parse_path(path) is None
