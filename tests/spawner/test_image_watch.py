"""The periodic checks: rounds against a registry over HTTP, what is noted and what is logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import yaml
from studiolo_spawner.catalogue import Image
from studiolo_spawner.catalogue_file import CatalogueFile
from studiolo_spawner.image_check import CheckedImage, check_image
from studiolo_spawner.image_health import HealthBook
from studiolo_spawner.image_watch import ImageWatch
from studiolo_spawner.registry import RegistryClient, RegistrySettings

from tests.fakes.registry import FakeRegistry
from tests.spawner.catalogues import image, profile

HOST = "registry.example"
LOG = logging.getLogger("tests.image_watch")


def write(path: Path, *names: str) -> None:
    images = [image(name, reference=f"{HOST}/ml/{name}:1") for name in names]
    document = {"version": 1, "images": images, "profiles": [profile()]}
    path.write_text(yaml.safe_dump(document))


class Watched:
    def __init__(self, path: Path, registry: FakeRegistry) -> None:
        self.catalogue = CatalogueFile(path, poll_seconds=0.02)
        self.registry = registry
        settings = RegistrySettings(endpoint=registry.url, insecure=True, allow_private=True)
        # Answers are forgotten at once, so that every round asks.
        self.client = RegistryClient({HOST: settings}, found_seconds=0, otherwise_seconds=0)
        self.book = HealthBook()
        self.watch: ImageWatch | None = None

    async def begin(self, period: float = 600) -> ImageWatch:
        await self.catalogue.start()
        check = partial(check_image, registry=self.client)
        self.watch = ImageWatch(self.catalogue, self.book, check, period=period, log=LOG)
        return self.watch

    def bad(self) -> set[str]:
        images = self.catalogue.snapshot.images
        return set(self.book.problems(images, datetime.now(UTC)))

    async def end(self) -> None:
        if self.watch is not None:
            await self.watch.stop()
        await self.catalogue.stop()
        await self.client.close()


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    path = tmp_path / "catalogue.yaml"
    write(path, "good", "gone")
    async with FakeRegistry() as registry:
        registry.image("ml/good", "1")
        made = Watched(path, registry)
        yield made
        await made.end()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_first_round_begins_at_once(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watch = await watched.begin()
    await watch.first_round(10)
    assert watched.bad() == {"gone"}
    (line,) = [record.getMessage() for record in caplog.records if record.name == LOG.name]
    assert line.startswith(f"Image gone ({HOST}/ml/gone:1) has a problem: image_missing: ")


async def test_what_is_repaired_is_seen_and_told_once(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOG.name)
    watch = await watched.begin(period=0.02)
    await watch.first_round(10)
    watched.registry.image("ml/gone", "1")
    await until(lambda: not watched.bad())
    seen = len(watched.registry.requests)
    await until(lambda: len(watched.registry.requests) > seen + 6)
    lines = [record.getMessage() for record in caplog.records if record.name == LOG.name]
    assert [line.split(") ")[1][:13] for line in lines] == ["has a problem", "is good again"]


async def test_an_edit_begins_a_round(watched: Watched) -> None:
    watch = await watched.begin()
    await watch.first_round(10)
    write(watched.catalogue.path, "good", "gone", "new")
    await until(lambda: watched.bad() == {"gone", "new"})


async def test_a_fault_of_one_round_does_not_end_the_next(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    await watched.catalogue.start()
    broken = True

    async def check(image: Image) -> CheckedImage:
        if broken:
            raise RuntimeError("a fault")
        return await check_image(image, watched.client)

    watched.watch = ImageWatch(watched.catalogue, watched.book, check, period=0.02, log=LOG)
    await watched.watch.first_round(10)
    broken = False
    await until(lambda: watched.bad() == {"gone"})
    assert "A round of image checks failed" in caplog.text


async def test_who_waits_for_the_first_round_waits_no_longer_than_told(watched: Watched) -> None:
    watched.registry.fault("", watched.registry.hang)
    watch = await watched.begin()
    await watch.first_round(0.05)
    assert watched.bad() == set()


async def test_a_silent_registry_makes_nothing_bad(watched: Watched) -> None:
    watched.client = RegistryClient({HOST: RegistrySettings(endpoint="https://127.0.0.1:1")})
    watch = await watched.begin()
    await watch.first_round(10)
    assert watched.bad() == set()
    assert watched.book.of(watched.catalogue.snapshot.images[0]).last_check is not None
