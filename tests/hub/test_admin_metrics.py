"""The gauges, worked out from stand-ins for what the hub holds, and on a real hub's address."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from studiolo_hub.admin_metrics import StudioloCollector
from studiolo_spawner.capacity import Free
from studiolo_spawner.catalogue import parse_catalogue
from studiolo_spawner.image_health import Check, HealthBook
from studiolo_spawner.verdict import Decision, Verdict

from tests.fakes.oidc import FakeIssuer
from tests.hub.running_hub import Browser, RunningHub

CATALOGUE = parse_catalogue(
    """
version: 1
images:
  - {id: a, display_name: A, reference: "registry.example/a:1"}
  - {id: b, display_name: B, reference: "registry.example/b:1"}
profiles:
  - {id: gpu, display_name: One GPU, cpu: 1, memory: 1Gi, resource: nvidia.com/gpu, count: 1}
  - {id: cpu, display_name: CPU, cpu: 1, memory: 1Gi}
"""
)
CAPACITY = {
    "gpu": Free(3, 8, 2, waiting=4, machines=2, fits=3),
    "cpu": Free(0, 0, 0, machines=6, fits=31, unit=None),
}


def spawner(pending: str | None = None, *, ready: bool = False, failed: bool = False) -> Any:
    return SimpleNamespace(pending=pending, ready=ready, _failed=failed)


def users(*spawners: Any) -> list[Any]:
    return [SimpleNamespace(spawners={str(n): each for n, each in enumerate(spawners)})]


def link(*, known: bool = True, catalogue: Any = CATALOGUE) -> Any:
    cluster = SimpleNamespace(capacity=lambda _catalogue: CAPACITY if known else None)
    health = HealthBook()
    missing = Verdict(Decision.FALL_BACK, "image_missing", "The image does not exist.")
    health.note_check(CATALOGUE.images[1], Check(datetime.now(UTC), missing, None))
    return SimpleNamespace(
        parts=SimpleNamespace(cluster=cluster), snapshot=catalogue, health=health
    )


@pytest.fixture
def collector() -> StudioloCollector:
    return StudioloCollector()


def told(collector: StudioloCollector) -> set[str]:
    registry = CollectorRegistry()
    registry.register(collector)
    lines = generate_latest(registry).decode().splitlines()
    return {line for line in lines if not line.startswith("#")}


def test_what_is_told(collector: StudioloCollector) -> None:
    people = users(
        spawner(ready=True),
        spawner(ready=True),
        spawner("spawn"),
        spawner("stop"),
        spawner(failed=True),
        spawner(),
    )
    collector.source = (link(), lambda: people)
    assert told(collector) == {
        'studiolo_workspaces{state="running"} 2.0',
        'studiolo_workspaces{state="starting"} 1.0',
        'studiolo_workspaces{state="stopping"} 1.0',
        'studiolo_workspaces{state="failed"} 1.0',
        'studiolo_profile_devices{profile="gpu",state="free"} 3.0',
        'studiolo_profile_devices{profile="gpu",state="held"} 5.0',
        'studiolo_profile_fits{profile="gpu"} 3.0',
        'studiolo_profile_fits{profile="cpu"} 31.0',
        'studiolo_profile_waiting{profile="gpu"} 4.0',
        'studiolo_profile_waiting{profile="cpu"} 0.0',
        'studiolo_images{state="bad"} 1.0',
        'studiolo_images{state="good"} 1.0',
    }


@pytest.mark.parametrize(
    "source", [link(known=False), link(catalogue=None)], ids=["nodes-not-known", "no-catalogue"]
)
def test_what_is_not_known_is_not_told_as_nothing(
    collector: StudioloCollector, source: Any
) -> None:
    collector.source = (source, list)
    assert not [line for line in told(collector) if line.startswith("studiolo_profile")]


def test_before_a_hub_is_configured(collector: StudioloCollector) -> None:
    assert told(collector) == set()


@pytest.mark.asyncio(loop_scope="module")
async def test_on_the_hubs_own_address(hub: RunningHub, issuer: FakeIssuer) -> None:
    issuer.claims = {"email": "ops@example.org", "email_verified": True, "groups": ["ops"]}
    async with Browser(hub) as admin:
        await admin.sign_in()
        metrics = (await admin.get("metrics")).text
    assert 'studiolo_workspaces{state="running"} 0.0' in metrics
    async with aiohttp.ClientSession() as nobody, nobody.get(hub.address("metrics")) as answer:
        assert answer.status == 403
