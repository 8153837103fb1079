"""Logs of the last start, read from the embedded Kubernetes API before the pod is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from studiolo_local.api.logs import LogRequest
from studiolo_spawner import last_start as module
from studiolo_spawner.last_start import AttemptLog, LogBook, last_start

from tests.fakes import pod_driver
from tests.fakes.pod_driver import Step
from tests.fakes.spawner_lab import SpawnerLab, spawner_lab, started

CATALOGUE = """
version: 1
defaults: {image: good, profile: cpu, start_deadline: 5s, spawn_timeout: 30s}
images:
- {id: bad, display_name: Bad, reference: "unreachable.invalid/bad:1", fallback: [good]}
- {id: good, display_name: Good, reference: "unreachable.invalid/good:1"}
profiles:
- {id: cpu, display_name: CPU only, cpu: 1, memory: 1Gi}
"""
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpawnerLab]:
    async with spawner_lab(tmp_path, CATALOGUE, monkeypatch) as lab:
        yield lab


def speaking(words: dict[str, bytes], asked: list[str]) -> Any:
    """A provider of logs: what a pod wrote, by a part of its image's name."""

    async def provide(request: LogRequest) -> AsyncGenerator[bytes, None]:
        asked.append(request.container)
        assert request.limit_bytes
        yield words["log"]

    return provide


async def test_the_log_of_a_failed_attempt_outlives_its_pod(lab: SpawnerLab) -> None:
    asked: list[str] = []
    spawner = lab.make(image="x")
    spawner.api_token = "token-of-the-workspace"
    spawner.user_options = {"image": "bad"}
    crash = [Step(0, pod_driver.crashed())]
    lab.kubelet.script = lambda pod: (
        crash if "bad" in pod["spec"]["containers"][0]["image"] else pod_driver.ready_after(0)(pod)
    )
    words = b"No module named jupyterhub\nJUPYTERHUB_API_TOKEN was token-of-the-workspace\n"
    lab.api.provide_logs(speaking({"log": words}, asked))
    await started(spawner)
    first, second = await last_start(spawner)
    assert "bad:1" in first.image
    assert first.log.startswith("No module named jupyterhub\n")
    assert "token-of-the-workspace" not in first.log + second.log
    assert "good:1" in second.image
    assert asked == ["notebook", "notebook"]
    await spawner.stop()
    kept = await last_start(spawner)
    assert [each.pod_uid for each in kept] == [first.pod_uid, second.pod_uid]


async def test_a_new_start_begins_a_new_story(lab: SpawnerLab) -> None:
    lab.api.provide_logs(speaking({"log": b"one\n"}, []))
    spawner = lab.make()
    await started(spawner)
    await spawner.stop()
    assert len(await last_start(spawner)) == 1
    await started(spawner)
    (now,) = await last_start(spawner)
    assert now.log == "one"


async def test_a_log_that_is_refused_is_an_empty_one(lab: SpawnerLab) -> None:
    spawner = lab.make()
    await started(spawner)
    # Nobody has the containers' output: the API answers 503.
    (now,) = await last_start(spawner)
    assert now.log == ""
    await spawner.stop()


async def test_a_log_that_hangs_does_not_hold_up_the_fallback(
    lab: SpawnerLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(request: LogRequest) -> AsyncGenerator[bytes, None]:
        await asyncio.sleep(600)
        yield b""

    monkeypatch.setattr(module, "READ_SECONDS", 0.2)
    lab.api.provide_logs(hang)
    spawner = lab.make()
    await started(spawner)
    async with asyncio.timeout(10):
        await spawner.stop()
    assert await lab.names("pods") == set()


async def test_a_workspace_that_never_ran_has_none(lab: SpawnerLab) -> None:
    assert await last_start(lab.make("nobody")) == ()


def log(uid: str, size: int = 10) -> AttemptLog:
    return AttemptLog(NOW, "image", uid, "x" * size, ())


def test_a_book_keeps_the_newest_of_each_workspace() -> None:
    book = LogBook()
    for number in range(8):
        book.add("ana", "", log(str(number)))
    book.add("ana", "", log("7", size=20))
    assert [each.pod_uid for each in book.of("ana", "")] == ["3", "4", "5", "6", "7"]
    assert len(book.of("ana", "")[-1].log) == 20
    assert book.of("ana", "other") == ()


def test_a_book_is_bounded_and_the_oldest_make_room() -> None:
    book = LogBook(most=25)
    for name in ("a", "b", "c"):
        book.add(name, "", log("1"))
    assert [len(book.of(name, "")) for name in ("a", "b", "c")] == [0, 1, 1]
    book.add("d", "", log("1", size=1000))
    assert [len(book.of(name, "")) for name in ("b", "c", "d")] == [0, 0, 1]


def test_a_book_forgets_after_a_while() -> None:
    book = LogBook(keep_seconds=-1)
    book.add("ana", "", log("1"))
    assert book.of("ana", "") == ()
    kept = LogBook()
    kept.add("ana", "", log("1"))
    kept.forget("ana", "")
    assert kept.of("ana", "") == ()
