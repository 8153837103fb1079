"""Quotas at every way into a workspace, on the embedded API: together, again, after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.spawner import SpawnException
from studiolo_spawner.catalogue import Profile
from studiolo_spawner.offer import Person
from studiolo_spawner.quota_gate import ADMITTED_SECONDS, SEEN_SECONDS, QuotaGate
from studiolo_spawner.quotas import QuotaReached
from studiolo_spawner.shared_parts import close_shared_parts
from studiolo_spawner.spawner import WorkspaceSpawner
from studiolo_spawner.spawner_quotas import QuotaView, quota_view

from tests.fakes.spawner_lab import SpawnerLab, spawner_lab, started
from tests.spawner.catalogues import catalogue, profile

GPU = "nvidia.com/gpu"
CATALOGUE = """
version: 1
defaults: {image: good, profile: gpu, start_deadline: 2s, spawn_timeout: 30s}
images:
- {id: good, display_name: Good, reference: "unreachable.invalid/good:1"}
profiles:
- {id: gpu, display_name: One GPU, resource: nvidia.com/gpu, count: 1, cpu: 1, memory: 1Gi}
- {id: cpu, display_name: No GPU, cpu: 1, memory: 1Gi}
quotas:
- id: students
  display_name: Students
  groups: [students]
  scope: together
  resources: {nvidia.com/gpu: 1}
"""


@pytest.fixture
async def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpawnerLab]:
    async with spawner_lab(tmp_path, CATALOGUE, monkeypatch) as made:
        group = orm.Group(name="students")
        group.users = [orm.User(name=name) for name in ("ana", "ben")]
        made._db.add(group)
        made._db.commit()
        yield made


def student(lab: SpawnerLab, name: str, server: str = "", **options: str) -> Any:
    spawner = lab.make(name, "students", server=server)
    spawner.user_options = options
    return spawner


async def view_of(spawner: Any) -> QuotaView:
    return await quota_view(spawner, await spawner.parts())


async def outcome(spawner: Any) -> str:
    """What came of a start: nothing said, or what was told."""
    try:
        await started(spawner)
    except SpawnException as refused:
        return str(refused)
    return ""


async def test_of_two_starts_that_come_together_one_gets_the_last_gpu(lab: SpawnerLab) -> None:
    spawners = [student(lab, name) for name in ("ana", "ben")]
    told = await asyncio.gather(*map(outcome, spawners))
    refused = [each for each in told if each]
    assert len(refused) == 1
    assert "1 of 1 GPU of Students is in use by " in refused[0]
    assert len(await lab.names("pods")) == 1


async def test_what_runs_counts_after_a_restart_of_the_hub(lab: SpawnerLab) -> None:
    await started(student(lab, "ana"))
    await WorkspaceSpawner._stop_all_reflectors()
    await close_shared_parts()
    assert "in use by ana" in await outcome(student(lab, "ben"))


async def test_a_stopped_workspace_makes_room_and_another_profile_is_free(lab: SpawnerLab) -> None:
    ana = student(lab, "ana")
    await started(ana)
    assert await outcome(student(lab, "ben", profile="cpu")) == ""
    ben = student(lab, "ben", "second")
    assert "in use by ana" in await outcome(ben)
    await ana.stop()
    await _until_free(ben)
    assert await outcome(ben) == ""


async def test_a_start_that_failed_holds_nothing(lab: SpawnerLab) -> None:
    ana = student(lab, "ana", image="good")
    ana.modify_pod_hook = _breaks
    with pytest.raises(SpawnException):
        await started(ana)
    assert await outcome(student(lab, "ben")) == ""


async def test_starting_again_does_not_count_what_it_replaces(lab: SpawnerLab) -> None:
    ana = student(lab, "ana")
    await started(ana)
    assert await outcome(ana) == ""
    assert (await ana.checked({"profile": "gpu"})).profile.id == "gpu"
    with pytest.raises(SpawnException) as refused:
        await student(lab, "ben").checked({"profile": "gpu"})
    assert "in use by ana" in str(refused.value)


async def test_the_view_before_the_choice(lab: SpawnerLab) -> None:
    await started(student(lab, "ana"))
    view = await view_of(student(lab, "ben"))
    assert [state.text for state in view.states] == ["1 of 1 GPU of Students in use by ana"]
    assert list(view.refusals) == ["gpu"]
    other = await view_of(lab.make("eve"))
    assert (other.states, other.refusals) == ((), {})


async def _until_free(spawner: Any) -> None:
    async with asyncio.timeout(10):
        while (await view_of(spawner)).refusals:
            await asyncio.sleep(0.02)


async def _breaks(_spawner: Any, _pod: Any) -> None:
    raise RuntimeError("an operator's mistake")


class Clock:
    """A clock that goes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_start_counts_for_as_long_as_it_may_become_a_pod() -> None:
    clock = Clock()
    gate = QuotaGate(clock)
    offered = catalogue(
        profiles=[profile("gpu", resource=GPU, count=1)],
        quotas=[
            {
                "id": "q",
                "display_name": "All",
                "everyone": True,
                "scope": "together",
                "resources": {GPU: 1},
            }
        ],
    )
    gpu: Profile = offered.profiles[0]

    def ask(name: str) -> bool:
        try:
            gate.admit(Person(name), "", gpu, seen=(), catalogue=offered, session=None)
        except QuotaReached:
            return False
        return True

    assert ask("ana")
    assert not ask("ben")
    clock.now += ADMITTED_SECONDS + 1
    assert ask("ben"), "a start that was allowed never began"
    gate.begun(("ben", ""))
    clock.now += 3600
    assert not ask("ana"), "a start goes on for an hour"
    with gate.start_of(("ben", "")):
        pass
    clock.now += SEEN_SECONDS - 1
    assert not ask("ana")
    clock.now += 2
    assert ask("ana"), "its pod speaks for itself"
    gate.note(("eve", ""), gpu)
    assert not ask("ben"), "a start that goes on after a restart counts"
    gate.forget(("eve", ""))
    with pytest.raises(RuntimeError), gate.start_of(("ana", "")):
        raise RuntimeError("the start failed")
    assert ask("ben")


async def test_an_edit_of_the_quotas_counts_at_the_next_start(lab: SpawnerLab) -> None:
    ana = student(lab, "ana", profile="cpu")
    await started(ana)
    await ana.stop()
    text = CATALOGUE.replace("resources: {nvidia.com/gpu: 1}", "workspaces: 0")
    lab.catalogue.write_text(text)
    await (await ana.parts()).catalogue.look()
    assert "0 of 0 workspaces of Students are in use" in await outcome(ana)
    lab.catalogue.write_text(CATALOGUE)
    await (await ana.parts()).catalogue.look()
    assert await outcome(ana) == ""
