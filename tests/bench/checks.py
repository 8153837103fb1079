"""What the image check costs a start: known, not known, asked by many at once, registry silent.

Everything runs against the registry of the tests over HTTP, with token sign-in. Its answers cost
time too, in the same process: where time counts, the same requests made bare stand beside ours.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import aiohttp
from studiolo_spawner.catalogue import Image, Profile
from studiolo_spawner.image_check import check_image
from studiolo_spawner.image_checker import ImageChecker, KnownSurroundings
from studiolo_spawner.machines import Machine, machine_of
from studiolo_spawner.registry import BUDGET_SECONDS, Outcome, RegistryClient, RegistrySettings
from studiolo_spawner.registry_manifest import ACCEPT
from studiolo_spawner.verdict import Decision

from tests.bench.measures import Figures, Goal, measure
from tests.fakes.registry import FakeRegistry

HOST = "registry.example"
STARTS = 500
HITS = 20_000
MACHINES = 200
ROUNDS = 40

_GPU: Final = Profile(
    id="gpu", display_name="One GPU", cpu=4, memory="16Gi", resource="nvidia.com/gpu", count=1
)


def _image(name: str, tag: str = "1") -> Image:
    return Image(id=name, display_name=name, reference=f"{HOST}/ml/{name}:{tag}")


def _client(registry: FakeRegistry, *, kept: float = 60) -> RegistryClient:
    reached = RegistrySettings(endpoint=registry.url, insecure=True, allow_private=True)
    return RegistryClient({HOST: reached}, found_seconds=kept)


async def _find(image: Image, client: RegistryClient) -> None:
    """A start's check of an image that is there."""
    checked = await check_image(image, client)
    if checked.answer.outcome is not Outcome.FOUND:
        raise RuntimeError(f"this is not what is to be measured: {checked.answer}")


async def _timed(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


class _Machines:
    """As many as a large cluster has for one profile."""

    node_changes = 1

    def __init__(self) -> None:
        labels = {"kubernetes.io/arch": "amd64", "nvidia.com/cuda.driver-version.full": "570.86.10"}
        nodes = ({"metadata": {"name": f"node-{n}", "labels": labels}} for n in range(MACHINES))
        self._all = tuple(machine_of(node) for node in nodes)

    def machines_for(self, profile: Profile) -> tuple[Machine, ...]:
        return self._all if profile.count else ()


async def _check(image: Image, checker: ImageChecker) -> None:
    """A start's check, with all that it has to fit."""
    checked = await checker.check(image, _GPU)
    if checked.verdict.decision is not Decision.ACCEPTED:
        raise RuntimeError(f"this is not what is to be measured: {checked.verdict}")


@measure(
    "check_hit",
    "99th percentile of the processor time of checking an image that was checked within the minute",
    unit="µs",
    goal=Goal(at_most=50),
)
async def check_hit(_folder: Path) -> Figures:
    async with FakeRegistry(auth="token") as registry:
        registry.image("ml/pytorch", "1")
        client, image = _client(registry), _image("pytorch")
        no_api: Any = None
        checker = ImageChecker(client, no_api, "", (), KnownSurroundings(_Machines()))
        await _check(image, checker)
        seconds = []
        for _ in range(HITS):
            # It waits for nothing; on the wall's clock the machine's other work would be measured.
            began = time.thread_time()
            await _check(image, checker)
            seconds.append(time.thread_time() - began)
        await client.close()
    return Figures(1e6 * _percentile(seconds, 99))


# What a check cannot do without, as plain requests: refusal, token, manifest, configuration.


async def _bare_token(session: aiohttp.ClientSession, registry: FakeRegistry, name: str) -> str:
    scope = {"service": "fake", "scope": f"repository:ml/{name}:pull"}
    async with session.get(f"{registry.url}/token", params=scope) as answer:
        return f"Bearer {json.loads(await answer.read())['token']}"


async def _bare_image(
    session: aiohttp.ClientSession, registry: FakeRegistry, name: str, token: str
) -> None:
    headers = {"Accept": ACCEPT, "Authorization": token}
    repository = f"{registry.url}/v2/ml/{name}"
    async with session.get(f"{repository}/manifests/1", headers=headers) as answer:
        digest = json.loads(await answer.read())["config"]["digest"]
    async with session.get(f"{repository}/blobs/{digest}", headers=headers) as answer:
        await answer.read()


async def _cold(registry: FakeRegistry, name: str) -> tuple[float, float]:
    """A registry that was never asked: ours and bare, each with connections of its own."""

    async def bare() -> None:
        async with session.get(f"{registry.url}/v2/ml/{name}/manifests/1") as refusal:
            await refusal.read()
        await _bare_image(session, registry, name, await _bare_token(session, registry, name))

    client = _client(registry)
    ours = await _timed(_find(_image(name), client))
    await client.close()
    async with aiohttp.ClientSession() as session:
        return ours, await _timed(bare())


async def _with_token(registry: FakeRegistry, name: str) -> tuple[float, float]:
    """A tag whose token is known, with a digest that is not: manifest and configuration."""
    registry.image(f"ml/{name}", "2", labels={"built": "later"})
    client = _client(registry)
    await _find(_image(name), client)
    ours = await _timed(_find(_image(name, "2"), client))
    await client.close()
    async with aiohttp.ClientSession() as session:
        token = await _bare_token(session, registry, name)
        return ours, await _timed(_bare_image(session, registry, name, token))


async def _known_digest(registry: FakeRegistry, name: str) -> tuple[float, float]:
    """A tag that was checked before the minute: one look whether it has moved."""
    client, image = _client(registry, kept=0), _image(name)
    await _find(image, client)
    ours = await _timed(_find(image, client))
    await client.close()

    async def bare() -> None:
        headers = {"Accept": ACCEPT, "Authorization": token}
        async with session.head(f"{registry.url}/v2/ml/{name}/manifests/1", headers=headers) as got:
            await got.read()

    async with aiohttp.ClientSession() as session:
        token = await _bare_token(session, registry, name)
        return ours, await _timed(bare())


async def _beyond_bare(
    case: Callable[[FakeRegistry, str], Awaitable[tuple[float, float]]],
) -> float:
    """Median of what ours takes longer."""
    async with FakeRegistry(auth="token") as registry:
        more: list[float] = []
        for number in range(ROUNDS):
            name = f"image{number}"
            registry.image(f"ml/{name}", "1")
            ours, bare = await case(registry, name)
            more.append(ours - bare)
    return statistics.median(more)


@measure(
    "check_miss",
    "time of a check beyond the bare requests that it needs: cold 3, with a token 1, in both cases "
    "1 more for a configuration never seen; known digest 1; the worst of the three medians",
    unit="ms",
    goal=Goal(at_most=2),
)
async def check_miss(_folder: Path) -> Figures:
    more = [await _beyond_bare(case) for case in (_cold, _with_token, _known_digest)]
    return Figures(1000 * max(more))


async def _stampede(*, asked_before: bool) -> int:
    async with FakeRegistry(auth="token") as registry:
        for name in ("pytorch", "other"):
            registry.image(f"ml/{name}", "1", labels={"name": name})
        client, image = _client(registry), _image("pytorch")
        if asked_before:
            await _find(_image("other"), client)
            registry.requests.clear()
        await asyncio.gather(*(_find(image, client) for _ in range(STARTS)))
        await client.close()
    return len(registry.requests)


@measure(
    "check_stampede",
    "requests for 500 starts at once of an image that was never asked about, in a registry whose "
    "way of signing in is known, as the hub's first round of checks makes it: token, manifest, "
    "configuration",
    unit="requests",
    goal=Goal(at_most=3),
)
async def check_stampede(_folder: Path) -> Figures:
    return Figures(await _stampede(asked_before=True))


@measure(
    "check_stampede_cold",
    "the same in a registry that was never asked anything: its refusal comes on top",
    unit="requests",
    goal=Goal(at_most=4),
)
async def check_stampede_cold(_folder: Path) -> Figures:
    return Figures(await _stampede(asked_before=False))


@measure(
    "check_hang",
    "registry that hangs: 99th percentile of a start's check after the first one's time-out of "
    "5 s, over 12 s in which the registry is asked in the background whether it is back",
    unit="ms",
    goal=Goal(at_most=5),
)
async def check_hang(_folder: Path) -> Figures:
    async with FakeRegistry(auth="token") as registry:
        registry.fault("", registry.hang)
        client = _client(registry)
        first = await _timed(check_image(_image("first"), client))
        if first > BUDGET_SECONDS + 0.5:
            raise RuntimeError(f"the first check took {first:.1f} s, beyond its time-out")
        later: list[float] = []
        ends = time.monotonic() + 12
        while time.monotonic() < ends:
            later.append(await _timed(check_image(_image(f"image{len(later)}"), client)))
            await asyncio.sleep(0.01)
        await client.close()
    return Figures(1000 * _percentile(later, 99))
