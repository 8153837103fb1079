from __future__ import annotations

from typing import Any

import pytest
from studiolo_local.api import quota, resources
from studiolo_local.api.quantities import parse_quantity

from tests.local.api import samples


def sized(limits: dict[str, str], requests: dict[str, str] | None = None, **spec: Any) -> Any:
    pod = samples.pod(**spec)
    pod["spec"]["containers"][0]["resources"] = {
        "limits": limits,
        "requests": {**limits, **(requests or {})},
    }
    return pod


def used(pod: dict[str, Any]) -> dict[str, str]:
    return {name: str(amount) for name, amount in quota.usage_of(resources.PODS, pod).items()}


def test_a_pod_uses_what_its_containers_ask_for_together() -> None:
    pod = sized({"cpu": "2", "memory": "1Gi", "nvidia.com/gpu": "1"}, {"cpu": "500m"})
    pod["spec"]["containers"].append(
        {"name": "side", "resources": {"requests": {"cpu": "250m"}}},
    )
    assert used(pod) == {
        "count/pods": "1",
        "pods": "1",
        "cpu": "750m",
        "memory": "1Gi",
        "requests.cpu": "750m",
        "requests.memory": "1Gi",
        "requests.nvidia.com/gpu": "1",
        "limits.cpu": "2",
        "limits.memory": "1Gi",
        "limits.nvidia.com/gpu": "1",
    }


def test_a_larger_init_container_counts_instead_and_a_sidecar_on_top() -> None:
    init = {"name": "i", "resources": {"requests": {"cpu": "3"}}}
    sidecar = {"name": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "4"}}}
    assert used(sized({"cpu": "2"}, initContainers=[init]))["requests.cpu"] == "3"
    assert used(sized({"cpu": "2"}, initContainers=[init, sidecar]))["requests.cpu"] == "6"


def test_a_pod_that_is_over_uses_nothing_but_its_place() -> None:
    assert used({**sized({"cpu": "2"}), "status": {"phase": "Succeeded"}}) == {"count/pods": "1"}


def test_a_claim_uses_storage_of_its_class() -> None:
    spec = {"resources": {"requests": {"storage": "10Gi"}}, "storageClassName": "fast"}
    usage = quota.usage_of(resources.CLAIMS, {"metadata": {"name": "c"}, "spec": spec})
    assert {name: str(amount) for name, amount in usage.items()} == {
        "count/persistentvolumeclaims": "1",
        "persistentvolumeclaims": "1",
        "requests.storage": "10Gi",
        "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
        "fast.storageclass.storage.k8s.io/requests.storage": "10Gi",
    }


def amounts(**named: str) -> dict[str, Any]:
    return {key.replace("_", "."): parse_quantity(value) for key, value in named.items()}


def test_the_refusal_says_what_was_asked_what_is_used_and_what_is_allowed() -> None:
    hard = {"metadata": {"name": "gpus"}, "spec": {"hard": {"requests.nvidia.com/gpu": "4"}}}
    name = "requests.nvidia.com/gpu"
    two, three = {name: parse_quantity("2")}, {name: parse_quantity("3")}
    assert quota.refusal(hard, two, two, None) is None
    assert quota.refusal(hard, three, two, None) == (
        "exceeded quota: gpus, requested: requests.nvidia.com/gpu=2, "
        "used: requests.nvidia.com/gpu=3, limited: requests.nvidia.com/gpu=4"
    )


def test_a_full_quota_refuses_only_what_adds_to_it() -> None:
    hard = samples.quota(pods="1", requests_memory="1Gi")
    full = amounts(pods="2", requests_memory="3Gi")
    assert quota.refusal(hard, full, amounts(persistentvolumeclaims="1"), None) is None


def test_a_pod_must_say_what_it_needs_of_what_is_limited() -> None:
    hard = samples.quota(limits_memory="8Gi", cpu="4", requests_memory="1Gi", pods="1")
    pod = sized({"cpu": "1"})
    pod["spec"]["containers"].append({"name": "side"})
    assert quota.refusal(hard, {}, {}, pod) == (
        "failed quota: team: must specify cpu for: side; limits.memory for: main,side; "
        "requests.memory for: main,side"
    )


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ([], True),
        (["BestEffort"], True),
        (["NotBestEffort"], False),
        (["NotTerminating"], True),
        (["BestEffort", "Terminating"], False),
    ],
    ids=str,
)
def test_a_quota_looks_at_the_pods_in_its_scopes(scopes: list[str], expected: bool) -> None:
    pod = {**samples.pod(), "status": {"qosClass": "BestEffort"}}
    assert quota.in_scope(scopes, resources.PODS, pod) is expected


def test_a_scoped_quota_looks_at_pods_alone() -> None:
    assert not quota.in_scope(["NotTerminating"], resources.CLAIMS, {})
