"""Pods and events as kubelets and schedulers write them, and the cause that is read from them.

The texts stand as they are written, one to a line, so that they can be compared with a log.
"""

# ruff: noqa: E501, ISC004

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.podstatus import Cause, Kind, Step, cause_of, stage_of

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
DEADLINE = timedelta(seconds=90)
IMAGE = "registry.example/ml/pytorch:2.9"

Json = dict[str, Any]


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def scheduled(seconds: float = 20) -> Json:
    return {"type": "PodScheduled", "status": "True", "lastTransitionTime": ago(seconds)}


def pod(
    state: Json | None = None,
    *,
    last: Json | None = None,
    restarts: int = 0,
    ready: bool = False,
    phase: str = "Pending",
    conditions: list[Json] | None = None,
    **status: object,
) -> Json:
    statuses = []
    if state is not None:
        statuses.append(
            {
                "name": "notebook",
                "image": IMAGE,
                "ready": ready,
                "restartCount": restarts,
                "state": state,
                "lastState": last or {},
            }
        )
    return {
        "metadata": {"name": "jupyter-ada", "uid": "u-1", "creationTimestamp": ago(30)},
        "spec": {"nodeName": "gpu-1", "containers": [{"name": "notebook", "image": IMAGE}]},
        "status": {
            "phase": phase,
            "conditions": [scheduled()] if conditions is None else conditions,
            "containerStatuses": statuses,
            **status,
        },
    }


def waiting(reason: str, message: str = "") -> Json:
    return {"waiting": {"reason": reason, "message": message}}


def terminated(code: int, reason: str = "Error", message: str = "") -> Json:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


def event(reason: str, message: str = "", *, age: float = 5, kind: str = "Warning") -> Json:
    return {
        "type": kind,
        "reason": reason,
        "message": message,
        "lastTimestamp": ago(age),
        "eventTime": None,
        "involvedObject": {"kind": "Pod", "name": "jupyter-ada", "uid": "u-1"},
    }


def find(subject: Json, *events: Json, tries: int = 1) -> Cause | None:
    return cause_of(subject, events, now=NOW, start_deadline=DEADLINE, start_tries=tries)


def reason_of(subject: Json, *events: Json, tries: int = 1) -> str | None:
    found = find(subject, *events, tries=tries)
    return found.reason if found else None


# --- whose fault, for every state of the container ------------------------------------------------

NOT_FOUND = (
    'rpc error: code = NotFound desc = failed to pull and unpack image "registry.example/ml/pytorch:2.9": '
    'failed to resolve reference "registry.example/ml/pytorch:2.9": registry.example/ml/pytorch:2.9: not found'
)
NO_HOST = (
    'rpc error: code = Unknown desc = failed to pull and unpack image "registry.example/ml/pytorch:2.9": '
    'failed to resolve reference "registry.example/ml/pytorch:2.9": failed to do request: Head '
    '"https://registry.example/v2/ml/pytorch/manifests/2.9": dial tcp: lookup registry.example on '
    "10.96.0.10:53: no such host"
)
NO_PROGRAM = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create "
    'failed: unable to start container process: exec: "jupyterhub-singleuser": executable file not found '
    "in $PATH: unknown"
)
OLD_DRIVER = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create "
    "failed: unable to start container process: error during container init: error running hook #0: error "
    "running hook: exit status 1, stdout: , stderr: Auto-detected mode as 'legacy'\nnvidia-container-cli: "
    "requirement error: unsatisfied condition: cuda>=12.8, please update your driver to a newer version, or "
    "use an earlier cuda container: unknown"
)

WAITING = {
    "pulling for the first time": ("ContainerCreating", "", None, None),
    "init containers still run": ("PodInitializing", "", None, None),
    "tag missing": ("ErrImagePull", NOT_FOUND, Kind.IMAGE, "image_missing"),
    "tag missing, backing off (1.30 and later)": (
        "ImagePullBackOff",
        f'Back-off pulling image "{IMAGE}": ErrImagePull: {NOT_FOUND}',
        Kind.IMAGE,
        "image_missing",
    ),
    "registry away": ("ErrImagePull", NO_HOST, Kind.CLUSTER, "registry_away"),
    "backing off without a word": (
        "ImagePullBackOff",
        f'Back-off pulling image "{IMAGE}"',
        Kind.CLUSTER,
        "pull_failed",
    ),
    "reference that kubelet cannot read": (
        "InvalidImageName",
        'Failed to apply default image tag "registry.example/ML/x": couldn\'t parse image name '
        '"registry.example/ML/x": invalid reference format: repository name (ML/x) must be lowercase',
        Kind.IMAGE,
        "bad_reference",
    ),
    "never pulled by order": (
        "ErrImageNeverPull",
        f'Container image "{IMAGE}" is not present with pull policy of Never',
        Kind.CLUSTER,
        "pull_never",
    ),
    "unsigned (cri-o)": (
        "SignatureValidationFailed",
        "SignatureValidationFailed: Source image rejected: A signature was required, but no signature exists",
        Kind.IMAGE,
        "image_unsigned",
    ),
    "short name (cri-o)": (
        "ImageInspectError",
        'Failed to inspect image "pytorch:2.9": rpc error: code = Unknown desc = short-name "pytorch:2.9" did '
        "not resolve to an alias and no unqualified-search registries are defined in "
        '"/etc/containers/registries.conf"',
        Kind.IMAGE,
        "bad_reference",
    ),
    "single-user server missing": ("RunContainerError", NO_PROGRAM, Kind.IMAGE, "no_singleuser"),
    "driver too old": ("RunContainerError", OLD_DRIVER, Kind.IMAGE, "driver_too_old"),
    "runtime refuses to start it": (
        "RunContainerError",
        "failed to start container: something new",
        Kind.IMAGE,
        "cannot_start",
    ),
    "runs as root": (
        "CreateContainerConfigError",
        'container has runAsNonRoot and image will run as root (pod: "jupyter-ada_ml(u-1)", container: notebook)',
        Kind.IMAGE,
        "runs_as_root",
    ),
    "user with a name": (
        "CreateContainerConfigError",
        "container has runAsNonRoot and image has non-numeric user (jovyan), cannot verify user is non-root "
        '(pod: "jupyter-ada_ml(u-1)", container: notebook)',
        Kind.IMAGE,
        "runs_as_root",
    ),
    "secret missing": (
        "CreateContainerConfigError",
        'secret "wandb" not found',
        Kind.CLUSTER,
        "missing_config",
    ),
    "container name still taken": (
        "CreateContainerError",
        'failed to reserve container name "notebook_jupyter-ada_ml_u-1_0": name "notebook_jupyter-ada_ml_u-1_0" '
        'is reserved for "0c1d"',
        Kind.CLUSTER,
        "node_fault",
    ),
    "runtime too slow": (
        "CreateContainerError",
        "context deadline exceeded",
        Kind.CLUSTER,
        "node_fault",
    ),
    "no command at all": (
        "CreateContainerError",
        'failed to generate container "0c1d" spec: failed to generate spec: no command specified',
        Kind.IMAGE,
        "command_missing",
    ),
    "a runtime's new complaint": (
        "CreateContainerError",
        "something nobody has seen",
        Kind.CLUSTER,
        "node_fault",
    ),
}


@pytest.mark.parametrize(("reason", "message", "kind", "expected"), WAITING.values(), ids=WAITING)
def test_waiting_container(
    reason: str, message: str, kind: Kind | None, expected: str | None
) -> None:
    found = find(pod(waiting(reason, message)))
    assert (found.kind if found else None, found.reason if found else None) == (kind, expected)


@pytest.mark.parametrize("start", [NO_PROGRAM, OLD_DRIVER])
def test_start_error_is_final_at_once(start: str) -> None:
    found = find(pod(terminated(128, "StartError", start)))
    assert found is not None
    assert found.kind is Kind.IMAGE
    assert found.terminal


def test_trouble_on_the_machine_ends_the_wait_only_after_a_while() -> None:
    early = find(pod(waiting("ErrImagePull", NO_HOST), conditions=[scheduled(20)]))
    late = find(pod(waiting("ImagePullBackOff", NO_HOST), conditions=[scheduled(121)]))
    assert early is not None
    assert late is not None
    assert (early.kind, early.terminal) == (Kind.CLUSTER, False)
    assert (late.kind, late.terminal) == (Kind.CLUSTER, True)


def test_long_pull_does_not_use_up_the_patience() -> None:
    slow = pod(
        waiting("CreateContainerError", "context deadline exceeded"), conditions=[scheduled(1800)]
    )
    pulled = event("Pulled", age=10, kind="Normal")
    early = event("Failed", f"Failed to pull image: {NO_HOST}", age=1700)
    for age, terminal in ((3, False), (130, True)):
        failed = event("Failed", "Error: context deadline exceeded", age=1)
        failed["firstTimestamp"] = ago(age)
        pulled["lastTimestamp"] = ago(age + 5)
        found = find(slow, failed, pulled, early)
        assert found is not None
        assert (found.kind, found.terminal) == (Kind.CLUSTER, terminal)


def test_old_kubelets_put_the_text_into_an_event() -> None:
    backing_off = pod(waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"'))
    told = event("Failed", f'Failed to pull image "{IMAGE}": {NOT_FOUND}')
    again = event("Failed", "Error: ImagePullBackOff", age=2)
    assert reason_of(backing_off, told, again) == "image_missing"


def test_events_of_the_pod_before_do_not_count() -> None:
    backing_off = pod(waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"'))
    told = event("Failed", f'Failed to pull image "{IMAGE}": {NOT_FOUND}')
    told["involvedObject"]["uid"] = "u-0"
    assert reason_of(backing_off, told) == "pull_failed"


# --- crashes --------------------------------------------------------------------------------------

EXITS = {
    "clean": (0, "Completed", "stopped_itself"),
    "error": (1, "Error", "crashed"),
    "bad arguments": (2, "Error", "crashed"),
    "not executable": (126, "Error", "command_denied"),
    "not there": (127, "Error", "command_missing"),
    "illegal instruction": (132, "Error", "crashed"),
    "killed": (137, "Error", "crashed"),
    "out of memory": (137, "OOMKilled", "out_of_memory"),
    "segmentation fault": (139, "Error", "crashed"),
    "told to stop": (143, "Error", "crashed"),
}


@pytest.mark.parametrize(("code", "reason", "expected"), EXITS.values(), ids=EXITS)
@pytest.mark.parametrize("resting", ["terminated", "backing off"])
def test_exit(code: int, reason: str, expected: str, resting: str) -> None:
    end = terminated(code, reason)
    if resting == "terminated":
        subject = pod(end, phase="Running")
    else:
        crash = waiting(
            "CrashLoopBackOff", "back-off 10s restarting failed container=notebook pod=x"
        )
        subject = pod(crash, last=end, restarts=1, phase="Running")
    found = find(subject)
    assert found is not None
    assert (found.kind, found.reason, found.terminal) == (Kind.IMAGE, expected, True)
    if expected == "crashed":
        assert f"exit code {code}" in found.message


@pytest.mark.parametrize(
    ("state", "restarts", "tries", "terminal"),
    [
        pytest.param("terminated", 0, 1, True, id="first run failed, one allowed"),
        pytest.param("terminated", 0, 2, False, id="first run failed, two allowed"),
        pytest.param("running", 1, 2, False, id="second run goes on"),
        pytest.param("terminated", 1, 2, True, id="second run failed"),
        pytest.param("running", 1, 1, True, id="restarted though one was allowed"),
        pytest.param("waiting", 2, 3, True, id="third run failed, backing off"),
    ],
)
def test_flapping_container_has_as_many_tries_as_the_catalogue_says(
    state: str, restarts: int, tries: int, terminal: bool
) -> None:
    states: dict[str, Json] = {
        "terminated": terminated(1),
        "running": {"running": {"startedAt": ago(3)}},
        "waiting": waiting("CrashLoopBackOff"),
    }
    found = find(
        pod(states[state], last=terminated(1), restarts=restarts, phase="Running"), tries=tries
    )
    assert found is not None
    assert (found.kind, found.terminal) == (Kind.IMAGE, terminal)


def test_lost_container_is_the_machines_fault() -> None:
    lost = terminated(
        137,
        "ContainerStatusUnknown",
        "The container could not be located when the pod was deleted.  The container used to be Running",
    )
    assert reason_of(pod(waiting("ContainerCreating"), last=lost, restarts=1)) == "node_lost"


# --- runs but never answers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "expected"),
    [pytest.param(89, None, id="still in time"), pytest.param(91, "never_ready", id="too late")],
)
def test_never_ready(age: float, expected: str | None) -> None:
    running = pod(
        {"running": {"startedAt": ago(age)}}, phase="Running", conditions=[scheduled(600)]
    )
    assert reason_of(running) == expected


def test_long_pull_is_no_silence() -> None:
    running = pod({"running": {"startedAt": ago(5)}}, phase="Running", conditions=[scheduled(1800)])
    assert find(running) is None


def test_silence_of_a_lost_node_is_not_the_images() -> None:
    running = pod({"running": {"startedAt": ago(300)}}, phase="Running")
    found = find(running, event("NodeNotReady", "Node is not ready", age=200))
    assert found is not None
    assert (found.kind, found.reason) == (Kind.CLUSTER, "node_lost")


def test_ready_pod_has_no_cause() -> None:
    ready = pod({"running": {"startedAt": ago(300)}}, ready=True, phase="Running", restarts=3)
    assert find(ready, event("FailedMount", "old")) is None
    assert stage_of(ready, ()).step is Step.READY


# --- ended by the cluster -------------------------------------------------------------------------

ENDED = {
    "low on memory": ("Evicted", "The node was low on resource: memory. Threshold quantity: 100Mi, "
                      "available: 40Mi. Container notebook was using 30Gi, request is 8Gi.", "evicted"),
    "disk limit": ("Evicted", "Pod ephemeral local storage usage exceeds the total limit of containers 10Gi.", "evicted"),
    "preempted by a critical pod": ("Preempting", "Preempted in order to admit critical pod", "preempted"),
    "no healthy device": (
        "UnexpectedAdmissionError",
        "Pod was rejected: Allocate failed due to no healthy devices present; cannot allocate unhealthy devices "
        "nvidia.com/gpu, which is unexpected",
        "gpu_unavailable",
    ),
    "device counted twice": (
        "UnexpectedAdmissionError",
        "Pod was rejected: Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. "
        "Requested: 1, Available: 0, which is unexpected",
        "gpu_unavailable",
    ),
    "out of GPUs": (
        "OutOfnvidia.com/gpu",
        "Pod was rejected: Node didn't have enough resource: nvidia.com/gpu, requested: 1, used: 1, capacity: 1",
        "gpu_unavailable",
    ),
    "out of cpu": (
        "OutOfcpu",
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 4000, used: 7000, capacity: 8000",
        "rejected_by_node",
    ),
    "labels changed": ("NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed", "rejected_by_node"),
    "node shuts down": ("Terminated", "Pod was terminated in response to imminent node shutdown.", "node_shutdown"),
    "node already shuts down": ("NodeShutdown", "Pod was rejected as the node is shutting down.", "node_shutdown"),
}  # fmt: skip


@pytest.mark.parametrize(("reason", "message", "expected"), ENDED.values(), ids=ENDED)
@pytest.mark.parametrize("state", [None, terminated(137)], ids=["no container", "killed container"])
def test_pod_ended_by_the_cluster(
    reason: str, message: str, expected: str, state: Json | None
) -> None:
    found = find(pod(state, phase="Failed", reason=reason, message=message))
    assert found is not None
    assert (found.kind, found.reason, found.terminal) == (Kind.CLUSTER, expected, True)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("PreemptionByScheduler", "preempted"),
        ("DeletionByTaintManager", "node_lost"),
        ("EvictionByEvictionAPI", "pod_removed"),
        ("TerminationByKubelet", "evicted"),
    ],
)
def test_disruption(reason: str, expected: str) -> None:
    disrupted = {"type": "DisruptionTarget", "status": "True", "reason": reason}
    assert reason_of(pod(terminated(143), conditions=[scheduled(), disrupted])) == expected


def test_removed_pod_is_not_the_images_fault() -> None:
    removed = pod(terminated(137))
    removed["metadata"]["deletionTimestamp"] = ago(1)
    found = find(removed)
    assert found is not None
    assert (found.kind, found.reason) == (Kind.CLUSTER, "pod_removed")


# --- no place, volumes, network -------------------------------------------------------------------


def unscheduled(message: str, reason: str = "Unschedulable") -> Json:
    condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    subject = pod(conditions=[condition])
    del subject["spec"]["nodeName"]
    return subject


FULL = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."


def test_unschedulable_waits_and_is_never_the_images() -> None:
    found = find(unscheduled(FULL))
    assert found is not None
    assert (found.kind, found.reason, found.terminal) == (Kind.CLUSTER, "no_free_gpu", False)


def test_queue_holds_the_pod_back() -> None:
    gated = unscheduled(
        "Scheduling is blocked due to non-empty scheduling gates", "SchedulingGated"
    )
    assert reason_of(gated) == "held_back"


def test_growing_cluster_is_said() -> None:
    up = event(
        "TriggeredScaleUp", "pod triggered scale-up: [{gpu-pool 1->2 (max: 4)}]", kind="Normal"
    )
    found = find(unscheduled(FULL), up)
    assert found is not None
    assert (found.kind, found.reason) == (Kind.STARTING, "scaling_up")


def test_cluster_that_cannot_grow_is_full() -> None:
    up = event("TriggeredScaleUp", "", age=90, kind="Normal")
    down = event(
        "NotTriggerScaleUp",
        "pod didn't trigger scale-up: 1 max node group size reached",
        kind="Normal",
    )
    assert reason_of(unscheduled(FULL), down, up) == "no_free_gpu"


EVENTS = {
    "multi-attach": (
        "FailedAttachVolume",
        'Multi-Attach error for volume "pvc-1" Volume is already exclusively attached to one node and can\'t be '
        "attached to another",
        "volume_busy",
    ),
    "multi-attach by a pod": (
        "FailedAttachVolume",
        'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) jupyter-ada',
        "volume_busy",
    ),
    "mount timed out": (
        "FailedMount",
        "Unable to attach or mount volumes: unmounted volumes=[home], unattached volumes=[home]: timed out waiting "
        "for the condition",
        "volume_failed",
    ),
    "secret volume": (
        "FailedMount",
        'MountVolume.SetUp failed for volume "token" : secret "hub-token" not found',
        "missing_config",
    ),
    "cold cache": (
        "FailedMount",
        'MountVolume.SetUp failed for volume "kube-api-access" : failed to sync configmap cache: timed out waiting '
        "for the condition",
        None,
    ),
    "network plugin": (
        "FailedCreatePodSandBox",
        "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "
        '"f0": plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: '
        "Unauthorized",
        "sandbox_failed",
    ),
    "runtime class": (
        "FailedCreatePodSandBox",
        "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime "
        'for "nvidia" is configured',
        "runtime_missing",
    ),
    "pause image": (
        "FailedCreatePodSandBox",
        "Failed to create pod sandbox: rpc error: code = NotFound desc = failed to get sandbox image "
        '"registry.k8s.io/pause:3.9": failed to pull image "registry.k8s.io/pause:3.9": not found',
        "node_fault",
    ),
}


@pytest.mark.parametrize(("reason", "message", "expected"), EVENTS.values(), ids=EVENTS)
def test_events_before_the_container(reason: str, message: str, expected: str | None) -> None:
    found = find(pod(waiting("ContainerCreating")), event(reason, message))
    assert (found.reason if found else None) == expected
    assert found is None or (found.kind is Kind.CLUSTER and not found.terminal)


def test_volume_trouble_that_is_over_is_not_told() -> None:
    trouble = event("FailedMount", "Unable to attach or mount volumes: timed out", age=60)
    over = event("Pulling", f'Pulling image "{IMAGE}"', age=5, kind="Normal")
    assert find(pod(waiting("ContainerCreating")), over, trouble) is None


# --- other containers of the pod ------------------------------------------------------------------


def test_helper_container_is_not_the_image() -> None:
    subject = pod({"running": {"startedAt": ago(5)}}, ready=True, phase="Running")
    subject["status"]["containerStatuses"].append(
        {
            "name": "proxy",
            "image": "registry.example/proxy:1",
            "ready": False,
            "restartCount": 0,
            "state": waiting("ErrImagePull", NOT_FOUND),
        }
    )
    found = find(subject)
    assert found is not None
    assert (found.kind, found.reason, found.terminal) == (Kind.CLUSTER, "helper_failed", False)
    subject["status"]["conditions"] = [scheduled(200)]
    later = find(subject)
    assert later is not None
    assert (later.kind, later.terminal) == (Kind.CLUSTER, True)


def test_init_container_of_the_same_image_speaks_for_it() -> None:
    subject = pod(waiting("PodInitializing"))
    subject["spec"]["initContainers"] = [{"name": "prepare", "image": IMAGE}]
    subject["status"]["initContainerStatuses"] = [
        {"name": "prepare", "image": "", "state": waiting("ErrImagePull", NOT_FOUND)}
    ]
    assert reason_of(subject) == "image_missing"


def test_finished_init_container_is_no_trouble() -> None:
    subject = pod(waiting("PodInitializing"))
    subject["spec"]["initContainers"] = [{"name": "prepare", "image": IMAGE}]
    subject["status"]["initContainerStatuses"] = [
        {"name": "prepare", "restartCount": 0, "state": terminated(0, "Completed")}
    ]
    assert find(subject) is None


# --- stages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "events", "step"),
    [
        pytest.param(unscheduled(FULL), [], Step.WAITING, id="no machine yet"),
        pytest.param(pod(), [], Step.SCHEDULED, id="scheduled"),
        pytest.param(
            pod(waiting("ContainerCreating")),
            [event("Pulling", kind="Normal")],
            Step.PULLING,
            id="pulling",
        ),
        pytest.param(
            pod(waiting("ImagePullBackOff")), [], Step.PULLING, id="backing off, events are gone"
        ),
        pytest.param(
            pod(waiting("ContainerCreating")),
            [event("Pulled", age=1, kind="Normal"), event("Pulling", age=9, kind="Normal")],
            Step.STARTING,
            id="pulled",
        ),
        pytest.param(
            pod(waiting("CrashLoopBackOff"), last=terminated(1), restarts=1),
            [],
            Step.STARTING,
            id="between two runs",
        ),
        pytest.param(
            pod({"running": {"startedAt": ago(3)}}, phase="Running"),
            [],
            Step.ANSWERING,
            id="answers?",
        ),
    ],
)
def test_stage(subject: Json, events: list[Json], step: Step) -> None:
    assert stage_of(subject, events).step is step


def test_stage_knows_since_when() -> None:
    stage = stage_of(pod(waiting("ContainerCreating")), [event("Pulling", age=40, kind="Normal")])
    assert stage.since == NOW - timedelta(seconds=40)


# --- whatever comes -------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "metadata",
                    "spec",
                    "status",
                    "conditions",
                    "containerStatuses",
                    "state",
                    "waiting",
                    "terminated",
                    "running",
                    "reason",
                    "message",
                    "type",
                    "name",
                    "exitCode",
                    "restartCount",
                    "phase",
                    "lastState",
                    "startedAt",
                    "uid",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(
    subject=st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), anything),
    events=st.lists(
        st.dictionaries(st.sampled_from(["type", "reason", "message"]), anything), max_size=3
    ),
)
def test_no_pod_makes_it_fail(subject: Json, events: list[Json]) -> None:
    found = find(subject, *events)
    assert found is None or found.message
    assert stage_of(subject, events).step in Step


@given(st.text())
def test_nothing_of_a_text_from_outside_is_shown(text: str) -> None:
    canary = f"canary-7391{text}<img onerror>"
    subjects = [pod(waiting(reason, canary)) for reason in ("ErrImagePull", "RunContainerError")]
    subjects += [pod(terminated(1, message=canary)), unscheduled(canary)]
    subjects.append(pod(phase="Failed", reason="Evicted", message=canary))
    for subject in subjects:
        found = find(subject)
        assert found is not None
        assert "canary-7391" not in found.message + found.hint
