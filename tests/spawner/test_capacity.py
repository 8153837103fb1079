"""Free capacity: counted by hand for each kind of GPU, and compared with a scheduler's placing."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from studiolo_local import scheduling
from studiolo_spawner.capacity import (
    Common,
    Free,
    Tally,
    capacity_of,
    demand_of,
    free_words,
    state_of,
)
from studiolo_spawner.catalogue import Profile
from studiolo_spawner.machines import machine_of
from studiolo_spawner.pod_facts import facts_of
from studiolo_spawner.resource_amounts import ONE, add, requests_of
from studiolo_spawner.runtime_classes import classes_of

from tests.spawner.catalogues import catalogue, profile

CONTRACT = json.loads(
    (Path(__file__).parents[1] / "contract" / "capacity.json").read_text(encoding="utf-8")
)
GPU = "nvidia.com/gpu"
TAINT = {"key": GPU, "value": "present", "effect": "NoSchedule"}
TOLERATION = {"key": GPU, "operator": "Exists", "effect": "NoSchedule"}


def node(name: str, *, ready: bool = True, **fields: Any) -> dict[str, Any]:
    """A node with 16 processors, 64 GiB and what `allocatable` adds."""
    allocatable = {"cpu": "16", "memory": "64Gi", "pods": "110", **fields.get("allocatable", {})}
    return {
        "metadata": {"name": name, "labels": fields.get("labels", {})},
        "spec": {
            "taints": fields.get("taints", []),
            "unschedulable": fields.get("unschedulable", False),
        },
        "status": {
            "allocatable": allocatable,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


def pod(name: str, *, on: str = "", phase: str = "Running", **fields: Any) -> dict[str, Any]:
    """A pod with one container; not scheduled, and told so, unless it is ``on`` a node."""
    requests = {"cpu": "1", "memory": "1Gi", **fields.pop("requests", {})}
    status: dict[str, Any] = {"phase": phase}
    if not on:
        refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        status = {"phase": "Pending", "conditions": [refused]}
    return {
        "metadata": {"name": name, "namespace": fields.pop("namespace", "studiolo")},
        "spec": {
            "nodeName": on,
            "containers": [{"name": "main", "resources": {"requests": requests}}],
            **fields,
        },
        "status": status,
    }


def gpus(count: int, resource: str = GPU) -> dict[str, str]:
    return {resource: str(count)}


def of_profile(nodes: list[Any], pods: list[Any], **fields: Any) -> Free:
    wanted = {"resource": GPU, "count": 1, "cpu": 2, "memory": "8Gi", **fields}
    one = Profile.model_validate(profile("it", **wanted))
    return capacity_of(nodes, pods, [one])["it"]


def test_units_on_several_machines_are_one_pool_with_a_largest_block() -> None:
    nodes = [node("a", allocatable=gpus(4)), node("b", allocatable=gpus(4))]
    pods = [pod("x", on="a", requests=gpus(3)), pod("y", on="b", requests=gpus(2))]
    assert of_profile(nodes, pods) == Free(3, 8, 2, machines=2, fits=3)


def test_two_profiles_share_the_pool_of_their_resource() -> None:
    profiles = catalogue(
        profiles=[
            profile("one", resource=GPU, count=1),
            profile("two", resource=GPU, count=2),
        ]
    ).profiles
    nodes = [node("a", allocatable=gpus(2)), node("b", allocatable=gpus(1))]
    found = capacity_of(nodes, [], profiles)
    assert (found["one"].free, found["one"].fits) == (3, 3)
    assert (found["two"].free, found["two"].fits, found["two"].largest_block) == (3, 1, 2)


@pytest.mark.parametrize(
    ("fields", "free"),
    [
        pytest.param({"taints": [TAINT]}, 0, id="tainted"),
        pytest.param({"unschedulable": True}, 0, id="closed"),
        pytest.param({"ready": False}, 0, id="not ready"),
        pytest.param({"taints": [{**TAINT, "effect": "PreferNoSchedule"}]}, 4, id="unloved"),
        pytest.param({"labels": {"pool": "other"}}, 4, id="another label"),
    ],
)
def test_machines_that_take_nobody_are_not_counted(fields: dict[str, Any], free: int) -> None:
    assert of_profile([node("a", allocatable=gpus(4), **fields)], []).free == free


def test_tolerations_and_node_selector_open_machines() -> None:
    nodes = [
        node("a", allocatable=gpus(4), taints=[TAINT], labels={"gpu": "a100"}),
        node("b", allocatable=gpus(4), taints=[TAINT], labels={"gpu": "t4"}),
    ]
    found = of_profile(nodes, [], tolerations=[TOLERATION], node_selector={"gpu": "t4"})
    assert (found.total, found.machines) == (4, 1)


def test_processors_and_memory_decide_how_many_fit() -> None:
    nodes = [node("a", allocatable=gpus(4))]
    found = of_profile(nodes, [pod("x", on="a", requests={"cpu": "15"})])
    assert found == Free(4, 4, 4, machines=1, fits=0)
    told = "4 free of 4, but too little CPU or memory is left beside them"
    assert free_words(found, 1) == told


def test_what_is_over_keeps_nothing_and_what_is_deleted_still_does() -> None:
    over = [pod(p, on="a", phase=p, requests=gpus(1)) for p in ("Succeeded", "Failed")]
    going = pod("going", on="a", requests=gpus(1))
    going["metadata"]["deletionTimestamp"] = "2026-03-01T09:30:00Z"
    assert of_profile([node("a", allocatable=gpus(4))], [*over, going]).free == 3


def test_other_namespaces_count() -> None:
    pods = [pod("job", on="a", namespace="training", requests=gpus(3))]
    assert of_profile([node("a", allocatable=gpus(4))], pods).free == 1


@pytest.mark.parametrize(
    ("spec", "kept"),
    [
        pytest.param({"initContainers": [{"resources": {"requests": gpus(3)}}]}, 3, id="before"),
        pytest.param(
            {
                "initContainers": [
                    {"restartPolicy": "Always", "resources": {"requests": gpus(1)}},
                    {"resources": {"requests": gpus(1)}},
                ]
            },
            2,
            id="beside",
        ),
        pytest.param({"overhead": gpus(2)}, 3, id="overhead"),
        pytest.param({"resources": {"requests": gpus(4)}}, 4, id="of the pod as a whole"),
        pytest.param(
            {"containers": [{"resources": {"limits": gpus(2)}}]}, 2, id="a limit is a request"
        ),
        pytest.param({"containers": [{"resources": {"requests": {GPU: "many"}}}]}, 0, id="text"),
    ],
)
def test_effective_requests(spec: dict[str, Any], kept: int) -> None:
    pods = [pod("x", on="a", requests=gpus(1), **spec)]
    assert of_profile([node("a", allocatable=gpus(8))], pods).free == 8 - kept


def sharing(replicas: str, strategy: str) -> dict[str, str]:
    return {
        "nvidia.com/gpu.replicas": replicas,
        "nvidia.com/gpu.sharing-strategy": strategy,
    }


@pytest.mark.parametrize(
    ("resource", "labels", "unit", "words"),
    [
        pytest.param(GPU, {}, "gpu", "4 free of 4", id="whole"),
        pytest.param("nvidia.com/gpu.shared", {}, "share", "4 shares free of 4", id="by name"),
        pytest.param(
            GPU, sharing("4", "time-slicing"), "share", "4 shares free of 4", id="by label"
        ),
        pytest.param(GPU, sharing("4", "mps"), "share", "4 shares free of 4", id="mps"),
        pytest.param(GPU, sharing("1", "none"), "gpu", "4 free of 4", id="not shared"),
        pytest.param(
            "nvidia.com/mig-1g.10gb", {}, "slice", "4 slices free of 4", id="mixed MIG strategy"
        ),
        pytest.param(
            GPU,
            {
                "nvidia.com/mig.strategy": "single",
                "nvidia.com/gpu.product": "NVIDIA-A100-MIG-1g.10gb",
            },
            "slice",
            "4 slices free of 4",
            id="single MIG strategy",
        ),
        pytest.param("google.com/tpu", {}, "device", "4 free of 4", id="no GPU"),
    ],
)
def test_units_are_called_what_they_are(
    resource: str, labels: dict[str, str], unit: str, words: str
) -> None:
    nodes = [node("a", allocatable=gpus(4, resource), labels=labels)]
    found = of_profile(nodes, [], resource=resource)
    assert (found.unit, free_words(found, 1)) == (unit, words)


def test_a_pool_of_whole_and_shared_gpus_says_so() -> None:
    nodes = [
        node("a", allocatable=gpus(2)),
        node("b", allocatable=gpus(4), labels=sharing("4", "time-slicing")),
    ]
    found = of_profile(nodes, [])
    assert (found.unit, found.shares) == ("gpu", 4)
    assert free_words(found, 1) == "6 free of 6 (4 of them shares of a GPU)"


def test_who_waits_for_the_same_machines_is_counted() -> None:
    a100, t4 = {"gpu": "a100"}, {"gpu": "t4"}
    nodes = [
        node("a", allocatable=gpus(1), labels=a100),
        node("b", allocatable=gpus(1), labels=t4),
    ]
    pods = [
        pod("same", requests=gpus(1), nodeSelector=a100),
        pod("any", requests=gpus(1)),
        pod("others", requests=gpus(1), nodeSelector=t4),
        pod("no GPU"),
        pod("held back", requests=gpus(1), schedulingGates=[{"name": "queue"}]),
    ]
    assert of_profile(nodes, pods, node_selector=a100).waiting == 3


def test_a_profile_without_devices_has_room_and_no_figures() -> None:
    found = of_profile([node("a"), node("b")], [pod("w")], resource=None, count=0)
    assert found == Free(0, 0, 0, waiting=1, machines=2, fits=16, unit=None)
    assert free_words(found, 0) == "Room for 16; 1 waiting"


def test_no_machine_has_it() -> None:
    found = of_profile([node("a")], [])
    assert free_words(found, 1) == "No machine offers this at the moment"
    assert state_of(found) == "full"


@pytest.mark.parametrize(
    ("free", "state"),
    [
        pytest.param(None, "unknown", id="unknown"),
        pytest.param(Free(1, 4, 1), "full", id="nothing fits"),
        pytest.param(Free(1, 4, 1, fits=1), "tight", id="the last one"),
        pytest.param(Free(3, 4, 3, fits=3, waiting=3), "tight", id="as many wait"),
        pytest.param(Free(3, 4, 3, fits=3), "free", id="free"),
    ],
)
def test_state_in_one_word(free: Free | None, state: str) -> None:
    assert state_of(free) == state


# A profile asks for so many of a resource; the cluster starts and stops such pods at random.
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_free_says_that_it_fits_exactly_when_the_scheduler_places_it(data: st.DataObject) -> None:
    resources = [GPU, "nvidia.com/gpu.shared", "nvidia.com/mig-1g.10gb"]
    nodes = [
        node(
            f"n{number}",
            allocatable={
                **gpus(data.draw(st.integers(0, 4)), data.draw(st.sampled_from(resources))),
                "cpu": str(data.draw(st.integers(1, 16))),
                "memory": data.draw(st.sampled_from(["8Gi", "31Gi", "64Gi"])),
                "pods": str(data.draw(st.sampled_from([2, 110]))),
            },
            labels={"pool": data.draw(st.sampled_from(["a", "b"]))},
            taints=data.draw(st.lists(st.just(TAINT), max_size=1)),
            unschedulable=number == 0 and data.draw(st.booleans()),
            ready=number != 1 or bool(data.draw(st.booleans())),
        )
        for number in range(data.draw(st.integers(1, 4)))
    ]
    profiles = [_drawn_profile(data, f"p{number}", resources) for number in range(3)]
    running: dict[str, dict[str, Any]] = {}
    for step in range(data.draw(st.integers(1, 12))):
        ends: bool = data.draw(st.booleans())
        if running and ends:
            running.pop(data.draw(st.sampled_from(sorted(running))))
            continue
        wanted = data.draw(st.sampled_from(profiles))
        body = _pod_of(wanted, f"pod-{step}")
        found = capacity_of(nodes, running.values(), profiles)[wanted.id]
        used = scheduling.usage(running.values())
        placed = scheduling.place(body, nodes, used).node
        assert (found.fits > 0) == bool(placed)
        assert found.fits == _how_often(body, nodes, running)
        assert found.largest_block <= found.free <= found.total
        if placed:
            body["spec"]["nodeName"] = placed
            running[body["metadata"]["name"]] = body


def _drawn_profile(data: st.DataObject, name: str, resources: list[str]) -> Profile:
    resource = data.draw(st.sampled_from([None, *resources]))
    return Profile.model_validate(
        profile(
            name,
            resource=resource,
            count=data.draw(st.integers(1, 3)) if resource else 0,
            cpu=4,
            cpu_guarantee=data.draw(st.sampled_from([0.5, 0.1, 2, 4, 0])),
            memory=data.draw(st.sampled_from(["4Gi", "16Gi"])),
            node_selector=data.draw(st.sampled_from([{}, {"pool": "a"}])),
            tolerations=data.draw(st.sampled_from([[], [TOLERATION]])),
        )
    )


def _pod_of(wanted: Profile, name: str) -> dict[str, Any]:
    guarantee = wanted.cpu_guarantee or wanted.cpu
    requests = {"cpu": f"{round(guarantee * ONE)}m", "memory": wanted.memory}
    if wanted.resource:
        requests[wanted.resource] = str(wanted.count)
    tolerations = [each.model_dump(exclude_none=True) for each in wanted.tolerations]
    return pod(
        name,
        requests=requests,
        nodeSelector=dict(wanted.node_selector),
        tolerations=tolerations,
    )


def _how_often(body: dict[str, Any], nodes: list[Any], running: dict[str, Any]) -> int:
    """How often the scheduler would place the same pod, one after the other."""
    used, times = scheduling.usage(running.values()), 0
    while placed := scheduling.place(body, nodes, used).node:
        scheduling.add(used, placed, body)
        times += 1
    return times


def test_a_demand_is_what_the_pod_asks_for() -> None:
    one = Profile.model_validate(
        profile("it", resource=GPU, count=2, cpu=8, cpu_guarantee=0.5, memory_guarantee="1Gi")
    )
    wanted = {"cpu": 500, "memory": 2**30 * ONE, "pods": ONE, GPU: 2 * ONE}
    assert demand_of(one).requests == wanted


def test_a_runtime_class_adds_its_overhead_and_its_place() -> None:
    kata = {
        "metadata": {"name": "kata"},
        "overhead": {"podFixed": {"memory": "2Gi", "cpu": "250m"}},
        "scheduling": {"nodeSelector": {"kata": "yes"}, "tolerations": [TOLERATION]},
    }
    common = Common(runtime_classes=classes_of((kata,)))
    one = Profile.model_validate(profile("it", cpu=4, memory="6Gi", runtime_class="kata"))
    nodes = [
        node("a", labels={"kata": "yes"}, taints=[TAINT], allocatable={"memory": "24Gi"}),
        node("b"),
    ]
    assert capacity_of(nodes, [], [one], common)["it"].fits == 3
    assert capacity_of(nodes, [], [one])["it"].fits == 4


@pytest.mark.parametrize("case", CONTRACT.values(), ids=CONTRACT)
def test_the_contract_holds_words_and_states_that_fit_its_figures(case: dict[str, Any]) -> None:
    for name, told in case["profiles"].items():
        count = int(name.rpartition("-")[2]) if name[-1].isdigit() else 1
        free = None
        if told["fits"] is not None:
            free = Free(
                told["free"] or 0,
                told["total"] or 0,
                told["largest_block"] or 0,
                waiting=told["waiting"],
                machines=told["machines"],
                fits=told["fits"],
                unit=told["unit"],
            )
        assert (told["text"], told["state"]) == (free_words(free, count), state_of(free))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_what_is_counted_again_is_as_if_all_were(data: st.DataObject) -> None:
    profiles = catalogue(
        profiles=[
            profile("cpu", cpu=2, memory="4Gi"),
            profile("gpu", resource=GPU, count=1, tolerations=[TOLERATION]),
            profile("pool", resource=GPU, count=2, node_selector={"pool": "a"}),
        ]
    ).profiles
    tally = Tally({each.id: demand_of(each) for each in profiles})
    nodes: dict[str, Any] = {}
    pods: dict[str, Any] = {}
    used: dict[str, dict[str, int]] = {}
    for step in range(data.draw(st.integers(1, 15))):
        name = data.draw(st.sampled_from(["n1", "n2", "n3"]))
        match data.draw(st.sampled_from(["node", "no node", "pod", "no pod"])):
            case "node":
                labels = {"pool": data.draw(st.sampled_from(["a", "b"]))}
                taints = data.draw(st.lists(st.just(TAINT), max_size=1))
                nodes[name] = node(name, allocatable=gpus(3), labels=labels, taints=taints)
                tally.take(name, machine_of(nodes[name]))
            case "no node":
                nodes.pop(name, None)
                tally.take(name, None)
            case "pod":
                place = data.draw(st.sampled_from(["", name]))
                pods[f"p{step}"] = pod(f"p{step}", on=place, requests=gpus(1))
            case _:
                pods.pop(data.draw(st.sampled_from(sorted(pods) or [""])), None)
        facts = [found for each in pods.values() if (found := facts_of(each)) is not None]
        used.clear()
        for each in facts:
            if each.node:
                add(used.setdefault(each.node, {}), each.requests)
        # A pod that went may have been anywhere.
        for changed in ("n1", "n2", "n3"):
            tally.use_changed(changed)
        if data.draw(st.booleans()):
            waiting = [each for each in facts if each.waiting]
            assert tally.count(used, waiting) == capacity_of(
                nodes.values(), pods.values(), profiles
            )


AMOUNTS = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from(["1", "500m", "2", "250m"]),
        "memory": st.sampled_from(["1Gi", "512Mi", "1G", "100000k"]),
        GPU: st.sampled_from(["1", "2", "4"]),
    },
)
CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"resources": st.fixed_dictionaries({}, optional={"requests": AMOUNTS, "limits": AMOUNTS})},
        optional={"restartPolicy": st.just("Always")},
    ),
    max_size=3,
)


@given(containers=CONTAINERS, init=CONTAINERS, overhead=AMOUNTS)
def test_a_pods_requests_are_the_schedulers(
    containers: list[Any], init: list[Any], overhead: dict[str, str]
) -> None:
    spec = {"containers": containers, "initContainers": init, "overhead": overhead}
    ours = requests_of({"spec": spec})
    theirs = {
        name: int(amount * ONE) for name, amount in scheduling.requests_of({"spec": spec}).items()
    }
    assert ours == theirs
