"""The way of one pod through the API over HTTP."""

from __future__ import annotations

import asyncio
import json

from tests.embedded import EmbeddedApi

PODS = "/api/v1/namespaces/default/pods"


def pod(name: str, **labels: str) -> dict[str, object]:
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"name": "main", "image": "registry.test/image:1"}]},
    }


async def test_a_pod_is_made_bound_run_and_deleted_as_kubernetes_does(
    embedded_api: EmbeddedApi,
) -> None:
    api = embedded_api
    made = await api.expect("POST", PODS, pod("one"))
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    await api.expect("POST", f"{PODS}/one/binding", {"target": {"kind": "Node", "name": "n1"}})
    status = {"status": {"phase": "Running", "podIP": "127.77.0.1"}}
    merge = "application/strategic-merge-patch+json"
    running = await api.expect("PATCH", f"{PODS}/one/status", status, media_type=merge)
    assert (running["spec"]["nodeName"], running["status"]["phase"]) == ("n1", "Running")
    going = await api.expect("DELETE", f"{PODS}/one", gracePeriodSeconds="5")
    assert going["metadata"]["deletionGracePeriodSeconds"] == 5
    assert (await api.expect("GET", f"{PODS}/one"))["metadata"]["deletionTimestamp"]
    await api.expect("DELETE", f"{PODS}/one", gracePeriodSeconds="0")
    code, answer = await api.call("GET", f"{PODS}/one")
    assert (code, answer["reason"]) == (404, "NotFound")


async def test_a_watch_sees_each_change_at_once(embedded_api: EmbeddedApi) -> None:
    api = embedded_api
    listed = await api.expect("GET", PODS)
    version = listed["metadata"]["resourceVersion"]
    query = {"watch": "1", "resourceVersion": version, "labelSelector": "a=b"}
    async with api.session.get(PODS, params=query) as watch:
        await api.expect("POST", PODS, pod("one", a="b"))
        await api.expect("POST", PODS, pod("two", a="c"))
        await api.expect("DELETE", f"{PODS}/one")
        seen: list[tuple[str, str]] = []
        async with asyncio.timeout(5):
            while len(seen) < 2:
                event = json.loads(await watch.content.readline())
                seen.append((event["type"], event["object"]["metadata"]["name"]))
    assert seen == [("ADDED", "one"), ("DELETED", "one")]
