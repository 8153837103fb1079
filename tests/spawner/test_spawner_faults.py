"""The cluster's API busy, broken, slow and away: what a start, a stop and a poll make of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.spawner import SpawnException

from tests.fakes import pod_driver
from tests.fakes.faulty_proxy import answers, cut, late
from tests.fakes.pod_driver import Step
from tests.fakes.spawner_lab import SpawnerLab, spawner_lab, started

CATALOGUE = """
version: 1
defaults: {image: good, profile: cpu, start_deadline: 2s, spawn_timeout: 20s}
images: [{id: good, display_name: Good, reference: "unreachable.invalid/good:1"}]
profiles: [{id: cpu, display_name: CPU only, cpu: 1, memory: 1Gi}]
"""
POST_POD = "POST .*/pods"
SECRET = 'User "system:serviceaccount:studiolo:hub-7c9" cannot: canary <img src=x onerror=alert(1)>'


@pytest.fixture
async def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpawnerLab]:
    async with spawner_lab(tmp_path, CATALOGUE, monkeypatch) as lab:
        yield lab


def impatient(lab: SpawnerLab, **traits: Any) -> Any:
    return lab.make(k8s_api_request_timeout=1, k8s_api_request_retry_timeout=3, **traits)


def posts(lab: SpawnerLab) -> int:
    return sum(name.startswith("POST") and name.endswith("/pods") for name in lab.proxy.seen)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(answers(429, "slow down", **{"Retry-After": "1"}), id="too many requests"),
        pytest.param(answers(500, "etcd leader changed"), id="server error"),
        pytest.param(answers(503), id="unavailable"),
        pytest.param(cut, id="connection cut"),
    ],
)
async def test_passing_faults_are_outlived(lab: SpawnerLab, fault: Any) -> None:
    lab.proxy.spoil("POST .*/persistentvolumeclaims", fault)
    lab.proxy.spoil(POST_POD, fault, times=2)
    assert await started(lab.make())
    assert len(lab.kubelet.created) == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(answers(500, SECRET), "api_away", id="server error"),
        pytest.param(answers(429, SECRET), "api_busy", id="too many requests"),
        pytest.param(answers(403, SECRET), "not_permitted", id="forbidden"),
        pytest.param(answers(422, SECRET), "api_refused", id="invalid"),
        pytest.param(
            answers(403, "pods is forbidden: exceeded quota: gpus, requested: x=1, used: x=8"),
            "quota",
            id="quota",
        ),
    ],
)
async def test_lasting_faults_end_the_start_in_our_own_words(
    lab: SpawnerLab, fault: Any, reason: str
) -> None:
    lab.proxy.spoil(POST_POD, fault, times=1000)
    spawner = impatient(lab)
    with pytest.raises(SpawnException) as failed:
        await started(spawner)
    assert failed.value.reason == reason
    shown = f"{failed.value.message} {failed.value.message_html} {failed.value}"
    assert not any(word in shown for word in ("canary", "serviceaccount", "<img", "exceeded"))
    told = [event["message"] async for event in spawner.progress()]
    assert not any("canary" in line for line in told)
    assert await spawner.poll() == 1


async def test_late_answer_is_one_pod_and_not_two(lab: SpawnerLab) -> None:
    lab.proxy.spoil(POST_POD, late(3))
    spawner = impatient(lab)
    assert await started(spawner)
    assert posts(lab) == 2
    assert len(lab.kubelet.created) == 1
    assert not lab.kubelet.deleted
    assert spawner.pod_id == lab.kubelet.created[0]["metadata"]["uid"]


@pytest.mark.parametrize("seconds", [0.2, 2])
async def test_cancelled_while_the_create_is_in_flight(lab: SpawnerLab, seconds: float) -> None:
    """Shorter and longer than the request's own time limit."""
    lab.proxy.spoil(POST_POD, late(seconds))
    spawner = impatient(lab)
    start = asyncio.ensure_future(started(spawner))
    while not posts(lab):
        await asyncio.sleep(0.01)
    start.cancel()
    await asyncio.wait([start])
    await spawner.stop(now=True)
    assert await lab.names("pods") == set()
    assert len(lab.kubelet.created) == 1


async def test_never_answered_create_is_undone(lab: SpawnerLab) -> None:
    """The API server made the pod, and every answer was lost."""
    lab.proxy.spoil(POST_POD, late(60), times=1000)
    with pytest.raises(SpawnException, match="api_away"):
        await started(impatient(lab))
    assert await lab.names("pods") == set()


async def test_api_that_is_away_ends_a_start_and_the_next_one_works(lab: SpawnerLab) -> None:
    lab.proxy.away = True
    spawner = impatient(lab)
    with pytest.raises(SpawnException) as failed:
        await started(spawner)
    assert (failed.value.reason, failed.value.status_code) == ("api_away", 503)
    assert await spawner.poll() == 1
    lab.proxy.away = False
    assert await started(lab.make())


async def test_running_workspace_is_not_called_dead_while_the_api_is_away(lab: SpawnerLab) -> None:
    spawner = lab.make()
    await started(spawner)
    lab.proxy.away = True
    assert await spawner.poll() is None


async def test_stop_waits_for_the_api_and_then_deletes(lab: SpawnerLab) -> None:
    spawner = impatient(lab)
    await started(spawner)
    lab.proxy.away = True
    stop = asyncio.ensure_future(spawner.stop())
    await asyncio.sleep(4)
    assert not stop.done()
    lab.proxy.away = False
    await stop
    assert await lab.names("pods") == set()


async def test_pod_that_stays_is_told_of(lab: SpawnerLab) -> None:
    def held(_spawner: Any, pod: Any) -> Any:
        pod.metadata.finalizers = ["example.org/held"]
        return pod

    spawner = lab.make(pod_gone_timeout=1, delete_grace_period=1, modify_pod_hook=held)
    await started(spawner)
    with pytest.raises(SpawnException, match="pod_stays"):
        await spawner.stop()


async def test_readiness_is_seen_though_events_are_not(lab: SpawnerLab) -> None:
    lab.kubelet.script = lambda _pod: [Step(0.2, pod_driver.running(ready=True))]
    assert await started(lab.make(events_enabled=False))
    assert not any(name.endswith("/events") for name in lab.proxy.seen)


async def test_each_user_a_namespace_of_their_own(lab: SpawnerLab) -> None:
    namespaces: dict[str, Any] = {
        "enable_user_namespaces": True,
        "user_namespace_template": "ws-{username}",
    }
    await started(lab.make("ana", **namespaces))
    found = await lab.call("GET", "/api/v1/namespaces/ws-ana")
    assert found["metadata"]["annotations"]["hub.jupyter.org/username"] == "ana"
    theirs = {"metadata": {"name": "ws-ben", "annotations": {"hub.jupyter.org/username": "Ben"}}}
    await lab.call("POST", "/api/v1/namespaces", theirs)
    with pytest.raises(SpawnException, match="owned_by_another"):
        await started(lab.make("ben", **namespaces))
