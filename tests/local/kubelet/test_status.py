"""The pod's phase and conditions, by the kubelet's rules."""

from __future__ import annotations

from typing import Any

import pytest
from studiolo_local.kubelet.status import ContainerRecord, conditions_of, phase_of, waiting

RUNNING: dict[str, Any] = {"running": {"startedAt": "t"}}
CREATING = waiting("ContainerCreating")
CRASHED = waiting("CrashLoopBackOff")


def ended(code: int) -> dict[str, Any]:
    return {"terminated": {"exitCode": code}}


def record(
    state: dict[str, Any], last: dict[str, Any] | None = None, **more: Any
) -> ContainerRecord:
    return ContainerRecord("main", "image:1", state=state, last_state=last or {}, **more)


@pytest.mark.parametrize(
    ("policy", "states", "phase"),
    [
        ("Always", [CREATING], "Pending"),
        ("Always", [RUNNING], "Running"),
        ("Always", [RUNNING, CREATING], "Pending"),
        ("Always", [ended(0)], "Running"),
        ("OnFailure", [ended(0)], "Succeeded"),
        ("OnFailure", [ended(1)], "Running"),
        ("OnFailure", [ended(0), RUNNING], "Running"),
        ("Never", [ended(1)], "Failed"),
        ("Never", [ended(0), ended(0)], "Succeeded"),
        ("Never", [ended(0), ended(1)], "Failed"),
        ("Never", [ended(1), RUNNING], "Running"),
    ],
)
def test_the_phase(policy: str, states: list[dict[str, Any]], phase: str) -> None:
    assert phase_of({"restartPolicy": policy}, [], [record(state) for state in states]) == phase


def test_a_crash_loop_runs() -> None:
    assert phase_of({"restartPolicy": "OnFailure"}, [], [record(CRASHED, ended(1))]) == "Running"


@pytest.mark.parametrize(
    ("policy", "first", "phase"),
    [
        ("Always", RUNNING, "Pending"),
        ("Always", ended(1), "Pending"),
        ("Never", ended(1), "Failed"),
        ("Never", ended(0), "Running"),
    ],
)
def test_init_containers_come_first(policy: str, first: dict[str, Any], phase: str) -> None:
    spec = {"restartPolicy": policy}
    assert phase_of(spec, [record(first)], [record(RUNNING)]) == phase


def conditions(
    phase: str,
    records: list[ContainerRecord],
    before: list[dict[str, Any]] | None = None,
    initial: list[ContainerRecord] | None = None,
) -> dict[str, dict[str, Any]]:
    found = conditions_of(phase, initial or [], records, before or [], sandbox=True, now="now")
    return {each["type"]: each for each in found}


def test_conditions_of_a_pod_that_is_not_ready() -> None:
    ready = conditions("Running", [record(RUNNING)])["Ready"]
    assert (ready["status"], ready["reason"]) == ("False", "ContainersNotReady")
    assert ready["message"] == "containers with unready status: [main]"


def test_times_stay_where_nothing_changes() -> None:
    before = [
        {"type": "Ready", "status": "False", "lastTransitionTime": "then"},
        {"type": "Initialized", "status": "True", "lastTransitionTime": "then"},
        {"type": "example.com/own", "status": "True", "lastTransitionTime": "then"},
    ]
    found = conditions("Running", [record(RUNNING, ready=True)], before)
    assert found["Ready"]["lastTransitionTime"] == "now"
    assert found["Initialized"]["lastTransitionTime"] == "then"
    assert found["example.com/own"]["lastTransitionTime"] == "then"


@pytest.mark.parametrize(
    ("phase", "reason"), [("Succeeded", "PodCompleted"), ("Failed", "PodFailed")]
)
def test_conditions_at_the_end(phase: str, reason: str) -> None:
    found = conditions(phase, [record(ended(0))])
    assert (found["Ready"]["status"], found["Ready"]["reason"]) == ("False", reason)
    assert found["Initialized"]["status"] == "True"


def test_what_is_not_initialised() -> None:
    found = conditions("Pending", [record(CREATING)], initial=[record(RUNNING)])["Initialized"]
    assert (found["status"], found["reason"]) == ("False", "ContainersNotInitialized")


def test_a_record_is_read_back_from_its_status() -> None:
    spec = {"name": "main", "image": "image:1"}
    first = record(RUNNING, ended(2), restarts=3, image_id="i", container_id="process://c")
    again = ContainerRecord.from_status(spec, first.status())
    assert again.status() == {**first.status()}
    assert ContainerRecord.from_status(spec, None).state == CREATING
