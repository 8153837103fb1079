"""Checks of one image: with which secrets, for which machines, what is said without them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from studiolo_spawner.catalogue import Image, Profile
from studiolo_spawner.cluster_api import ClusterApi
from studiolo_spawner.image_check import CheckedImage
from studiolo_spawner.image_checker import ImageChecker, KnownSurroundings, secret_names
from studiolo_spawner.machines import Machine, machine_of
from studiolo_spawner.registry import RegistryClient, RegistrySettings
from studiolo_spawner.registry_answer import Outcome
from studiolo_spawner.spawner_images import checker_of
from studiolo_spawner.verdict import Decision

from tests.fakes import faulty_proxy
from tests.fakes.registry import FakeRegistry
from tests.fakes.spawner_lab import HERE, SpawnerLab, spawner_lab
from tests.spawner.catalogues import catalogue, gpu_profile, image, profile

NAME = "registry.example"
REFERENCE = f"{NAME}/ml/pytorch:2.9"
CATALOGUE = f"""
version: 1
images:
- {{id: private, display_name: Private, reference: "{REFERENCE}", pull_secret: team}}
profiles:
- {{id: small, display_name: Small, cpu: 1, memory: 1Gi}}
"""
PRIVATE = Image.model_validate(image("private", reference=REFERENCE, pull_secret="team"))
OPEN = Image.model_validate(image("open", reference=REFERENCE))
SMALL = Profile.model_validate(profile("small"))
GPU = Profile.model_validate(gpu_profile())


def secret(user: str = "ada", password: str = "right", *, key: str = NAME) -> dict[str, Any]:
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    config = json.dumps({"auths": {key: {"auth": auth}}})
    data = {".dockerconfigjson": base64.b64encode(config.encode()).decode()}
    return {"type": "kubernetes.io/dockerconfigjson", "data": data}


@pytest.fixture
async def registry() -> AsyncIterator[FakeRegistry]:
    async with FakeRegistry(auth="basic", users={"ada": "right"}) as served:
        served.image()
        yield served


@pytest.fixture
async def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpawnerLab]:
    async with spawner_lab(tmp_path, CATALOGUE, monkeypatch) as made:
        yield made


async def put(lab: SpawnerLab, name: str, found: dict[str, Any], namespace: str = HERE) -> None:
    body = {"metadata": {"name": name}, **found}
    await lab.call("POST", f"/api/v1/namespaces/{namespace}/secrets", body)


def reached(registry: FakeRegistry) -> dict[str, Any]:
    return {NAME: {"endpoint": registry.url, "insecure": True, "allow_private": True}}


async def check(
    lab: SpawnerLab, registry: FakeRegistry, what: Image = PRIVATE, **traits: Any
) -> CheckedImage:
    spawner = lab.make(registries=reached(registry), image_check_period=0, **traits)
    return await checker_of(spawner, await spawner.parts()).check(what, SMALL)


# --- pull secrets -------------------------------------------------------------------------------


async def test_secret_of_the_image(lab: SpawnerLab, registry: FakeRegistry) -> None:
    await put(lab, "team", secret())
    assert (await check(lab, registry)).verdict.decision is Decision.ACCEPTED


async def test_secret_of_every_workspace(lab: SpawnerLab, registry: FakeRegistry) -> None:
    await put(lab, "everybody", secret())
    for listed in (["everybody"], [{"name": "everybody"}]):
        found = await check(lab, registry, OPEN, image_pull_secrets=listed)
        assert found.verdict.decision is Decision.ACCEPTED, listed


async def test_one_after_the_other_is_tried(lab: SpawnerLab, registry: FakeRegistry) -> None:
    await put(lab, "team", secret(password="wrong"))
    await put(lab, "everybody", secret())
    found = await check(lab, registry, image_pull_secrets=["everybody"])
    assert found.verdict.decision is Decision.ACCEPTED


async def test_secret_for_another_part_of_the_registry(
    lab: SpawnerLab, registry: FakeRegistry
) -> None:
    await put(lab, "team", secret(key=f"{NAME}/other"))
    found = await check(lab, registry)
    # The machines have nothing else either.
    assert (found.verdict.decision, found.verdict.reason) == (
        Decision.FALL_BACK,
        "image_forbidden",
    )


async def test_secret_that_is_not_there_says_nothing_of_the_image(
    lab: SpawnerLab, registry: FakeRegistry
) -> None:
    found = await check(lab, registry)
    assert (found.verdict.decision, found.verdict.reason) == (
        Decision.UNKNOWN,
        "secret_not_readable",
    )


async def test_secret_that_may_not_be_read_says_nothing_of_the_image(
    lab: SpawnerLab, registry: FakeRegistry
) -> None:
    await put(lab, "team", secret())
    lab.proxy.spoil("GET .*/secrets/.*", faulty_proxy.answers(403))
    assert (await check(lab, registry)).verdict.reason == "secret_not_readable"


async def test_cluster_that_hangs_does_not_cost_the_whole_budget(
    lab: SpawnerLab, registry: FakeRegistry
) -> None:
    await put(lab, "team", secret())
    registry.auth = ""
    lab.proxy.spoil("GET .*/secrets/.*", faulty_proxy.late(4), times=100)
    async with asyncio.timeout(5):
        found = await check(lab, registry)
    assert found.verdict.decision is Decision.ACCEPTED


# --- a namespace for every user -----------------------------------------------------------------


async def test_secret_is_read_in_the_hubs_namespace(
    lab: SpawnerLab, registry: FakeRegistry
) -> None:
    await put(lab, "team", secret(), namespace="default")
    own: dict[str, Any] = {
        "enable_user_namespaces": True,
        "user_namespace_template": "own-{username}",
    }
    assert (await check(lab, registry, **own)).verdict.decision is Decision.ACCEPTED
    read = [name for name in lab.proxy.seen if "/secrets/" in name]
    assert read == ["GET /api/v1/namespaces/default/secrets/team"]


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        (None, ()),
        ([], ()),
        (["a", "b", "a"], ("a", "b")),
        ([{"name": "a"}, {}, {"name": 7}, None], ("a",)),
        ("a", ("a",)),
    ],
    ids=["none", "empty", "names", "mappings", "one name"],
)
def test_names_of_secrets(listed: Any, names: tuple[str, ...]) -> None:
    assert secret_names(listed) == names


# --- machines -----------------------------------------------------------------------------------


class Machines:
    """Machines with these labels, for every profile."""

    def __init__(self, *labels: dict[str, str]) -> None:
        self.labels = labels
        self.node_changes = 0
        self.asked = 0

    def machines_for(self, profile: Profile) -> Iterable[Machine]:
        self.asked += 1
        return [machine_of({"metadata": {"labels": labels}}) for labels in self.labels]


AMD64, ARM64 = {"kubernetes.io/arch": "amd64"}, {"kubernetes.io/arch": "arm64"}
OLD = {"nvidia.com/cuda.driver-version.full": "525.60.13"}
NEW = {"nvidia.com/cuda.driver-version.full": "570.86.10"}


@pytest.fixture
async def client(registry: FakeRegistry) -> AsyncIterator[RegistryClient]:
    registry.auth = ""
    settings = RegistrySettings(endpoint=registry.url, insecure=True, allow_private=True)
    made = RegistryClient({NAME: settings})
    yield made
    await made.close()


async def on(
    client: RegistryClient, *labels: dict[str, str], profile: Profile = GPU
) -> CheckedImage:
    no_api: Any = None
    checker = ImageChecker(client, no_api, "", (), KnownSurroundings(Machines(*labels)))
    return await checker.check(OPEN, profile)


CUDA = "NVIDIA_REQUIRE_CUDA=cuda>=12.8"
DRIVERS = {
    "new enough": ((NEW,), GPU, None),
    "too old": ((OLD,), GPU, "driver_too_old"),
    "one is new enough": ((OLD, NEW), GPU, None),
    "not labelled": (({},), GPU, None),
    "no GPU is handed out": ((OLD,), SMALL, None),
}


@pytest.mark.parametrize(("labels", "which", "reason"), DRIVERS.values(), ids=DRIVERS)
async def test_driver(
    registry: FakeRegistry,
    client: RegistryClient,
    labels: tuple[dict[str, str], ...],
    which: Profile,
    reason: str | None,
) -> None:
    registry.image(environment=(CUDA,))
    found = await on(client, *labels, profile=which)
    expected = (Decision.FALL_BACK, reason) if reason else (Decision.ACCEPTED, "found")
    assert (found.verdict.decision, found.verdict.reason) == expected


async def test_driver_that_nobody_knows_is_said(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    registry.image(environment=(CUDA,))
    found = await on(client)
    assert found.verdict.decision is Decision.ACCEPTED
    assert "was not checked" in found.verdict.hint


PLATFORMS = {
    "as the machines": ("arm64", (ARM64,), "found"),
    "not as the machines": ("amd64", (ARM64,), "wrong_platform"),
    "as some machines": ("amd64", (ARM64, ARM64, AMD64), "found"),
    "machines unknown": ("amd64", (), "found"),
    "machines unknown, another": ("arm64", (), "wrong_platform"),
}


@pytest.mark.parametrize(("built", "labels", "reason"), PLATFORMS.values(), ids=PLATFORMS)
async def test_platform(
    registry: FakeRegistry,
    client: RegistryClient,
    built: str,
    labels: tuple[dict[str, str], ...],
    reason: str,
) -> None:
    registry.image(platform=("linux", built))
    assert (await on(client, *labels, profile=SMALL)).verdict.reason == reason


async def test_label_that_says_there_is_no_server_is_seen_before_the_pull(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    registry.image(labels={"dev.studiolo.jupyterhub": "none"})
    found = await on(client)
    assert (found.verdict.decision, found.verdict.reason) == (Decision.FALL_BACK, "no_singleuser")
    assert found.answer.outcome is Outcome.FOUND


async def test_any_profile_in_the_round_over_the_catalogue(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    registry.image(environment=(CUDA,))
    rules = catalogue([image("open", reference=REFERENCE)], [gpu_profile(), profile()])
    api: ClusterApi = None  # type: ignore[assignment]
    for labels, reason in ((OLD, "driver_too_old"), (NEW, "found")):
        checker = ImageChecker(client, api, "", (), KnownSurroundings(Machines(labels)))
        found = await checker.check_for_any(OPEN, rules)
        assert found.verdict.reason == reason


def test_surroundings_are_worked_out_once_until_something_changes() -> None:
    machines = Machines(OLD)
    known = KnownSurroundings(machines)
    rules = catalogue([image("open", reference=REFERENCE)], [gpu_profile(), profile()])
    first = known.of(GPU)
    assert known.of(GPU) is first
    assert machines.asked == 1
    all_of_them = known.of_all(rules)
    assert known.of_all(rules) is all_of_them
    machines.labels, machines.node_changes = (NEW,), 1
    assert {host.driver for host in known.of(GPU).hosts} == {"570.86.10"}
    assert known.of_all(rules) != all_of_them
    # Another profile under the same name is another profile.
    other = GPU.model_copy(update={"resource": None, "count": 0})
    assert not known.of(other).nvidia
    assert known.of(GPU).nvidia
