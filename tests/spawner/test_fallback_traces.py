"""What one attempt leaves to the next and to the cluster: nothing; and when the attempts end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.spawner import SpawnException

from tests.fakes import pod_driver
from tests.fakes.pod_driver import Json, Step
from tests.fakes.spawner_lab import SpawnerLab, spawner_lab, started

CATALOGUE = """
version: 1
defaults:
  image: bad
  profile: cpu
  start_deadline: 2s
  spawn_timeout: 20s
  fallback: {max_attempts: 3}
images:
- id: bad
  display_name: Bad
  reference: "unreachable.invalid/bad:1"
  environment: {ONLY_BAD: "1", BOTH: bad}
  pull_secret: for-bad
  fallback: [second]
- id: second
  display_name: Second
  reference: "unreachable.invalid/second:1"
  environment: {BOTH: second}
- {id: third, display_name: Third, reference: "unreachable.invalid/third:1"}
- {id: fourth, display_name: Fourth, reference: "unreachable.invalid/fourth:1"}
profiles: [{id: cpu, display_name: CPU only, cpu: 1, memory: 1Gi}]
"""
MISSING = [Step(0, pod_driver.waiting("ErrImagePull", "manifest unknown"))]


@pytest.fixture
async def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpawnerLab]:
    async with spawner_lab(tmp_path, CATALOGUE, monkeypatch) as lab:
        yield lab


def bad(*images: str) -> Any:
    def script(pod: Json) -> list[Step]:
        broken = pod["metadata"]["labels"]["studiolo.dev/image"] in images
        return MISSING if broken else [Step(0, pod_driver.running(ready=True))]

    return script


def environment_of(pod: Json) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in pod["spec"]["containers"][0]["env"]}


async def test_nothing_of_an_attempt_is_in_the_next_ones_pod(lab: SpawnerLab) -> None:
    lab.kubelet.script = bad("bad")
    spawner = lab.make(environment={"OWN": "1"}, node_selector={"zone": "a"})
    before = spawner.trait_values()
    await started(spawner)
    first, second = lab.kubelet.created
    assert environment_of(first)["ONLY_BAD"] == "1"
    assert first["spec"]["imagePullSecrets"] == [{"name": "for-bad"}]
    mine = environment_of(second)
    assert ("ONLY_BAD" in mine, mine["BOTH"], mine["OWN"]) == (False, "second", "1")
    assert "imagePullSecrets" not in second["spec"]
    assert second["spec"]["nodeSelector"] == {"zone": "a"}
    after = spawner.trait_values()
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"pod_id", "start_timeout", "server", "pod_reflector", "event_reflector"}


async def test_only_the_last_attempt_has_a_service_and_a_secret(lab: SpawnerLab) -> None:
    lab.kubelet.script = bad("bad", "second")
    await started(lab.make(services_enabled=True))
    found = await lab.call("GET", "/api/v1/namespaces/studiolo/services")
    (service,) = found["items"]
    (owner,) = service["metadata"]["ownerReferences"]
    assert owner["uid"] == lab.kubelet.created[-1]["metadata"]["uid"]
    assert len(lab.kubelet.created) == 3


async def test_when_nothing_is_left_nothing_is_left_behind(lab: SpawnerLab) -> None:
    lab.kubelet.script = bad("bad", "second", "third", "fourth")
    spawner = lab.make(services_enabled=True)
    with pytest.raises(SpawnException, match="no_image_left") as failed:
        await started(spawner)
    assert len(lab.kubelet.created) == 3, "as many as the catalogue allows"
    for kind in ("pods", "services", "secrets"):
        assert await lab.names(kind) == set()
    # The files stay, whatever became of the images.
    assert await lab.names("persistentvolumeclaims") == {"home-ana"}
    state = spawner.workspace_state
    assert state.failure is not None
    assert (state.phase, state.failure.message) == ("ending", failed.value.message)


async def test_the_whole_is_bounded_in_time_and_not_only_each_attempt(
    lab: SpawnerLab, tmp_path: Path
) -> None:
    (tmp_path / "catalogue.yaml").write_text(
        CATALOGUE.replace("spawn_timeout: 20s", "spawn_timeout: 3s")
    )
    lab.kubelet.script = lambda _pod: [Step(0, pod_driver.running(ready=False))]
    with pytest.raises(SpawnException) as failed:
        await started(lab.make())
    assert failed.value.reason == "spawn_timeout"
    assert len(lab.kubelet.created) == 2
    assert await lab.names("pods") == set()


async def test_why_a_start_failed_is_known_until_the_next_one(lab: SpawnerLab) -> None:
    lab.kubelet.script = bad("bad", "second", "third")
    spawner = lab.make()
    with pytest.raises(SpawnException):
        await started(spawner)
    spawner.clear_state()
    kept = lab.make("ben")
    kept.load_state(spawner.get_state())
    assert kept.workspace_state.failure.reason == "no_image_left"
    assert [a.image_id for a in kept.workspace_state.attempts] == ["bad", "second", "third"]
    kept.clear_state()
    assert "studiolo" not in kept.get_state()


async def test_a_start_that_somebody_stops_has_not_failed(lab: SpawnerLab) -> None:
    lab.kubelet.script = lambda _pod: [Step(60, pod_driver.running(ready=True))]
    spawner = lab.make()
    start = asyncio.ensure_future(started(spawner))
    while not lab.kubelet.created:
        await asyncio.sleep(0.01)
    await spawner.stop(now=True)
    await asyncio.wait([start])
    spawner.clear_state()
    assert "studiolo" not in spawner.get_state()
