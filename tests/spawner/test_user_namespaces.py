"""A namespace for each person: what it holds before the first pod, and whose it may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.spawner import SpawnException
from kubernetes_asyncio import client
from studiolo_spawner import namespace_objects as objects
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.namespace_objects import KINDS
from traitlets import TraitError

from tests.fakes import faulty_proxy
from tests.fakes.spawner_lab import SpawnerLab, spawner_lab, started

CATALOGUE = """
version: 1
images:
- {id: one, display_name: One, reference: "registry.invalid/one:1", pull_secret: team}
profiles:
- {id: small, display_name: Small, cpu: 1, memory: 1Gi}
"""
HUB = {"studiolo.dev/hub": "studiolo-hub", "studiolo.dev/hub-namespace": "studiolo"}
RIGHTS = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "studiolo-hub"},
    "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "studiolo-workspaces",
    },
    "subjects": [{"kind": "ServiceAccount", "name": "studiolo-hub", "namespace": "studiolo"}],
}
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "studiolo"},
    "spec": {"hard": {"pods": "3"}},
}
LIMITS = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "studiolo"},
    "spec": {"limits": [{"type": "Container", "max": {"cpu": "8"}}]},
}
POLICY: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "studiolo"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}
OWN: dict[str, Any] = {
    "enable_user_namespaces": True,
    "user_namespace_template": "ws-{username}",
    "user_namespace_labels": {**HUB, "pod-security.kubernetes.io/enforce": "restricted"},
    "namespace_objects": [POLICY, QUOTA, LIMITS, RIGHTS],
    "registries": {"registry.invalid": {"endpoint": "http://127.0.0.1:9", "insecure": True}},
    "image_check_period": 0,
}
PATHS = {
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/ws-ana/rolebindings/studiolo-hub",
    "ResourceQuota": "/api/v1/namespaces/ws-ana/resourcequotas/studiolo",
    "LimitRange": "/api/v1/namespaces/ws-ana/limitranges/studiolo",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/ws-ana/networkpolicies/studiolo",
}


@pytest.fixture
async def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpawnerLab]:
    async with spawner_lab(tmp_path, CATALOGUE, monkeypatch) as made:
        yield made


async def test_all_is_there_before_the_pod(lab: SpawnerLab) -> None:
    await started(lab.make("ana", **OWN))
    namespace = await lab.call("GET", "/api/v1/namespaces/ws-ana")
    labels = namespace["metadata"]["labels"]
    assert labels.items() >= OWN["user_namespace_labels"].items()
    assert namespace["metadata"]["annotations"]["hub.jupyter.org/username"] == "ana"
    asked = [name for name in lab.proxy.seen if name.startswith("POST ")]
    made = [asked.index(f"POST {path.rsplit('/', 1)[0]}") for path in PATHS.values()]
    pod = asked.index("POST /api/v1/namespaces/ws-ana/pods")
    home = asked.index("POST /api/v1/namespaces/ws-ana/persistentvolumeclaims")
    assert made[0] == min(made), "rights come first"
    assert max(made) < home < pod
    for kind, path in PATHS.items():
        found = await lab.call("GET", path)
        assert found["kind"] == kind
        assert found["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "studiolo"
    policy = await lab.call("GET", PATHS["NetworkPolicy"])
    assert policy["spec"] == POLICY["spec"] | {"podSelector": {}}


async def test_second_start_writes_nothing_again(lab: SpawnerLab) -> None:
    spawner = lab.make("ana", **OWN)
    await started(spawner)
    await spawner.stop()
    lab.proxy.seen.clear()
    await started(lab.make("ana", **OWN))
    written = [name for name in lab.proxy.seen if name.split()[0] in {"POST", "PUT"}]
    assert written == [
        "POST /api/v1/namespaces/ws-ana/persistentvolumeclaims",
        "POST /api/v1/namespaces/ws-ana/pods",
    ]


async def test_what_the_administrator_changed_in_the_values_is_renewed(lab: SpawnerLab) -> None:
    spawner = lab.make("ana", **OWN)
    await started(spawner)
    await spawner.stop()
    more = {**QUOTA, "spec": {"hard": {"pods": "5"}}}
    await started(lab.make("ana", **{**OWN, "namespace_objects": [RIGHTS, more]}))
    assert (await lab.call("GET", PATHS["ResourceQuota"]))["spec"]["hard"] == {"pods": "5"}


async def test_an_administrators_own_quota_is_left_alone(lab: SpawnerLab) -> None:
    named = {"metadata": {"name": "ws-ana", "labels": HUB}}
    named["metadata"]["annotations"] = {"hub.jupyter.org/username": "ana"}
    await lab.call("POST", "/api/v1/namespaces", named)
    own = {**QUOTA, "spec": {"hard": {"pods": "9"}}}
    await lab.call("POST", PATHS["ResourceQuota"].rsplit("/", 1)[0], own)
    await started(lab.make("ana", **OWN))
    assert (await lab.call("GET", PATHS["ResourceQuota"]))["spec"]["hard"] == {"pods": "9"}


@pytest.mark.parametrize(
    ("annotations", "labels", "reason"),
    [
        pytest.param({"hub.jupyter.org/username": "Ana"}, HUB, "owned_by_another", id="another's"),
        pytest.param({}, HUB, "owner_unknown", id="nobody's"),
        pytest.param({"hub.jupyter.org/username": "ana"}, {}, "namespace_not_ours", id="no hub's"),
        pytest.param(
            {"hub.jupyter.org/username": "ana"},
            {**HUB, "studiolo.dev/hub": "other-hub"},
            "namespace_not_ours",
            id="another hub's",
        ),
    ],
)
async def test_a_namespace_is_taken_over_only_if_it_is_theirs(
    lab: SpawnerLab, annotations: dict[str, str], labels: dict[str, str], reason: str
) -> None:
    there = {"metadata": {"name": "ws-ana", "annotations": annotations, "labels": labels}}
    await lab.call("POST", "/api/v1/namespaces", there)
    with pytest.raises(SpawnException, match=reason):
        await started(lab.make("ana", **OWN))
    assert not [name for name in lab.proxy.seen if name.startswith("POST /api/v1/namespaces/ws-")]
    assert not [name for name in lab.proxy.seen if name.startswith("POST /apis/rbac")]


async def test_rights_that_are_not_known_yet_are_waited_for(lab: SpawnerLab) -> None:
    lab.proxy.spoil("POST .*/resourcequotas", faulty_proxy.answers(403), times=2)
    await started(lab.make("ana", **OWN))
    assert lab.proxy.seen.count("POST /api/v1/namespaces/ws-ana/resourcequotas") == 3


async def test_rights_that_never_come_are_told(
    lab: SpawnerLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studiolo_spawner.user_namespaces.SETTLE_SECONDS", 0.3)
    lab.proxy.spoil("POST .*/resourcequotas", faulty_proxy.answers(403), times=99)
    with pytest.raises(SpawnException, match="not_permitted"):
        await started(lab.make("ana", **OWN))
    assert not [name for name in lab.proxy.seen if name.endswith("/pods") and "POST" in name]


async def test_pull_secrets_come_along_and_are_renewed(lab: SpawnerLab) -> None:
    """Of the hub's namespace, which outside a cluster is `default`."""
    body = {"metadata": {"name": "team"}, "type": "Opaque", "data": {"a": "MQ=="}}
    await lab.call("POST", "/api/v1/namespaces/default/secrets", body)
    spawner = lab.make("ana", **OWN)
    await started(spawner)
    await spawner.stop()
    copied = "/api/v1/namespaces/ws-ana/secrets/team"
    assert (await lab.call("GET", copied))["data"] == {"a": "MQ=="}
    body["data"] = {"a": "Mg=="}
    await lab.call("PUT", "/api/v1/namespaces/default/secrets/team", body)
    await started(lab.make("ana", **OWN))
    assert (await lab.call("GET", copied))["data"] == {"a": "Mg=="}


async def test_a_namespace_that_is_being_deleted_is_waited_for_by_the_user(
    lab: SpawnerLab,
) -> None:
    metadata = {"name": "ws-ana", "labels": HUB, "annotations": {"hub.jupyter.org/username": "ana"}}
    with pytest.raises(ClusterFault, match="is being deleted"):
        objects.require_usable({"metadata": {**metadata, "deletionTimestamp": "now"}}, HUB)


async def test_files_of_someone_who_has_no_namespace(lab: SpawnerLab) -> None:
    assert await lab.make("ana", **OWN).delete_files() is False


async def test_deleting_files_leaves_the_namespace(lab: SpawnerLab) -> None:
    spawner = lab.make("ana", **OWN)
    await started(spawner)
    await spawner.stop()
    assert await spawner.delete_files() is True
    assert (await lab.call("GET", "/api/v1/namespaces/ws-ana"))["status"]["phase"] == "Active"


async def test_workspaces_of_all_namespaces_are_counted(lab: SpawnerLab) -> None:
    node = {"metadata": {"name": "node"}}
    await lab.call("POST", "/api/v1/nodes", node)
    ana, ben = lab.make("ana", **OWN), lab.make("ben", **OWN)
    await asyncio.gather(started(ana), started(ben))
    watch = (await ana.parts()).cluster
    assert watch is not None
    assert await watch.pods_known(5)
    async with asyncio.timeout(5):
        while {holder.user for holder in watch.holders()} != {"ana", "ben"}:
            await asyncio.sleep(0.02)


def test_every_kind_that_may_be_asked_for_is_known_to_the_client() -> None:
    for kind in KINDS:
        assert hasattr(client, f"V1{kind}")


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"kind": "Pod", "metadata": {"name": "a"}}, "its kind is 'Pod'"),
        ({**QUOTA, "apiVersion": "v2"}, "write v1"),
        ({**QUOTA, "metadata": {}}, "it has no metadata.name"),
        ({**QUOTA, "metadata": {"name": "a", "namespace": "kube-system"}}, "names a namespace"),
    ],
    ids=["kind", "version", "no name", "a namespace"],
)
async def test_what_cannot_be_made_is_refused(
    lab: SpawnerLab, manifest: dict[str, Any], said: str
) -> None:
    with pytest.raises(TraitError, match=said) as refused:
        lab.make("ana", namespace_objects=[manifest])
    assert "namespace_objects[0]" in str(refused.value)
