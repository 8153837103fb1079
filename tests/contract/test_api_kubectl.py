"""What people do with kubectl."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.contract.cluster import PATIENCE, Cluster, config_map, pod

_PLURALS = {"quota": "resourcequota"}


def manifest(**labels: str) -> str:
    return json.dumps(pod("one", labels=labels))


async def test_apply_makes_then_changes_then_leaves_alone(cluster: Cluster) -> None:
    one = json.dumps(config_map("one", a="1"))
    two = json.dumps(config_map("one", b="2"))
    assert "created" in await cluster.kubectl("apply", "-f", "-", stdin=one)
    assert "unchanged" in await cluster.kubectl("apply", "-f", "-", stdin=one)
    diff = await cluster.kubectl("diff", "-f", "-", stdin=two, code=1)
    assert '-  a: "1"' in diff
    assert '+  b: "2"' in diff
    assert "configured" in await cluster.kubectl("apply", "-f", "-", stdin=two)
    data = await cluster.kubectl("get", "configmap/one", "-o", "jsonpath={.data}")
    assert data == '{"b":"2"}'


async def test_apply_on_the_server(cluster: Cluster) -> None:
    apply = ("apply", "--server-side", "-f", "-")
    assert "serverside-applied" in await cluster.kubectl(*apply, stdin=manifest(a="1"))
    assert "serverside-applied" in await cluster.kubectl(*apply, stdin=manifest(b="2"))
    labels = await cluster.kubectl("get", "pod/one", "-o", "jsonpath={.metadata.labels}")
    assert labels == '{"b":"2"}'


async def test_a_typing_mistake_is_pointed_at(cluster: Cluster) -> None:
    body = pod("one")
    body["spec"]["containers"][0]["imagge"] = "x"
    refused = await cluster.kubectl("apply", "-f", "-", stdin=json.dumps(body), code=1)
    assert 'unknown field "spec.containers[0].imagge"' in refused


async def test_get_shows_tables(cluster: Cluster) -> None:
    await cluster.add_node()
    await cluster.bound_pod("one")
    lines = (await cluster.kubectl("get", "pods")).splitlines()
    assert lines[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert lines[1].split()[:4] == ["one", "0/1", "Pending", "0"]
    wide = await cluster.kubectl("get", "po", "-o", "wide")
    assert cluster.node in wide
    assert "IP" in wide.splitlines()[0]
    assert "pod/one" in await cluster.kubectl("get", "all")
    node = await cluster.kubectl("get", "node", cluster.node)
    assert node.splitlines()[0].split() == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    for kind in ("pvc", "events", "cm", "secrets", "svc", "quota", "sa", "ns"):
        await cluster.kubectl("get", kind)


async def test_get_selects_and_pages(cluster: Cluster) -> None:
    for name, team in (("a", "x"), ("b", "y"), ("c", "x")):
        await cluster.create("pods", pod(name, labels={"team": team}))
    listed = await cluster.kubectl("get", "pods", "-l", "team=x", "-o", "name")
    assert listed.split() == ["pod/a", "pod/c"]
    paged = await cluster.kubectl("get", "pods", "--chunk-size=1", "-o", "name")
    assert len(paged.split()) == 3
    found = await cluster.kubectl(
        "get", "pods", "--field-selector", "metadata.name=b", "-o", "name"
    )
    assert found.split() == ["pod/b"]
    everywhere = await cluster.kubectl("get", "pods", "-A", "-l", "team=y", "--no-headers")
    assert everywhere.split()[:2] == [cluster.namespace, "b"]


async def test_get_w_follows(cluster: Cluster) -> None:
    await cluster.create("pods", pod("one"))
    process = await cluster.start_kubectl("get", "pods", "-w", "--no-headers")
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            assert (await process.stdout.readline()).split()[0] == b"one"
            await cluster.create("pods", pod("two"))
            assert (await process.stdout.readline()).split()[0] == b"two"
    finally:
        process.kill()
        await process.communicate()


async def test_describe_tells_all_about_a_pod(cluster: Cluster) -> None:
    made = await cluster.create("pods", pod("one", labels={"a": "b"}))
    involved = {
        "kind": "Pod",
        "name": "one",
        "namespace": cluster.namespace,
        "uid": made["metadata"]["uid"],
    }
    event = {"metadata": {"name": "e"}, "involvedObject": involved, "type": "Warning"}
    await cluster.create("events", {**event, "reason": "Failed", "message": "no such image"})
    described = await cluster.kubectl("describe", "pod", "one")
    assert "Labels:           a=b" in described
    assert "no such image" in described


async def test_label_annotate_patch_and_delete(cluster: Cluster) -> None:
    await cluster.create("pods", pod("one"))
    assert "labeled" in await cluster.kubectl("label", "pod/one", "a=b")
    assert "annotated" in await cluster.kubectl("annotate", "pod/one", "c=d")
    patch = '{"spec":{"containers":[{"name":"main","image":"other:2"}]}}'
    assert "patched" in await cluster.kubectl("patch", "pod/one", "-p", patch)
    shown: Any = json.loads(await cluster.kubectl("get", "pod/one", "-o", "json"))
    assert shown["metadata"]["labels"] == {"a": "b"}
    assert shown["metadata"]["annotations"] == {"c": "d"}
    assert shown["spec"]["containers"][0]["image"] == "other:2"
    assert "deleted" in await cluster.kubectl("delete", "pod/one")
    missing = await cluster.kubectl("get", "pod/one", code=1)
    assert 'Error from server (NotFound): pods "one" not found' in missing


async def test_wait_waits(cluster: Cluster) -> None:
    await cluster.create("pods", pod("one"))
    condition = "--for=jsonpath={.status.phase}=Running"
    waiting = asyncio.create_task(cluster.kubectl("wait", condition, "pod/one", "--timeout=20s"))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    status = {"status": {"phase": "Running"}}
    path = cluster.path("pods", "one", "status")
    await cluster.expect("PATCH", path, status, media_type="application/merge-patch+json")
    assert "condition met" in await waiting


async def test_create_from_a_file_and_run(cluster: Cluster) -> None:
    created = await cluster.kubectl("create", "-f", "-", stdin=manifest())
    assert created.strip() == "pod/one created"
    again = await cluster.kubectl("create", "-f", "-", stdin=manifest(), code=1)
    assert 'pods "one" already exists' in again
    assert "pod/two created" in await cluster.kubectl("run", "two", "--image=a:1")


async def test_create_of_each_kind(cluster: Cluster) -> None:
    for kind, name, options in (
        ("configmap", "c", ["--from-literal=a=1"]),
        ("secret", "generic s", ["--from-literal=a=1"]),
        ("quota", "q", ["--hard=configmaps=9"]),
        ("serviceaccount", "someone", []),
        ("service", "clusterip web", ["--tcp=80:8080"]),
    ):
        created = await cluster.kubectl("create", kind, *name.split(), *options)
        assert created.strip() == f"{_PLURALS.get(kind, kind)}/{name.split()[-1]} created"
    data = await cluster.kubectl("get", "secret/s", "-o", "jsonpath={.data}")
    assert data == '{"a":"MQ=="}'
    again = await cluster.kubectl("create", "configmap", "c", code=1)
    assert again.strip() == 'error: failed to create configmap: configmaps "c" already exists'


async def test_explain_names_the_fields(cluster: Cluster) -> None:
    explained = await cluster.kubectl("explain", "pods.spec.containers.env")
    assert "FIELD: env <[]EnvVar>" in explained
    assert "valueFrom\t<EnvVarSource>" in explained


async def test_api_resources_are_listed(cluster: Cluster) -> None:
    listed = await cluster.kubectl("api-resources", "--api-group=", "-o", "name")
    assert {"pods", "events", "nodes", "persistentvolumeclaims"} <= set(listed.split())
