"""The stream of an administrator's open page: told of changes, and of nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from studiolo_hub.admin_events import AdminFeed
from studiolo_spawner.catalogue import parse_catalogue
from studiolo_spawner.changes import Changes
from studiolo_spawner.image_health import Check, HealthBook
from studiolo_spawner.verdict import Decision, Verdict

CATALOGUE = parse_catalogue(
    """
version: 1
images: [{id: a, display_name: A, reference: "registry.example/a:1"}]
profiles: [{id: cpu, display_name: CPU, cpu: 1, memory: 1Gi}]
"""
)


class Known:
    """The catalogue and the cluster as far as the stream looks at them."""

    def __init__(self) -> None:
        self.snapshot: Any = CATALOGUE
        self.problem: Any = None
        self.health = HealthBook()
        self.callbacks: list[Callable[[], None]] = []
        self.parts: Any = SimpleNamespace(cluster=self)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def checked(self) -> None:
        good = Verdict(Decision.ACCEPTED, "found", "The image is there.")
        self.health.note_check(CATALOGUE.images[0], Check(datetime.now(UTC), good, None))


@asynccontextmanager
async def stream(known: Known, source: Changes) -> AsyncIterator[AsyncIterator[str]]:
    feed = AdminFeed(known, source, settle=0.0, look=0.02)  # type: ignore[arg-type]
    events = feed.stream()
    try:
        yield events
    finally:
        await events.aclose()
        assert feed.open == 0


def count(text: str) -> int:
    told = json.loads(text.removeprefix("data: ").strip())
    assert told.keys() == {"version", "at", "changes"}
    number: int = told["changes"]
    return number


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(lambda known, source: source.tell("ana", ""), id="a-workspace"),
        pytest.param(lambda known, source: known.callbacks[0](), id="the-cluster"),
        pytest.param(lambda known, source: setattr(known, "problem", "x"), id="a-bad-edit"),
        pytest.param(lambda known, source: setattr(known, "snapshot", None), id="a-new-catalogue"),
        pytest.param(lambda known, source: known.checked(), id="a-check"),
    ],
)
async def test_each_change_is_told(happens: Callable[[Known, Changes], None]) -> None:
    known, source = Known(), Changes()
    async with stream(known, source) as events:
        assert count(await anext(events)) == 0
        happens(known, source)
        async with asyncio.timeout(5):
            assert count(await anext(events)) == 1


async def test_nothing_is_told_while_nothing_changes() -> None:
    known, source = Known(), Changes()
    async with stream(known, source) as events:
        await anext(events)
        coming = asyncio.ensure_future(anext(events))
        await asyncio.wait([coming], timeout=0.2)
        assert not coming.done()
        source.tell("ana", "")
        async with asyncio.timeout(5):
            assert count(await coming) == 1


async def test_who_leaves_is_forgotten() -> None:
    known, source = Known(), Changes()
    async with stream(known, source) as events:
        await anext(events)
        assert len(known.callbacks) == 1
    assert known.callbacks == []
    source.tell("ana", "")  # nobody hears it


async def test_without_a_cluster() -> None:
    known, source = Known(), Changes()
    known.parts = None
    async with stream(known, source) as events:
        assert count(await anext(events)) == 0
