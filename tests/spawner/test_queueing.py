"""Waiting in a queue of Kueue, in words and on the embedded API (Kueue itself is simulated)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.spawner import SpawnException
from studiolo_spawner.catalogue import Profile
from studiolo_spawner.causes import cause
from studiolo_spawner.pod_view import Json
from studiolo_spawner.queue_reader import AGAIN_SECONDS, FRESH_SECONDS, QueueReader
from studiolo_spawner.queueing import (
    QUEUE_LABEL,
    Line,
    QueueState,
    explained,
    queue_of,
    state_of_queue,
    workload_of,
)

from tests.fakes import pod_driver
from tests.fakes.kueue import FakeKueue
from tests.fakes.pod_driver import PodDriver, Step
from tests.fakes.spawner_lab import TOKEN, SpawnerLab, spawner_lab
from tests.spawner.catalogues import catalogue, profile

GPU = "nvidia.com/gpu"
PREFIX = "couldn't assign flavors to pod set main: "


@pytest.mark.parametrize(
    ("own", "default", "queue"),
    [
        pytest.param(None, None, None, id="none"),
        pytest.param(None, "all", "all", id="default"),
        pytest.param("research", "all", "research", id="own"),
        pytest.param("none", "all", None, id="out of it"),
    ],
)
def test_which_queue(own: str | None, default: str | None, queue: str | None) -> None:
    offered = catalogue(profiles=[profile("it", queue=own)], defaults={"queue": default})
    assert queue_of(offered.profiles[0], offered.defaults) == queue


def workload(message: str = "", reason: str = "Pending", **conditions: str) -> Json:
    told = [{"type": "QuotaReserved", "status": "False", "reason": reason, "message": message}]
    told += [{"type": kind, "status": status} for kind, status in conditions.items()]
    if "QuotaReserved" in conditions:
        del told[0]
    return {"metadata": {"name": "pod-x"}, "status": {"conditions": told}}


@pytest.mark.parametrize(
    ("found", "words", "hopeless"),
    [
        pytest.param(
            workload(
                f"{PREFIX}insufficient unused quota for nvidia.com/gpu in flavor a100, 2 more "
                "needed"
            ),
            "The queue's quota for GPUs is in use; 2 GPUs more must come free.",
            False,
            id="used up",
        ),
        pytest.param(
            workload(f"{PREFIX}insufficient quota for cpu in flavor f, 500m more needed"),
            "The queue's quota for processors is in use.",
            False,
            id="processors",
        ),
        pytest.param(
            workload(
                f"{PREFIX}insufficient quota for nvidia.com/gpu in flavor a100, request > maximum "
                "capacity (8 > 4)"
            ),
            "The queue's quota for GPUs is too small for it.",
            True,
            id="too large",
        ),
        pytest.param(
            workload(f"{PREFIX}resource nvidia.com/gpu unavailable in ClusterQueue"),
            "The queue has no quota for GPUs.",
            True,
            id="no quota",
        ),
        pytest.param(
            workload("LocalQueue research doesn't exist", "Inadmissible"),
            "There is no queue research, or nothing behind it.",
            True,
            id="no queue",
        ),
        pytest.param(
            workload("ClusterQueue big is inactive", "Inadmissible"),
            "The queue takes nothing at the moment.",
            False,
            id="stopped",
        ),
        pytest.param(
            workload(QuotaReserved="True"),
            "Its quota is reserved; the cluster makes the last checks.",
            False,
            id="reserved",
        ),
        pytest.param(
            workload(Evicted="True"),
            "Something more important took its place; it waits again.",
            False,
            id="evicted",
        ),
        pytest.param(workload("<b>secret</b> of others"), "", False, id="unknown text"),
    ],
)
def test_why_it_waits_in_our_words(found: Json, words: str, hopeless: bool) -> None:
    state = state_of_queue("research", found, ())
    assert (state.reason, state.hopeless) == (words, hopeless)


def test_the_place_in_line() -> None:
    pending = [
        {"metadata": {"name": "a"}, "positionInLocalQueue": 0},
        {"metadata": {"name": "pod-x"}, "positionInLocalQueue": 2},
        {"metadata": {"name": "b"}, "positionInLocalQueue": 1},
    ]
    assert state_of_queue("q", workload(), pending).line == Line(3, 3)
    assert state_of_queue("q", workload(), pending[:1]).line is None
    assert state_of_queue("q", None, pending) == QueueState("q")


@pytest.mark.parametrize(
    ("state", "resource", "count", "words"),
    [
        pytest.param(
            QueueState("research", "Why.", Line(3, 7)),
            GPU,
            1,
            "Waiting in line for 1 GPU: number 3 of 7 in the queue research. Why.",
            id="all is known",
        ),
        pytest.param(
            QueueState("research"),
            GPU,
            4,
            "Waiting in line for 4 GPUs in the queue research.",
            id="nothing is known",
        ),
        pytest.param(
            QueueState("research"),
            None,
            0,
            "Waiting in line for its turn in the queue research.",
            id="no device",
        ),
    ],
)
def test_told_in_one_sentence(
    state: QueueState, resource: str | None, count: int, words: str
) -> None:
    told = explained(cause("held_back"), state, resource, count)
    assert (told.message, told.terminal) == (words, False)


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"labels": {"kueue.x-k8s.io/job-uid": "u"}}, id="label"),
        pytest.param({"ownerReferences": [{"kind": "Pod", "uid": "u"}]}, id="owner"),
    ],
)
def test_a_pods_workload(metadata: dict[str, Any]) -> None:
    found = {"metadata": metadata}
    assert workload_of("u", [{"metadata": {}}, found]) is found
    assert workload_of("other", [found]) is None


# -- asking ----------------------------------------------------------------------------------------


class Asked:
    """An API that counts what it is asked."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.paths: list[str] = []
        self.now = 0.0

    async def get(self, path: str, _query: list[tuple[str, str]]) -> tuple[int, Json]:
        self.paths.append(path)
        return self.status, {"items": [], "preferredVersion": {"version": "v1beta2"}}


async def test_many_who_wait_ask_once(caplog: pytest.LogCaptureFixture) -> None:
    api = Asked()
    reader = QueueReader(api.get, logging.getLogger(), lambda: api.now)
    for number in range(50):
        reader.state_of("ns", "research", f"u{number}")
    await reader.settled()
    lists = [path.removeprefix("/apis/") for path in api.paths if "/namespaces/" in path]
    assert lists == [
        "kueue.x-k8s.io/v1beta2/namespaces/ns/workloads",
        "visibility.kueue.x-k8s.io/v1beta2/namespaces/ns/localqueues/research/pendingworkloads",
    ]
    api.now += FRESH_SECONDS + 1
    reader.state_of("ns", "research", "u")
    await reader.settled()
    assert len(api.paths) == 6
    assert not caplog.records


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param(403, "resources: [workloads], verbs: [get, list]", id="forbidden"),
        pytest.param(404, "does not serve kueue.x-k8s.io", id="not there"),
    ],
)
async def test_what_may_not_be_read_is_said_once(
    caplog: pytest.LogCaptureFixture, status: int, words: str
) -> None:
    api = Asked(status)
    reader = QueueReader(api.get, logging.getLogger(), lambda: api.now)
    for _ in range(3):
        assert reader.state_of("ns", "q", "u") == QueueState("q")
        await reader.settled()
        api.now += AGAIN_SECONDS + 1
    told = [record.getMessage() for record in caplog.records]
    assert len([each for each in told if words in each]) == 1
    assert len(told) == 2


# -- starting --------------------------------------------------------------------------------------

CATALOGUE = """
version: 1
defaults: {image: good, profile: gpu, start_deadline: 1s, spawn_timeout: 2s, queue_timeout: 1m}
images:
- {id: good, display_name: Good, reference: "unreachable.invalid/good:1", fallback: [second]}
- {id: second, display_name: Second, reference: "unreachable.invalid/second:1"}
profiles:
- id: gpu
  display_name: One GPU
  resource: nvidia.com/gpu
  count: 1
  cpu: 1
  memory: 1Gi
  queue: research
"""


class Queue:
    """A lab whose cluster has Kueue; a pod runs once its gate is gone."""

    def __init__(self, lab: SpawnerLab) -> None:
        self.lab = lab
        self.kueue = FakeKueue(lab.proxy, TOKEN)
        self.spawner = lab.make("ana")
        self.told: list[str] = []

    async def start(self) -> asyncio.Task[str]:
        """Begin to start, and wait until the pod is held back."""
        spawner = self.spawner
        await spawner._run_apply_user_options(spawner.user_options)
        start: asyncio.Task[str] = asyncio.ensure_future(spawner.start())
        self.listening = asyncio.create_task(self._listen())
        async with asyncio.timeout(20):
            while not self.kueue.workloads:
                await asyncio.sleep(0.02)
        return start

    async def _listen(self) -> None:
        async for message in self.spawner.progress():
            self.told.append(str(message["message"]))

    async def until_told(self, words: str) -> None:
        async with asyncio.timeout(20):
            while not any(words in each for each in self.told):
                await asyncio.sleep(0.02)


@pytest.fixture
async def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Queue]:
    monkeypatch.setattr("studiolo_spawner.readiness.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("studiolo_spawner.queue_reader.FRESH_SECONDS", 0.1)
    async with spawner_lab(tmp_path, CATALOGUE, monkeypatch) as lab:
        lab.kubelet.script = lambda _pod: [Step(0, gated())]
        yield Queue(lab)


def gated() -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}
    return {"phase": "Pending", "conditions": [condition]}


async def admitted(queue: Queue, kubelet: PodDriver) -> None:
    """Kueue lets the pod go, and it runs."""
    (pod,) = kubelet.created
    await queue.kueue.admit(pod["metadata"]["name"])
    await kubelet.set_status(pod, pod_driver.running(ready=True))


async def test_the_line_is_told_and_its_time_is_not_the_starts(queue: Queue) -> None:
    queue.kueue.others_before = 2
    start = await queue.start()
    await queue.until_told("Waiting in line for 1 GPU: number 3 of 3 in the queue research.")
    await queue.until_told("The queue's quota for GPUs is in use; 1 GPU more must come free.")
    queue.kueue.others_before = 0
    await queue.until_told("number 1 of 1")
    # Longer than spawn_timeout and start_deadline together.
    await asyncio.sleep(3.2)
    assert not start.done()
    (pod,) = queue.lab.kubelet.created
    assert pod["metadata"]["labels"][QUEUE_LABEL] == "research"
    await admitted(queue, queue.lab.kubelet)
    assert (await start).startswith("http://")
    assert queue.spawner.workspace_state.actual.id == "good"
    await queue.listening


async def test_a_wait_that_lasts_too_long_ends_with_its_words_and_no_other_image(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studiolo_spawner.wait_words.is_over", lambda _pod, _limit: True)
    start = await queue.start()
    with pytest.raises(SpawnException) as ended:
        await start
    assert "waited in a queue for 1 minute" in str(ended.value)
    assert len(queue.lab.kubelet.created) == 1
    assert await queue.lab.names("pods") == set()
    await queue.listening


async def test_without_the_right_to_ask_the_wait_goes_on_without_a_place(queue: Queue) -> None:
    queue.kueue.status = 403
    start = await queue.start()
    await queue.until_told("Waiting in line for 1 GPU in the queue research.")
    await admitted(queue, queue.lab.kubelet)
    await start
    await queue.listening


async def test_cancelled_while_it_waits_it_leaves_nothing(queue: Queue) -> None:
    start = await queue.start()
    await queue.until_told("Waiting in line")
    await queue.spawner.stop()
    assert start.cancelled() or start.exception() is not None
    assert await queue.lab.names("pods") == set()
    await queue.listening


def test_the_hub_gives_a_queue_its_time() -> None:
    offered = catalogue(profiles=[profile("it", queue="q")], defaults={"queue_timeout": "3h"})
    one: Profile = offered.profiles[0]
    assert queue_of(one, offered.defaults) == "q"
    assert offered.defaults.queue_timeout.total_seconds() == 3 * 3600
