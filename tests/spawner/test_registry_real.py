"""The same checks against a real registry server (Debian's docker-registry)."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from studiolo_spawner.reference import parse_reference
from studiolo_spawner.registry import Outcome, RegistryClient, RegistrySettings
from studiolo_spawner.registry_auth import basic
from studiolo_spawner.registry_settings import Credentials

from tests.fakes.certificates import Certificate
from tests.fakes.real_registry import RealRegistry, serving

pytestmark = pytest.mark.cluster

NAME = "registry.example"
ADA = Credentials("ada", "s3cret-canary")
# The password above as htpasswd -B writes it; the server knows no other form
HTPASSWD = "ada:$2b$05$XyfcRgDDegIbQa7zuBdhdO3pk5PdNcvj8K2fm.upZ7HILgSjViZsm\n"


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[RealRegistry]:
    async with serving(tmp_path, {}) as served:
        yield served


@pytest.fixture
async def client(registry: RealRegistry) -> AsyncIterator[RegistryClient]:
    settings = RegistrySettings(endpoint=registry.url, insecure=True, allow_private=True)
    made = RegistryClient({NAME: settings})
    yield made
    await made.close()


async def test_image(registry: RealRegistry, client: RegistryClient) -> None:
    digest = await registry.push("ml/pytorch", "2.9")
    answer = await client.check(parse_reference(f"{NAME}/ml/pytorch:2.9"))
    assert (answer.outcome, answer.digest) == (Outcome.FOUND, digest)
    assert answer.labels == {"dev.studiolo.contract": "1"}
    assert answer.environment == {"PATH": "/bin"}


async def test_index(registry: RealRegistry, client: RegistryClient) -> None:
    digest = await registry.push_index("ml/pytorch", "2.9")
    answer = await client.check(parse_reference(f"{NAME}/ml/pytorch:2.9"))
    assert (answer.outcome, answer.digest) == (Outcome.FOUND, digest)
    by_digest = await client.check(parse_reference(f"{NAME}/ml/pytorch@{digest}"))
    assert by_digest.outcome is Outcome.FOUND


async def test_other_platform(registry: RealRegistry, client: RegistryClient) -> None:
    await registry.push("ml/pytorch", "2.9", machine="arm64")
    answer = await client.check(parse_reference(f"{NAME}/ml/pytorch:2.9"))
    assert (answer.outcome, answer.reason) == (Outcome.WRONG, "wrong_platform")


@pytest.mark.parametrize(
    "name",
    ["ml/pytorch:2.8", "ml/nosuch:1", f"ml/pytorch@sha256:{'0' * 64}"],
    ids=["tag", "repository", "digest"],
)
async def test_missing(registry: RealRegistry, client: RegistryClient, name: str) -> None:
    await registry.push("ml/pytorch", "2.9")
    answer = await client.check(parse_reference(f"{NAME}/{name}"))
    assert answer.outcome is Outcome.MISSING


# --- with credentials -----------------------------------------------------------------------------


async def test_credentials(tmp_path: Path) -> None:
    (tmp_path / "htpasswd").write_text(HTPASSWD, encoding="ascii")
    auth = {"htpasswd": {"realm": "ours", "path": str(tmp_path / "htpasswd")}}
    async with serving(tmp_path, {}, auth=auth) as registry:
        registry.headers = lambda _repository: {"Authorization": basic(ADA)}
        await registry.push("ml/pytorch", "2.9")
        settings = RegistrySettings(endpoint=registry.url, insecure=True, allow_private=True)
        client = RegistryClient({NAME: settings})
        reference = parse_reference(f"{NAME}/ml/pytorch:2.9")
        signed_in = await client.check(reference, credentials=ADA)
        stranger = await client.check(reference)
        guessing = await client.check(reference, credentials=Credentials("ada", "guess"))
        await client.close()
    outcomes = [answer.outcome for answer in (signed_in, stranger, guessing)]
    assert outcomes == [Outcome.FOUND, Outcome.FORBIDDEN, Outcome.FORBIDDEN]


# --- with TLS -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trusted", "outcome"), [(True, Outcome.FOUND), (False, Outcome.UNREACHABLE)]
)
async def test_tls(tmp_path: Path, trusted: bool, outcome: Outcome) -> None:
    made = Certificate.make("registry of a test")
    certificate = made.write(tmp_path / "registry.crt")
    key = made.write_key(tmp_path / "registry.key")
    tls = {"certificate": str(certificate), "key": str(key)}
    async with serving(tmp_path, {"tls": tls}) as registry:
        registry.ssl = ssl.create_default_context(cafile=str(certificate))
        await registry.push("ml/pytorch", "2.9")
        settings = RegistrySettings(
            endpoint=registry.url,
            allow_private=True,
            ca_file=str(certificate) if trusted else None,
        )
        client = RegistryClient({NAME: settings})
        answer = await client.check(parse_reference(f"{NAME}/ml/pytorch:2.9"))
        await client.close()
    assert answer.outcome is outcome
    assert trusted or "certificate" in answer.detail


async def test_tls_is_not_given_up_for_plain_http(registry: RealRegistry) -> None:
    settings = RegistrySettings(
        endpoint=registry.url.replace("http://", "https://"), allow_private=True
    )
    client = RegistryClient({NAME: settings})
    answer = await client.check(parse_reference(f"{NAME}/ml/pytorch:2.9"))
    await client.close()
    assert answer.outcome is Outcome.UNREACHABLE
