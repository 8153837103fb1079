"""Resource quotas: what is refused, and in which words."""

from __future__ import annotations

from typing import Any

from tests.contract.cluster import Cluster, pod

GPU = "requests.nvidia.com/gpu"


async def limit(cluster: Cluster, **hard: str) -> None:
    body = {"metadata": {"name": "team"}, "spec": {"hard": hard}}
    await cluster.create("resourcequotas", body)
    # Nothing is admitted before what is used has been counted.
    await cluster.until(
        cluster.path("resourcequotas", "team"),
        lambda quota: set(quota.get("status", {}).get("used", {})) == set(hard),
    )


def sized(name: str, **limits: Any) -> dict[str, Any]:
    body = pod(name)
    body["spec"]["containers"][0]["resources"] = {"limits": limits}
    return body


async def test_a_pod_that_does_not_fit_is_refused(cluster: Cluster) -> None:
    await limit(cluster, **{GPU: "2"})
    await cluster.create("pods", sized("one", **{"nvidia.com/gpu": 1}))
    refused = await cluster.call(
        "POST", cluster.path("pods"), sized("two", **{"nvidia.com/gpu": 2})
    )
    assert (refused.code, refused.reason) == (403, "Forbidden")
    assert refused.message == (
        f'pods "two" is forbidden: exceeded quota: team, requested: {GPU}=2, used: {GPU}=1, '
        f"limited: {GPU}=2"
    )
    await cluster.create("pods", sized("three", **{"nvidia.com/gpu": 1}))


async def test_a_pod_must_say_what_it_needs(cluster: Cluster) -> None:
    await limit(cluster, **{"limits.memory": "2Gi"})
    refused = await cluster.call("POST", cluster.path("pods"), pod("one"))
    assert (refused.code, refused.reason) == (403, "Forbidden")
    assert refused.message == (
        'pods "one" is forbidden: failed quota: team: must specify limits.memory for: main'
    )
    await cluster.create("pods", sized("two", memory="1536Mi"))
    refused = await cluster.call("POST", cluster.path("pods"), sized("three", memory="1Gi"))
    assert refused.message.endswith(
        "exceeded quota: team, requested: limits.memory=1Gi, used: limits.memory=1536Mi, "
        "limited: limits.memory=2Gi"
    )


async def test_claims_count_too(cluster: Cluster) -> None:
    await limit(cluster, **{"requests.storage": "10Gi", "persistentvolumeclaims": "5"})

    def claim(name: str, size: str) -> dict[str, Any]:
        resources = {"requests": {"storage": size}}
        spec = {"accessModes": ["ReadWriteOnce"], "resources": resources}
        return {"metadata": {"name": name}, "spec": spec}

    await cluster.create("persistentvolumeclaims", claim("one", "8Gi"))
    refused = await cluster.call("POST", cluster.path("persistentvolumeclaims"), claim("b", "4Gi"))
    assert refused.message == (
        'persistentvolumeclaims "b" is forbidden: exceeded quota: team, '
        "requested: requests.storage=4Gi, used: requests.storage=8Gi, "
        "limited: requests.storage=10Gi"
    )


async def test_what_is_used_is_counted_again_when_a_pod_goes(cluster: Cluster) -> None:
    await limit(cluster, pods="1")
    path = cluster.path("resourcequotas", "team")
    await cluster.create("pods", pod("one"))
    await cluster.until(path, lambda quota: quota["status"]["used"] == {"pods": "1"})
    await cluster.expect("DELETE", cluster.path("pods", "one"))
    await cluster.until(path, lambda quota: quota["status"]["used"] == {"pods": "0"})
    await cluster.create("pods", pod("two"))
