"""Everything that a registry can do to a start: which image runs then, and what people are told.

One row for each row of the list of faults and threats that speaks of registries. The image's own
fault leads to the next image; a registry that is away or busy says nothing of the image, so the
start goes on with it; and nothing that a registry says makes a request elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.fakes import registry as fake
from tests.fakes.canary import Canary
from tests.fakes.certificates import Certificate
from tests.fakes.registry import FakeRegistry
from tests.fakes.spawner_lab import SpawnerLab, spawner_lab, started

CATALOGUE = """
version: 1
images:
- {id: first, display_name: First, reference: "first.example/ml/first:1", fallback: [second]}
- {id: second, display_name: Second, reference: "second.example/ml/second:1"}
profiles:
- {id: small, display_name: Small, cpu: 1, memory: 1Gi}
- {id: gpu, display_name: GPU, cpu: 1, memory: 1Gi, resource: nvidia.com/gpu, count: 1}
"""
SECRET = "s3cret-canary"


@dataclass
class Scene:
    """Two registries, of which the first is spoilt, and a listener that must not be heard of."""

    lab: SpawnerLab
    first: FakeRegistry
    second: FakeRegistry
    canary: Canary
    folder: Path
    stack: AsyncExitStack
    digest: str
    settings: dict[str, Any]

    @property
    def trap(self) -> str:
        return f"http://127.0.0.1:{self.canary.port}"


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    async with (
        AsyncExitStack() as stack,
        FakeRegistry() as first,
        FakeRegistry() as second,
        Canary() as canary,
        spawner_lab(tmp_path, CATALOGUE, monkeypatch) as lab,
    ):
        digest = first.image("ml/first", "1")
        second.image("ml/second", "1")
        settings = {"endpoint": first.url, "insecure": True, "allow_private": True}
        made = Scene(lab, first, second, canary, tmp_path, stack, digest, settings)
        yield made
        # Hanging requests end before the registries are stopped.
        first.heal()


Spoil = Callable[[Scene], Any]


def spoils(path: str, fault: fake.Fault) -> Spoil:
    return lambda scene: scene.first.fault(path, fault)


def redirects_to_the_trap(path: str) -> Spoil:
    return lambda scene: scene.first.fault(path, fake.redirects(f"{scene.trap}/v2/x/manifests/1"))


async def nobody_listens(scene: Scene) -> None:
    async with FakeRegistry() as gone:
        scene.settings["endpoint"] = gone.url


def hangs(scene: Scene) -> None:
    scene.first.fault("", scene.first.hang)


async def wrong_certificate(scene: Scene) -> None:
    context = Certificate.make("nobody knows it").context(scene.folder)
    runner = web.AppRunner(web.Application(), access_log=None)
    await runner.setup()
    scene.stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    scene.settings |= {"endpoint": f"https://127.0.0.1:{runner.addresses[0][1]}"}


def no_tls_at_all(scene: Scene) -> None:
    scene.settings |= {"endpoint": scene.first.url.replace("http:", "https:"), "insecure": False}


def evil_realm(scene: Scene) -> None:
    scene.first.auth, scene.first.realm = "token", f"{scene.trap}/token"
    scene.settings |= {"username": "ada", "password": SECRET}


def private_without_credentials(scene: Scene) -> None:
    scene.first.auth, scene.first.anonymous = "token", False


def sign_in_redirects(scene: Scene) -> None:
    private_without_credentials(scene)
    redirects_to_the_trap("/token")(scene)


def sign_in_fails(scene: Scene) -> None:
    scene.first.auth = "token"
    scene.first.fault("/token", fake.answers(503))


def own_network(scene: Scene) -> None:
    """An address that nobody listed: what a name that was bound anew would lead to."""
    scene.settings |= {"endpoint": scene.trap, "allow_private": False}


def wrong_digest(scene: Scene) -> None:
    stated = "sha256:" + "0" * 64
    scene.first.fault("/manifests/", fake.answers(200, b"{}", Docker_Content_Digest=stated))


def other_bytes_than_the_pinned(scene: Scene) -> None:
    content, kind = scene.first._manifests["ml/first", "1"]
    scene.first.fault("/manifests/", fake.answers(200, content + b" ", Content_Type=kind,
                      Docker_Content_Digest=scene.digest))  # fmt: skip


def other_platform(scene: Scene) -> None:
    scene.first.image("ml/first", "1", platform=("linux", "arm64"))


HERE, ELSEWHERE = "first", "second"
AWAY, BUSY = "registry_away", "registry_busy"
FAULTS: dict[str, tuple[Spoil, str, str]] = {
    "away": (nobody_listens, HERE, AWAY),
    "slow": (hangs, HERE, AWAY),
    "hangs up": (spoils("", fake.hangs_up), HERE, AWAY),
    "401": (spoils("", fake.answers(401)), ELSEWHERE, "image_forbidden"),
    "401, sign-in refuses": (private_without_credentials, ELSEWHERE, "image_forbidden"),
    "401, sign-in fails": (sign_in_fails, HERE, AWAY),
    "403": (spoils("", fake.answers(403)), ELSEWHERE, "image_forbidden"),
    "404": (spoils("/manifests/", fake.answers(404)), ELSEWHERE, "image_missing"),
    "429 with Retry-After": (spoils("", fake.answers(429, Retry_After="7")), HERE, BUSY),
    "429 without": (spoils("", fake.answers(429)), HERE, BUSY),
    "500": (spoils("", fake.answers(500)), HERE, AWAY),
    "502": (spoils("", fake.answers(502, b"<html>bad gateway</html>")), HERE, AWAY),
    "503": (spoils("", fake.answers(503)), HERE, AWAY),
    "a portal's page": (
        spoils("", fake.answers(200, b"<html>", Content_Type="text/html")), HERE, AWAY,
    ),
    "redirects for ever": (
        spoils("/manifests/", fake.redirects("/v2/ml/first/manifests/1")), HERE, AWAY,
    ),
    "redirect to another host": (redirects_to_the_trap("/manifests/"), HERE, AWAY),
    "redirect of a blob into the own network": (redirects_to_the_trap("/blobs/"), HERE, ""),
    "redirect of the sign-in": (sign_in_redirects, HERE, AWAY),
    "evil realm": (evil_realm, HERE, AWAY),
    "address in the own network": (own_network, HERE, AWAY),
    "TLS, nobody knows the certificate": (wrong_certificate, HERE, AWAY),
    "TLS, there is none": (no_tls_at_all, HERE, AWAY),
    "wrong digest": (wrong_digest, ELSEWHERE, "image_damaged"),
    "other bytes than the digest's": (other_bytes_than_the_pinned, ELSEWHERE, "image_damaged"),
    "oversized manifest": (spoils("/manifests/", fake.never_ends), ELSEWHERE, "image_damaged"),
    "truncated manifest": (spoils("/manifests/", fake.breaks_off), HERE, AWAY),
    "truncated configuration": (spoils("/blobs/", fake.breaks_off), HERE, ""),
    "configuration that is gone": (
        spoils("/blobs/", fake.answers(404)), ELSEWHERE, "image_damaged",
    ),
    "manifest that is none": (
        spoils("/manifests/", fake.answers(200, b"{")), ELSEWHERE, "image_damaged",
    ),
    "other platform": (other_platform, ELSEWHERE, "wrong_platform"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "runs", "reason"), FAULTS.values(), ids=FAULTS)
async def test_start(scene: Scene, spoil: Spoil, runs: str, reason: str) -> None:
    found = spoil(scene)
    if found is not None and hasattr(found, "__await__"):
        await found
    spawner = scene.lab.make(
        image_check_period=0,
        user_options={"image": "first"},
        registries={
            "first.example": scene.settings,
            "second.example": {
                "endpoint": scene.second.url,
                "insecure": True,
                "allow_private": True,
            },
        },
    )
    assert await started(spawner)
    (pod,) = scene.lab.kubelet.created
    image = pod["spec"]["containers"][0]["image"]
    assert image.startswith(f"{runs}.example/ml/{runs}:1")
    attempt = spawner.workspace_state.attempts[0]
    told = " ".join([str(event) async for event in spawner.progress()])
    if runs == ELSEWHERE:
        assert attempt.outcome == "skipped"
        assert attempt.reason == reason
        assert attempt.message in told
    elif reason:
        # The person is told that nobody could look; the machines may have the image.
        words = {AWAY: "does not answer", BUSY: "asks us to wait"}[reason]
        assert f"The registry {words}, so the image could not be checked beforehand." in told
    else:
        assert "could not be checked" not in told
        assert image == f"first.example/ml/first:1@{scene.digest}"
    assert scene.canary.connections == 0
    assert SECRET not in told


@pytest.mark.parametrize(
    ("profile", "labels", "runs", "told"),
    [
        pytest.param("gpu", {}, HERE, "was not checked", id="machines do not say their driver"),
        pytest.param("gpu", {"major": "570"}, HERE, "", id="new enough"),
        pytest.param("gpu", {"major": "525"}, ELSEWHERE, "newer GPU driver", id="too old"),
        pytest.param("small", {"major": "525"}, HERE, "", id="no GPU is handed out"),
    ],
)
async def test_driver_of_the_profiles_machines(
    scene: Scene, profile: str, labels: dict[str, str], runs: str, told: str
) -> None:
    scene.first.image("ml/first", "1", environment=("NVIDIA_REQUIRE_CUDA=cuda>=12.8",))
    node = {
        "metadata": {
            "name": "machine",
            "labels": {f"nvidia.com/cuda.driver.{name}": text for name, text in labels.items()},
        },
        "status": {
            "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110", "nvidia.com/gpu": "1"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }
    made = await scene.lab.call("POST", "/api/v1/nodes", node)
    await scene.lab.call("PUT", "/api/v1/nodes/machine/status", {**made, "status": node["status"]})
    spawner = scene.lab.make(
        image_check_period=0,
        user_options={"image": "first", "profile": profile},
        registries={"first.example": scene.settings},
    )
    parts = await spawner.parts()
    async with asyncio.timeout(10):
        while not any(machine.ready for machine in parts.cluster.nodes):
            await asyncio.sleep(0.02)
    assert await started(spawner)
    (pod,) = scene.lab.kubelet.created
    assert pod["spec"]["containers"][0]["image"].startswith(f"{runs}.example/")
    story = " ".join([str(event) async for event in spawner.progress()])
    assert told in story
    assert told or "driver" not in story


async def test_tag_that_moves_after_the_check(scene: Scene) -> None:
    async def moves(_request: web.Request) -> None:
        scene.first.image("ml/first", "1", labels={"moved": "yes"})

    scene.first.fault("/blobs/", moves)
    registries = {"first.example": scene.settings}
    options = {"image": "first", "fallback": False}
    spawner = scene.lab.make(image_check_period=0, user_options=options, registries=registries)
    assert await started(spawner)
    (pod,) = scene.lab.kubelet.created
    assert pod["spec"]["containers"][0]["image"] == f"first.example/ml/first:1@{scene.digest}"
    assert (
        scene.first._manifests["ml/first", "1"][0]
        != scene.first._manifests["ml/first", scene.digest][0]
    )


async def test_registry_that_asks_to_be_left_alone_is(scene: Scene) -> None:
    scene.first.fault("", fake.answers(429, Retry_After="30"))
    registries = {"first.example": scene.settings}
    for name in ("ana", "ben"):
        spawner = scene.lab.make(
            name, image_check_period=0, user_options={"image": "first"}, registries=registries
        )
        assert await started(spawner)
    assert len(scene.first.requests) == 1
