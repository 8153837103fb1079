"""Where pods fit, and the scheduler's words when they fit nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_local.nodes import DEMO_NODES, SimulatedNode
from studiolo_local.scheduling import everywhere, place, requests_of, usage
from studiolo_spawner.scheduling_texts import cause_of_scheduler_text, read_scheduler_text

GPU = "nvidia.com/gpu"
TOLERATE = [{"key": GPU, "operator": "Exists"}]


def as_object(node: SimulatedNode) -> dict[str, Any]:
    return {**node.manifest(), "status": node.status(since="t", now="t")}


NODES = [as_object(node) for node in DEMO_NODES]


def pod(name: str = "p", node: str = "", **spec: Any) -> dict[str, Any]:
    limits = spec.pop("limits", {})
    found = {
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "resources": {"limits": limits}}], **spec},
    }
    if node:
        found["spec"]["nodeName"] = node
    return found


def affinity(operator: str, *values: str, key: str = "zone") -> dict[str, Any]:
    requirement: dict[str, Any] = {"key": key, "operator": operator}
    if values:
        requirement["values"] = list(values)
    terms = [{"matchExpressions": [requirement]}]
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    return {"nodeAffinity": {required: {"nodeSelectorTerms": terms}}}


def test_a_plain_pod_goes_to_the_plain_node() -> None:
    assert place(pod(), NODES, {}).node == "cpu-1"


def test_a_gpu_pod_without_a_toleration() -> None:
    assert place(pod(limits={GPU: "1"}), NODES, {}).message == (
        "0/6 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) had untolerated taint "
        "{amd.com/gpu: present}, 4 node(s) had untolerated taint {nvidia.com/gpu: present}. "
        "preemption: 0/6 nodes are available: 6 Preemption is not helpful for scheduling."
    )


def test_every_gpu_is_taken() -> None:
    selector = {"nvidia.com/gpu.product": "Simulated-A100-SXM4-80GB", "nvidia.com/gpu.count": "4"}
    full = [pod(str(each), node=f"gpu-{1 + each % 2}", limits={GPU: "2"}) for each in range(4)]
    wanted = pod(limits={GPU: "1"}, tolerations=TOLERATE, nodeSelector=selector)
    message = place(wanted, NODES, usage(full)).message
    assert message == (
        "0/6 nodes are available: 1 node(s) had untolerated taint {amd.com/gpu: present}, "
        "2 Insufficient nvidia.com/gpu, 3 node(s) didn't match Pod's node affinity/selector. "
        "preemption: 0/6 nodes are available: 2 No preemption victims found for incoming pod, "
        "4 Preemption is not helpful for scheduling."
    )
    assert read_scheduler_text(message).nodes == 6
    assert cause_of_scheduler_text(message).reason == "no_free_gpu"


def test_gpus_are_packed_so_that_a_node_stays_free() -> None:
    wanted = pod(limits={GPU: "1"}, tolerations=TOLERATE)
    used = usage([pod("a", node="gpu-2", limits={GPU: "1"})])
    assert place(wanted, NODES, used).node == "gpu-2"


def test_a_finished_pod_takes_no_place() -> None:
    done = pod("a", node="gpu-1", limits={GPU: "4"}) | {"status": {"phase": "Succeeded"}}
    assert usage([done]) == {}


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (affinity("In", "a", "b"), True),
        (affinity("In", "b"), False),
        (affinity("NotIn", "a"), False),
        (affinity("Exists"), True),
        (affinity("DoesNotExist"), False),
        (affinity("Gt", "3", key="size"), True),
        (affinity("Lt", "3", key="size"), False),
        (affinity("Gt", "3", key="zone"), False),
        (affinity("Unheard"), False),
    ],
    ids=["in", "not in list", "notin", "exists", "absent", "gt", "lt", "no number", "unknown"],
)
def test_node_affinity(rule: dict[str, Any], fits: bool) -> None:
    node = as_object(SimulatedNode("n", "4", "8Gi", labels={"zone": "a", "size": "4"}))
    placement = place(pod(affinity=rule), [node], {})
    assert (placement.node == "n") is fits
    if not fits:
        assert "1 node(s) didn't match Pod's node affinity/selector" in placement.message


@pytest.mark.parametrize(
    ("toleration", "fits"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "value": "other"}, False),
        ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "other", "operator": "Exists"}, False),
    ],
    ids=["all", "key", "value", "other value", "other effect", "other key"],
)
def test_tolerations(toleration: dict[str, str], fits: bool) -> None:
    taint = {"key": "k", "value": "v", "effect": "NoSchedule"}
    node = as_object(SimulatedNode("n", "4", "8Gi", taints=(taint,)))
    placement = place(pod(tolerations=[toleration]), [node], {})
    assert (placement.node == "n") is fits
    if not fits:
        assert "1 node(s) had untolerated taint {k: v}" in placement.message


def test_a_closed_node_and_one_that_is_not_ready() -> None:
    closed = as_object(SimulatedNode("a", "4", "8Gi"))
    closed["spec"]["unschedulable"] = True
    lost = as_object(SimulatedNode("b", "4", "8Gi"))
    lost["status"]["conditions"] = []
    assert place(pod(), [closed, lost], {}).message.startswith(
        "0/2 nodes are available: 1 node(s) had untolerated taint "
        "{node.kubernetes.io/not-ready: }, 1 node(s) were unschedulable."
    )


def test_a_node_that_is_full_of_pods() -> None:
    node = as_object(SimulatedNode("n", "64", "64Gi"))
    used = usage([pod(str(number), node="n") for number in range(110)])
    assert place(pod(), [node], used).message == (
        "0/1 nodes are available: 1 Too many pods. preemption: 0/1 nodes are available: "
        "1 No preemption victims found for incoming pod."
    )


def test_no_nodes_at_all() -> None:
    assert place(pod(), [], {}).message == "no nodes available to schedule pods"


def test_a_reason_for_every_node() -> None:
    assert everywhere(NODES[:2], "a reason") == (
        "0/2 nodes are available: a reason. preemption: 0/2 nodes are available: "
        "2 Preemption is not helpful for scheduling."
    )


def test_requests_are_summed_and_the_largest_init_container_counts() -> None:
    body = pod(limits={"cpu": "500m", "memory": "1Gi"})
    body["spec"]["containers"].append({"name": "d", "resources": {"requests": {"cpu": "1"}}})
    body["spec"]["initContainers"] = [{"name": "i", "resources": {"limits": {"cpu": "2"}}}]
    asked = requests_of(body)
    assert {name: float(amount) for name, amount in asked.items()} == {
        "pods": 1,
        "cpu": 2,
        "memory": 2**30,
    }


@given(
    asked=st.lists(
        st.sampled_from(
            [{}, {GPU: "1"}, {GPU: "4"}, {"nvidia.com/mig-1g.10gb": "1"}, {"cpu": "30"}]
        ),
        max_size=40,
    )
)
def test_no_node_is_ever_given_more_than_it_has(asked: list[dict[str, str]]) -> None:
    placed: list[dict[str, Any]] = []
    for number, limits in enumerate(asked):
        wanted = pod(str(number), limits=limits, tolerations=[{"operator": "Exists"}])
        placement = place(wanted, NODES, usage(placed))
        assert bool(placement.node) != bool(placement.message)
        if placement.node:
            wanted["spec"]["nodeName"] = placement.node
            placed.append(wanted)
    for name, used in usage(placed).items():
        capacity = next(node.capacity for node in DEMO_NODES if node.name == name)
        assert all(used.get(each, 0) <= int(capacity[each]) for each in ("cpu", "pods"))
        assert used.get(GPU, 0) <= int(capacity.get(GPU, 0))
