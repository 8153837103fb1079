"""Signing in to a real registry server with tokens, over TLS of a private authority."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from studiolo_spawner.docker_config import credentials_in
from studiolo_spawner.reference import parse_reference
from studiolo_spawner.registry import Outcome, RegistryAnswer, RegistryClient, RegistrySettings
from studiolo_spawner.registry_settings import Credentials

from tests.fakes.certificates import Certificate
from tests.fakes.real_registry import RealRegistry, serving
from tests.fakes.token_server import TokenServer

pytestmark = pytest.mark.cluster

NAME = "lab.azurecr.example"
ADA = Credentials("ada", "s3cret-canary")
REFRESH = Credentials("", "", "refresh-canary")
PRIVATE, OPEN = f"{NAME}/team/private:1", f"{NAME}/team/open:1"


@dataclass
class Registry:
    """A registry with a sign-in service, both with certificates of one private authority."""

    server: RealRegistry
    sign_in: TokenServer
    authority: Path
    digest: str

    def client(self, *, trusted: bool = True, ca_file: bool = True) -> RegistryClient:
        settings = RegistrySettings(
            endpoint=self.server.url,
            allow_private=True,
            trusted_hosts=(self.sign_in.host,) if trusted else (),
            ca_file=str(self.authority) if ca_file else None,
        )
        return RegistryClient({NAME: settings}, found_seconds=0, otherwise_seconds=0)


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    authority = Certificate.make("authority of a test")
    server, sign_in = Certificate.make("server", authority), Certificate.make("sign-in", authority)
    tokens = TokenServer(
        Certificate.make("signer of tokens"),
        tls=sign_in.context(tmp_path),
        users={"ada": ADA.password},
        refresh_tokens={REFRESH.identity_token},
        readers={
            "": {"team/open"},
            "ada": {"team/private"},
            "token": {"team/private"},
        },
    )
    tls = {
        "certificate": str(server.write(tmp_path / "registry.crt")),
        "key": str(server.write_key(tmp_path / "registry.key")),
    }
    bundle = authority.write(tmp_path / "authority.crt")
    async with (
        tokens,
        serving(tmp_path, {"tls": tls}, auth=tokens.settings(tmp_path / "signer.crt")) as served,
    ):
        served.ssl = ssl.create_default_context(cafile=bundle)
        served.headers = lambda name: {
            "Authorization": f"Bearer {tokens.token('pusher', name, 'pull', 'push')}"
        }
        digest = await served.push("team/private", "1")
        await served.push("team/open", "1")
        yield Registry(served, tokens, bundle, digest)


async def asked(
    client: RegistryClient, reference: str, credentials: Credentials | None = None
) -> RegistryAnswer:
    answer = await client.check(parse_reference(reference), credentials=credentials)
    await client.close()
    assert "canary" not in repr(answer)
    return answer


CASES = {
    "anonymous": (OPEN, None, Outcome.FOUND),
    "anonymous, private": (PRIVATE, None, Outcome.FORBIDDEN),
    "password": (PRIVATE, ADA, Outcome.FOUND),
    "password, open": (OPEN, ADA, Outcome.FOUND),
    "wrong password": (PRIVATE, Credentials("ada", "guess"), Outcome.FORBIDDEN),
    "wrong password, open": (OPEN, Credentials("ada", "guess"), Outcome.FORBIDDEN),
    "scope that is refused": (f"{NAME}/team/secret:1", ADA, Outcome.FORBIDDEN),
    "no such tag": (f"{NAME}/team/private:2", ADA, Outcome.MISSING),
    "identity token": (PRIVATE, REFRESH, Outcome.FOUND),
    "identity token that is not known": (
        PRIVATE,
        Credentials("", "", "another"),
        Outcome.FORBIDDEN,
    ),
}


@pytest.mark.parametrize(("reference", "credentials", "outcome"), CASES.values(), ids=CASES)
async def test_outcome(
    registry: Registry, reference: str, credentials: Credentials | None, outcome: Outcome
) -> None:
    answer = await asked(registry.client(), reference, credentials)
    assert answer.outcome is outcome, answer
    if outcome is Outcome.FOUND and reference == PRIVATE:
        assert answer.digest == registry.digest
        assert answer.labels == {"dev.studiolo.contract": "1"}


async def test_only_reading_is_asked_for(registry: Registry) -> None:
    await asked(registry.client(), PRIVATE, ADA)
    ((method, query, headers),) = registry.sign_in.seen
    assert method == "GET"
    assert query["scope"] == "repository:team/private:pull"
    assert headers["Authorization"].startswith("Basic ")


async def test_identity_token_goes_in_the_body_only(registry: Registry) -> None:
    await asked(registry.client(), PRIVATE, REFRESH)
    ((method, form, headers),) = registry.sign_in.seen
    assert method == "POST"
    assert form == {
        "grant_type": "refresh_token",
        "refresh_token": REFRESH.identity_token,
        "service": "registry of a test",
        "scope": "repository:team/private:pull",
        "client_id": "studiolo",
    }
    assert "Authorization" not in headers
    assert REFRESH.identity_token not in str(headers)


async def test_token_that_the_registry_finds_expired_is_renewed(registry: Registry) -> None:
    # The service says that its tokens live for a minute; these have died an hour ago.
    registry.sign_in.life = -3600
    client = registry.client()
    reference = parse_reference(PRIVATE)
    assert (await client.check(reference, credentials=ADA)).outcome is Outcome.FORBIDDEN
    registry.sign_in.life = 300
    asked_before = len(registry.sign_in.seen)
    assert (await client.check(reference, credentials=ADA)).outcome is Outcome.FOUND
    assert len(registry.sign_in.seen) == asked_before + 1
    await client.close()


async def test_token_is_used_again(registry: Registry) -> None:
    await registry.server.push("team/private", "2")
    client = registry.client()
    for tag in ("1", "2"):
        reference = parse_reference(f"{NAME}/team/private:{tag}")
        assert (await client.check(reference, credentials=ADA)).outcome is Outcome.FOUND
    await client.close()
    assert len(registry.sign_in.seen) == 1


async def test_sign_in_that_nobody_listed_gets_no_request(registry: Registry) -> None:
    answer = await asked(registry.client(trusted=False), PRIVATE, ADA)
    assert answer.outcome is Outcome.UNREACHABLE
    assert "trusted_hosts" in answer.detail
    assert registry.sign_in.seen == []


async def test_authority_that_nobody_listed_is_not_trusted(registry: Registry) -> None:
    answer = await asked(registry.client(ca_file=False), PRIVATE, ADA)
    assert answer.outcome is Outcome.UNREACHABLE
    assert "certificate" in answer.detail
    assert registry.sign_in.seen == []


async def test_certificate_that_has_expired(registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "expired"
    folder.mkdir()
    expired = Certificate.make("server of a test", days=-1)
    tls = {
        "certificate": str(expired.write(folder / "registry.crt")),
        "key": str(expired.write_key(folder / "registry.key")),
    }
    async with serving(folder, {"tls": tls}) as served:
        settings = RegistrySettings(
            endpoint=served.url, allow_private=True, ca_file=tls["certificate"]
        )
        answer = await asked(RegistryClient({NAME: settings}), OPEN)
    assert answer.outcome is Outcome.UNREACHABLE
    assert "certificate" in answer.detail


# --- as Kubernetes keeps them -------------------------------------------------------------------


def auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


GOOD = auth("ada", ADA.password)
SECRETS = {
    "auth": {NAME: GOOD},
    "fields": {NAME: {"username": "ada", "password": ADA.password}},
    "identitytoken": {NAME: {**auth("0-0", ""), "identitytoken": REFRESH.identity_token}},
    "a star": {"*.azurecr.example": GOOD},
    "the longest path": {NAME: auth("ada", "wrong"), f"{NAME}/team": GOOD},
    "URL": {f"https://{NAME}/v2/": GOOD},
}


@pytest.mark.parametrize("auths", SECRETS.values(), ids=SECRETS)
async def test_pull_secret(registry: Registry, auths: dict[str, dict[str, str]]) -> None:
    found = credentials_in(json.dumps({"auths": auths}), NAME, "team/private")
    answer = await asked(registry.client(), PRIVATE, found[0])
    assert answer.outcome is Outcome.FOUND
