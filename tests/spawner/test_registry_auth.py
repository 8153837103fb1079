"""Signing in to registries: challenges, tokens, and that credentials go nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.reference import parse_reference
from studiolo_spawner.registry import Outcome, RegistryClient, RegistrySettings
from studiolo_spawner.registry_auth import Challenge, checked_realm, parse_challenges
from studiolo_spawner.registry_http import Trouble
from studiolo_spawner.registry_settings import Credentials, endpoint_of

from tests.fakes import registry as fake
from tests.fakes.registry import FakeRegistry

NAME = "registry.example"
TAGGED = parse_reference(f"{NAME}/ml/pytorch:2.9")
ADA = Credentials("ada", "s3cret-canary")

CHALLENGES = {
    "token": (
        ['Bearer realm="https://auth.example/token",service="registry"'],
        (Challenge("bearer", "https://auth.example/token", "registry"),),
    ),
    "comma in quotes": (
        ['Bearer realm="https://a.example/t",scope="repository:x:pull,push",service="s"'],
        (Challenge("bearer", "https://a.example/t", "s"),),
    ),
    "any case, any space": (
        ['bEaReR  Realm = "https://a.example/t" , SERVICE=s'],
        (Challenge("bearer", "https://a.example/t", "s"),),
    ),
    "escaped": (
        [r'Basic realm="the \"best\" registry"'],
        (Challenge("basic", 'the "best" registry'),),
    ),
    "two headers": (
        ['Basic realm="r"', 'Bearer realm="https://a.example/t"'],
        (Challenge("basic", "r"), Challenge("bearer", "https://a.example/t")),
    ),
    "unknown one is passed over": (['Negotiate', 'Basic realm="r"'], (Challenge("basic", "r"),)),
    "first of two realms counts": (
        ['Bearer realm="https://a.example/t",realm="https://evil.example/t"'],
        (Challenge("bearer", "https://a.example/t"),),
    ),
    "empty": ([""], ()),
    "no header": ([], ()),
}  # fmt: skip


@pytest.mark.parametrize(("headers", "expected"), CHALLENGES.values(), ids=CHALLENGES)
def test_challenges(headers: list[str], expected: tuple[Challenge, ...]) -> None:
    assert parse_challenges(headers) == expected


@given(st.lists(st.text(max_size=200), max_size=3))
def test_any_header_is_read(headers: list[str]) -> None:
    assert all(one.scheme in {"bearer", "basic"} for one in parse_challenges(headers))


# --- where a realm may be -------------------------------------------------------------------------

REALMS = {
    "own host": ("https://registry.example/token", True),
    "own host, default port": ("https://registry.example:443/token", True),
    "listed host": ("https://auth.example/token", True),
    "listed host and port": ("https://sso.example:8443/token", True),
    "other host": ("https://evil.example/token", False),
    "own host, other port": ("https://registry.example:444/token", False),
    "listed host, other port": ("https://auth.example:444/token", False),
    "listed with port, without it": ("https://sso.example/token", False),
    "own host as a prefix": ("https://registry.example.evil.example/token", False),
    "own host as user name": ("https://registry.example@evil.example/token", False),
    "own host with user name": ("https://user@registry.example/token", False),
    "without TLS": ("http://registry.example/token", False),
    "other scheme": ("ftp://registry.example/token", False),
    "relative": ("/token", False),
    "no host": ("https:///token", False),
    "empty": ("", False),
    "bad port": ("https://registry.example:99999/token", False),
    "address literal": ("https://127.0.0.1/token", False),
}


@pytest.mark.parametrize(("realm", "allowed"), REALMS.values(), ids=REALMS)
def test_realm(realm: str, allowed: bool) -> None:
    settings = RegistrySettings(trusted_hosts=("auth.example", "sso.example:8443"))
    endpoint = endpoint_of(NAME, settings)
    if allowed:
        assert str(checked_realm(endpoint, realm)).startswith("https://")
    else:
        with pytest.raises(Trouble) as refused:
            checked_realm(endpoint, realm)
        assert refused.value.outcome is Outcome.UNREACHABLE


def test_docker_hubs_sign_in_is_known() -> None:
    endpoint = endpoint_of("docker.io", None)
    assert checked_realm(endpoint, "https://auth.docker.io/token").host == "auth.docker.io"


def test_hostile_host_is_shown_in_one_plain_line() -> None:
    with pytest.raises(Trouble) as refused:
        checked_realm(endpoint_of(NAME, None), f"https://{'a' * 60}.{'b' * 60}.example/token")
    assert "\n" not in refused.value.detail
    assert len(refused.value.detail) < 250


# --- over HTTP ------------------------------------------------------------------------------------


@pytest.fixture
async def registry() -> AsyncIterator[FakeRegistry]:
    async with FakeRegistry(auth="token", users={ADA.username: ADA.password}) as served:
        served.image()
        yield served


def client_for(registry: FakeRegistry, *trusted: str, signed_in: bool = False) -> RegistryClient:
    settings = RegistrySettings(
        endpoint=registry.url,
        insecure=True,
        allow_private=True,
        trusted_hosts=trusted,
        username=ADA.username if signed_in else None,
        password=ADA.password if signed_in else None,
    )
    return RegistryClient({NAME: settings}, budget=2)


async def outcome_of(client: RegistryClient, credentials: Credentials | None = None) -> Outcome:
    answer = await client.check(TAGGED, credentials=credentials)
    await client.close()
    assert ADA.password not in repr(answer)
    return answer.outcome


async def test_anonymous_token_asks_for_reading_only(registry: FakeRegistry) -> None:
    assert await outcome_of(client_for(registry)) is Outcome.FOUND
    (asked,) = [seen for seen in registry.requests if seen.path == "/token"]
    assert asked.query == {"service": "fake", "scope": "repository:ml/pytorch:pull"}
    assert "Authorization" not in asked.headers


@pytest.mark.parametrize("given_as", ["settings", "pull secret"])
async def test_token_with_credentials(registry: FakeRegistry, given_as: str) -> None:
    registry.anonymous = False
    by_settings = given_as == "settings"
    client = client_for(registry, signed_in=by_settings)
    assert await outcome_of(client, None if by_settings else ADA) is Outcome.FOUND


@pytest.mark.parametrize(
    ("credentials", "reason"), [(None, "nodes_only"), (Credentials("ada", "guess"), "")]
)
async def test_registry_that_only_the_machines_may_read(
    registry: FakeRegistry, credentials: Credentials | None, reason: str
) -> None:
    registry.anonymous = False
    settings = RegistrySettings(
        endpoint=registry.url, insecure=True, allow_private=True, nodes_sign_in=True
    )
    client = RegistryClient({NAME: settings}, budget=2)
    answer = await client.check(TAGGED, credentials=credentials)
    await client.close()
    assert (answer.outcome, answer.reason) == (Outcome.FORBIDDEN, reason)


async def test_wrong_password_is_forbidden(registry: FakeRegistry) -> None:
    wrong = Credentials("ada", "guess")
    assert await outcome_of(client_for(registry), wrong) is Outcome.FORBIDDEN


async def test_private_registry_without_credentials_is_forbidden(registry: FakeRegistry) -> None:
    registry.anonymous = False
    assert await outcome_of(client_for(registry)) is Outcome.FORBIDDEN


@pytest.mark.parametrize(("user", "outcome"), [(ADA, Outcome.FOUND), (None, Outcome.FORBIDDEN)])
async def test_basic(registry: FakeRegistry, user: Credentials | None, outcome: Outcome) -> None:
    registry.auth = "basic"
    assert await outcome_of(client_for(registry), user) is outcome


async def test_credentials_are_not_sent_unasked(registry: FakeRegistry) -> None:
    registry.auth = ""
    assert await outcome_of(client_for(registry, signed_in=True)) is Outcome.FOUND
    assert not [seen for seen in registry.requests if "Authorization" in seen.headers]


async def test_evil_realm_gets_nothing(registry: FakeRegistry) -> None:
    async with FakeRegistry() as evil:
        registry.realm = f"{evil.url}/token"
        client = client_for(registry, signed_in=True)
        answer = await client.check(TAGGED)
        await client.close()
        assert answer.outcome is Outcome.UNREACHABLE
        assert "trusted_hosts" in answer.detail
        assert evil.requests == []


async def test_listed_realm_gets_the_credentials(registry: FakeRegistry) -> None:
    async with FakeRegistry(users=registry.users) as sign_in:
        sign_in._tokens = registry._tokens
        registry.realm = f"{sign_in.url}/token"
        client = client_for(registry, f"{sign_in.host}:{sign_in.port}", signed_in=True)
        assert await outcome_of(client) is Outcome.FOUND
        assert len(sign_in.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308], ids=str)
async def test_realm_that_redirects_gets_no_further(registry: FakeRegistry, status: int) -> None:
    async with FakeRegistry() as evil:
        registry.fault("/token", fake.redirects(f"{evil.url}/token", status))
        client = client_for(registry, signed_in=True)
        assert await outcome_of(client) is Outcome.UNREACHABLE
        assert evil.requests == []


@pytest.mark.parametrize("what", ["manifests", "blobs"])
async def test_redirect_to_another_host_takes_no_credentials_along(
    registry: FakeRegistry, what: str
) -> None:
    async with FakeRegistry() as evil:
        registry.fault(f"/{what}/", fake.redirects(f"{evil.url}/steal"))
        registry.auth = "basic"
        client = client_for(registry, f"{evil.host}:{evil.port}", signed_in=True)
        await outcome_of(client)
        assert not [seen for seen in evil.requests if "Authorization" in seen.headers]
        assert what == "blobs" or evil.requests == []


TOKENS = {
    "missing": b"{}",
    "not JSON": b"<html>",
    "not text": b'{"token": 7}',
    "header injection": b'{"token": "a\\r\\nX-Evil: 1"}',
    "empty": b'{"token": ""}',
    "list": b"[]",
}


@pytest.mark.parametrize("body", TOKENS.values(), ids=TOKENS)
async def test_useless_token(registry: FakeRegistry, body: bytes) -> None:
    registry.fault("/token", fake.answers(200, body))
    assert await outcome_of(client_for(registry)) is Outcome.UNREACHABLE


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (401, Outcome.FORBIDDEN),
        (403, Outcome.FORBIDDEN),
        (404, Outcome.UNREACHABLE),
        (429, Outcome.RATE_LIMITED),
        (500, Outcome.UNREACHABLE),
    ],
    ids=str,
)
async def test_sign_in_that_refuses(registry: FakeRegistry, status: int, outcome: Outcome) -> None:
    registry.fault("/token", fake.answers(status))
    assert await outcome_of(client_for(registry)) is outcome


async def test_token_that_is_not_taken_is_forbidden(registry: FakeRegistry) -> None:
    registry.fault("/token", fake.answers(200, b'{"access_token": "nobody-knows-it"}'))
    assert await outcome_of(client_for(registry)) is Outcome.FORBIDDEN


async def test_token_that_was_taken_back_is_renewed(registry: FakeRegistry) -> None:
    registry.image(tag="2.8")
    client = client_for(registry)
    await client.check(TAGGED)
    registry.forget_tokens()
    answer = await client.check(parse_reference(f"{NAME}/ml/pytorch:2.8"))
    await client.close()
    assert answer.outcome is Outcome.FOUND
    assert registry.paths().count("/token") == 2


async def test_token_without_a_life_is_used_for_a_minute(registry: FakeRegistry) -> None:
    registry.token_life = None
    registry.image(tag="2.8")
    client = client_for(registry)
    await client.check(TAGGED)
    await client.check(parse_reference(f"{NAME}/ml/pytorch:2.8"))
    await client.close()
    assert registry.paths().count("/token") == 1
