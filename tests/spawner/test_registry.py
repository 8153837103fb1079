"""Checks of references against a registry over HTTP: outcomes, round trips, caches and faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from studiolo_spawner.reference import ImageReference, parse_reference
from studiolo_spawner.registry import Outcome, RegistryAnswer, RegistryClient, RegistrySettings
from studiolo_spawner.registry_settings import Credentials

from tests.fakes import registry as fake
from tests.fakes.registry import FakeRegistry

NAME = "registry.example"
TAGGED = parse_reference(f"{NAME}/ml/pytorch:2.9")


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def inside(registry: FakeRegistry, **more: object) -> RegistrySettings:
    return RegistrySettings(endpoint=registry.url, insecure=True, allow_private=True, **more)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def registry() -> AsyncIterator[FakeRegistry]:
    async with FakeRegistry() as served:
        yield served


@pytest.fixture
async def client(registry: FakeRegistry, clock: Clock) -> AsyncIterator[RegistryClient]:
    made = RegistryClient({NAME: inside(registry)}, budget=1.5, probe_interval=0.02, clock=clock)
    yield made
    await made.close()


def pinned(digest: str) -> ImageReference:
    return parse_reference(f"{NAME}/ml/pytorch@{digest}")


# --- found ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
async def test_image(registry: FakeRegistry, client: RegistryClient, docker: bool) -> None:
    digest = registry.image(
        labels={"dev.studiolo.jupyterhub": "6.1.1"},
        environment=("PATH=/bin", "NVIDIA_REQUIRE_CUDA=cuda>=12.8 brand=tesla"),
        docker=docker,
    )
    answer = await client.check(TAGGED)
    assert (answer.outcome, answer.digest) == (Outcome.FOUND, digest)
    assert answer.labels == {"dev.studiolo.jupyterhub": "6.1.1"}
    assert answer.environment["NVIDIA_REQUIRE_CUDA"] == "cuda>=12.8 brand=tesla"
    assert answer.size is not None
    assert answer.size > 3000


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
async def test_index_keeps_its_own_digest(
    registry: FakeRegistry, client: RegistryClient, docker: bool
) -> None:
    digest = registry.index(labels={"a": "b"}, docker=docker)
    answer = await client.check(TAGGED)
    assert (answer.outcome, answer.digest) == (Outcome.FOUND, digest)
    assert answer.labels == {"a": "b"}


async def test_pinned_reference_goes_by_its_digest(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    digest = registry.image()
    registry.image(labels={"moved": "yes"})
    answer = await client.check(TAGGED.with_digest(digest))
    assert (answer.outcome, answer.digest) == (Outcome.FOUND, digest)
    assert answer.labels == {}


async def test_digest_that_no_header_states_is_computed(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    digest = registry.image()
    content, media_type = registry._manifests["ml/pytorch", "2.9"]
    registry.fault("/manifests/", fake.answers(200, content, Content_Type=media_type))
    answer = await client.check(TAGGED)
    assert (answer.outcome, answer.digest) == (Outcome.FOUND, digest)


async def test_configuration_out_of_reach_does_not_cost_the_answer(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    digest = registry.image(labels={"a": "b"})
    registry.fault("/blobs/", fake.answers(503))
    answer = await client.check(TAGGED)
    assert (answer.outcome, answer.digest, dict(answer.labels)) == (Outcome.FOUND, digest, {})
    assert "configuration" in answer.detail


# --- every other outcome --------------------------------------------------------------------------

Prepare = Callable[[FakeRegistry], object]

STATUSES = {
    "no such tag": (lambda r: r.image(tag="2.8"), Outcome.MISSING, ""),
    "no such repository": (lambda r: None, Outcome.MISSING, ""),
    "401 without a challenge": (lambda r: r.fault("", fake.answers(401)), Outcome.FORBIDDEN, ""),
    "403": (lambda r: r.fault("", fake.answers(403)), Outcome.FORBIDDEN, ""),
    "429": (lambda r: r.fault("", fake.answers(429, Retry_After="7")), Outcome.RATE_LIMITED, ""),
    "500": (lambda r: r.fault("", fake.answers(500)), Outcome.UNREACHABLE, ""),
    "502 with a page": (
        lambda r: r.fault("", fake.answers(502, b"<html>")),
        Outcome.UNREACHABLE,
        "",
    ),
    "a portal's page": (
        lambda r: r.fault("", fake.answers(200, b"<html>", Content_Type="text/html")),
        Outcome.UNREACHABLE,
        "",
    ),
    "hangs up": (lambda r: r.fault("", fake.hangs_up), Outcome.UNREACHABLE, ""),
    "breaks off": (lambda r: r.fault("", fake.breaks_off), Outcome.UNREACHABLE, ""),
    "never answers": (lambda r: r.fault("", r.hang), Outcome.UNREACHABLE, ""),
    "never ends": (lambda r: r.fault("", fake.never_ends), Outcome.WRONG, "image_damaged"),
    "manifest elsewhere": (
        lambda r: r.fault("/manifests/", fake.redirects("http://localhost:1/v2/x/manifests/1")),
        Outcome.UNREACHABLE,
        "",
    ),
    "manifest redirected for ever": (
        lambda r: r.fault("/manifests/", fake.redirects("/v2/ml/pytorch/manifests/2.9")),
        Outcome.UNREACHABLE,
        "",
    ),
    "redirect to nowhere": (
        lambda r: r.fault("/manifests/", fake.redirects("ftp://")),
        Outcome.UNREACHABLE,
        "",
    ),
    "not JSON": (
        lambda r: r.put("ml/pytorch", "2.9", b"{", fake.OCI_MANIFEST),
        Outcome.WRONG,
        "image_damaged",
    ),
    "deeply nested": (
        lambda r: r.put("ml/pytorch", "2.9", b"[" * 100_000, fake.OCI_MANIFEST),
        Outcome.WRONG,
        "image_damaged",
    ),
    "first schema": (
        lambda r: r.put("ml/pytorch", "2.9", b'{"schemaVersion": 1}', "application/json"),
        Outcome.WRONG,
        "image_format",
    ),
    "not an image": (
        lambda r: r.put(
            "ml/pytorch",
            "2.9",
            b'{"schemaVersion": 2, "layers": [], "config": {"size": 2, "mediaType": '
            b'"application/vnd.cncf.helm.config.v1+json", "digest": "sha256:' + b"0" * 64 + b'"}}',
            fake.OCI_MANIFEST,
        ),
        Outcome.WRONG,
        "image_format",
    ),
    "other platform, index": (
        lambda r: r.index(platforms=(("linux", "arm64"),)),
        Outcome.WRONG,
        "wrong_platform",
    ),
    "other platform, image": (
        lambda r: r.image(platform=("linux", "arm64")),
        Outcome.WRONG,
        "wrong_platform",
    ),
    "digest in the header is another": (
        lambda r: r.fault(
            "/manifests/", fake.answers(200, b"{}", Docker_Content_Digest="sha256:" + "0" * 64)
        ),
        Outcome.WRONG,
        "image_damaged",
    ),
    "configuration is another": (
        lambda r: (r.image(), r.fault("/blobs/", fake.answers(200, b"{}"))),
        Outcome.WRONG,
        "image_damaged",
    ),
    "configuration is not there": (
        lambda r: (r.image(), r.fault("/blobs/", fake.answers(404))),
        Outcome.WRONG,
        "image_damaged",
    ),
}


@pytest.mark.parametrize(("prepare", "outcome", "reason"), STATUSES.values(), ids=STATUSES)
async def test_outcome(
    registry: FakeRegistry,
    client: RegistryClient,
    prepare: Prepare,
    outcome: Outcome,
    reason: str,
) -> None:
    prepare(registry)
    answer = await client.check(TAGGED)
    assert (answer.outcome, answer.reason) == (outcome, reason)
    assert answer.detail
    assert "canary-in-a-body" not in repr(answer)


async def test_manifest_behind_an_index_is_gone(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    registry.index()
    registry.fault("/manifests/sha256:", fake.answers(404))
    answer = await client.check(TAGGED)
    assert (answer.outcome, answer.reason) == (Outcome.WRONG, "image_damaged")


async def test_pinned_content_that_is_another(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    registry.image()
    content, media_type = registry._manifests["ml/pytorch", "2.9"]
    wanted = "sha256:" + "1" * 64
    registry._manifests["ml/pytorch", wanted] = (content, media_type)
    answer = await client.check(pinned(wanted))
    assert (answer.outcome, answer.reason) == (Outcome.WRONG, "image_damaged")


async def test_nobody_listens(clock: Clock) -> None:
    async with FakeRegistry() as gone:
        settings = {NAME: inside(gone)}
    client = RegistryClient(settings, budget=0.5, clock=clock)
    answer = await client.check(TAGGED)
    await client.close()
    assert answer.outcome is Outcome.UNREACHABLE


async def test_certificates_that_cannot_be_read(registry: FakeRegistry) -> None:
    settings = RegistrySettings(
        endpoint=registry.url, insecure=True, allow_private=True, ca_file="/nonexistent/ca.pem"
    )
    client = RegistryClient({NAME: settings}, budget=0.5)
    answer = await client.check(TAGGED)
    await client.close()
    assert answer.outcome is Outcome.UNREACHABLE
    assert "ca_file" in answer.detail


# --- round trips and caches -----------------------------------------------------------------------


async def test_cold_check_takes_refusal_token_manifest_configuration(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    registry.auth = "token"
    registry.image()
    assert (await client.check(TAGGED)).outcome is Outcome.FOUND
    kinds = [path.split("/")[-2] if path != "/token" else "token" for path in registry.paths()]
    assert kinds == ["manifests", "token", "manifests", "blobs"]


async def test_second_repository_begins_with_the_token(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    registry.auth = "token"
    registry.image()
    registry.image("ml/jax", "1")
    await client.check(TAGGED)
    registry.requests.clear()
    assert (await client.check(parse_reference(f"{NAME}/ml/jax:1"))).outcome is Outcome.FOUND
    assert [path.split("/")[1] for path in registry.paths()] == ["token", "v2", "v2"]


async def test_answer_is_kept_for_a_while(
    registry: FakeRegistry, client: RegistryClient, clock: Clock
) -> None:
    registry.image()
    first = await client.check(TAGGED)
    registry.requests.clear()
    clock.now += 59
    assert await client.check(TAGGED) is first
    assert registry.requests == []


async def test_tag_that_has_not_moved_is_only_looked_at(
    registry: FakeRegistry, client: RegistryClient, clock: Clock
) -> None:
    registry.image(labels={"a": "b"})
    await client.check(TAGGED)
    registry.requests.clear()
    clock.now += 61
    again = await client.check(TAGGED)
    assert (again.outcome, dict(again.labels)) == (Outcome.FOUND, {"a": "b"})
    assert [seen.method for seen in registry.requests] == ["HEAD"]


async def test_tag_that_has_moved_is_read_again(
    registry: FakeRegistry, client: RegistryClient, clock: Clock
) -> None:
    registry.image()
    await client.check(TAGGED)
    clock.now += 61
    moved = registry.image(labels={"new": "yes"})
    again = await client.check(TAGGED)
    assert (again.digest, dict(again.labels)) == (moved, {"new": "yes"})


@pytest.mark.parametrize("status", [401, 405, 500], ids=str)
async def test_registry_that_cannot_be_looked_at_is_read(
    registry: FakeRegistry, client: RegistryClient, clock: Clock, status: int
) -> None:
    registry.image()
    await client.check(TAGGED)
    clock.now += 61

    async def no_head(request: object) -> None:
        if getattr(request, "method", "") == "HEAD":
            return await fake.answers(status)(request)  # type: ignore[arg-type, return-value]
        return None

    registry.fault("/manifests/", no_head)
    expected = Outcome.FORBIDDEN if status == 401 else Outcome.FOUND
    assert (await client.check(TAGGED)).outcome is expected


async def test_tag_that_was_deleted_is_missing(
    registry: FakeRegistry, client: RegistryClient, clock: Clock
) -> None:
    registry.image()
    await client.check(TAGGED)
    clock.now += 61
    registry._manifests.clear()
    assert (await client.check(TAGGED)).outcome is Outcome.MISSING


async def test_digest_is_known_for_ever(
    registry: FakeRegistry, client: RegistryClient, clock: Clock
) -> None:
    digest = registry.image()
    await client.check(pinned(digest))
    registry.requests.clear()
    clock.now += 1_000_000
    assert (await client.check(pinned(digest))).outcome is Outcome.FOUND
    assert registry.requests == []


async def test_incomplete_answer_is_not_known_for_ever(
    registry: FakeRegistry, client: RegistryClient, clock: Clock
) -> None:
    digest = registry.image(labels={"a": "b"})
    registry.fault("/blobs/", fake.answers(503))
    await client.check(pinned(digest))
    registry.heal()
    clock.now += 61
    assert (await client.check(pinned(digest))).labels == {"a": "b"}


async def test_missing_image_is_asked_for_again_soon(
    registry: FakeRegistry, client: RegistryClient, clock: Clock
) -> None:
    assert (await client.check(TAGGED)).outcome is Outcome.MISSING
    registry.image()
    clock.now += 11
    assert (await client.check(TAGGED)).outcome is Outcome.FOUND


async def test_five_hundred_at_once_ask_once(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    registry.image()
    answers = await asyncio.gather(*(client.check(TAGGED) for _ in range(500)))
    assert {answer.outcome for answer in answers} == {Outcome.FOUND}
    assert len(registry.requests) == 2


async def test_who_gives_up_does_not_take_the_others_along(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    registry.image()
    first = asyncio.ensure_future(client.check(TAGGED))
    second = asyncio.ensure_future(client.check(TAGGED))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).outcome is Outcome.FOUND
    assert first.cancelled() or (await asyncio.wait({first}))
    assert len(registry.requests) == 2


async def test_platforms_have_answers_of_their_own(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    registry.image(platform=("linux", "arm64"))
    assert (await client.check(TAGGED, platform=("linux", "arm64"))).outcome is Outcome.FOUND
    assert (await client.check(TAGGED)).reason == "wrong_platform"


async def test_private_image_is_not_found_for_those_without_its_secret(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    registry.auth, registry.anonymous = "token", False
    registry.users["ada"] = "secret"
    registry.image()
    answer = await client.check(TAGGED, credentials=Credentials("ada", "secret"))
    assert answer.outcome is Outcome.FOUND
    assert (await client.check(TAGGED)).outcome is Outcome.FORBIDDEN


# --- a silent or tired registry -------------------------------------------------------------------


async def wait_for(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_silent_registry_costs_its_time_out_once_and_comes_back(
    registry: FakeRegistry, client: RegistryClient, clock: Clock
) -> None:
    for number in range(20):
        registry.image(tag=f"t{number}")
    registry.fault("", registry.hang)
    assert (await client.check(TAGGED)).outcome is Outcome.UNREACHABLE
    asked = len(registry.paths())
    for number in range(20):
        answer = await client.check(parse_reference(f"{NAME}/ml/pytorch:t{number}"))
        assert answer.outcome is Outcome.UNREACHABLE
    # Nobody's check asked it again; the probe in the background may have
    assert [path for path in registry.paths()[asked:] if path != "/v2/"] == []
    registry.heal()
    await wait_for(lambda: client._breakers.reason_of(NAME) is None)
    answer = await client.check(parse_reference(f"{NAME}/ml/pytorch:t0"))
    assert answer.outcome is Outcome.FOUND


async def test_known_answers_outlive_the_registry(
    registry: FakeRegistry, client: RegistryClient
) -> None:
    registry.image()
    await client.check(TAGGED)
    registry.fault("", registry.hang)
    await client.check(parse_reference(f"{NAME}/ml/pytorch:other"))
    assert (await client.check(TAGGED)).outcome is Outcome.FOUND


async def test_another_registry_is_not_affected(registry: FakeRegistry, clock: Clock) -> None:
    async with FakeRegistry() as other:
        other.image()
        client = RegistryClient(
            {NAME: inside(registry), "other.example": inside(other)}, budget=0.2, clock=clock
        )
        registry.fault("", registry.hang)
        await client.check(TAGGED)
        answer = await client.check(parse_reference("other.example/ml/pytorch:2.9"))
        await client.close()
    assert answer.outcome is Outcome.FOUND


async def test_tired_registry_is_left_alone_as_long_as_it_asks(
    registry: FakeRegistry, client: RegistryClient, clock: Clock
) -> None:
    registry.image(tag="other")
    registry.fault("/2.9", fake.answers(429, Retry_After="20"))
    await client.check(TAGGED)
    registry.requests.clear()
    other = parse_reference(f"{NAME}/ml/pytorch:other")
    assert (await client.check(other)).outcome is Outcome.RATE_LIMITED
    assert registry.requests == []
    clock.now += 21
    assert (await client.check(other)).outcome is Outcome.FOUND


@pytest.mark.parametrize(
    "value", ["", "soon", "-1", "²", "9" * 30, "Wed, 21 Oct 2026 07:28:00 GMT"]
)
async def test_waiting_time_is_bounded(
    registry: FakeRegistry, client: RegistryClient, clock: Clock, value: str
) -> None:
    registry.image()
    registry.fault("", fake.answers(429, Retry_After=value.encode().decode("latin-1")))
    await client.check(TAGGED)
    registry.heal()
    clock.now += 61
    assert (await client.check(TAGGED)).outcome is Outcome.FOUND


async def test_close_ends_what_is_under_way(registry: FakeRegistry, clock: Clock) -> None:
    client = RegistryClient({NAME: inside(registry)}, budget=30, clock=clock)
    registry.fault("", registry.hang)
    waiting = asyncio.ensure_future(client.check(TAGGED))
    await wait_for(lambda: bool(registry.requests))
    await client.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_answer_is_a_value() -> None:
    answer = RegistryAnswer(Outcome.FOUND, digest="sha256:" + "0" * 64)
    with pytest.raises(AttributeError):
        answer.digest = None  # type: ignore[misc]
