"""Where an image check may connect to: the rule, and that nothing gets past it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.addresses import refusal_of
from studiolo_spawner.reference import parse_reference
from studiolo_spawner.registry import Outcome, RegistryClient, RegistrySettings

from tests.fakes import registry as fake
from tests.fakes.canary import Canary
from tests.fakes.registry import FakeRegistry

# address, refused from outside, refused even where private addresses are listed
RULE = {
    "public": ("93.184.216.34", False, False),
    "public IPv6": ("2606:2800:220:1::1", False, False),
    "loopback": ("127.0.0.1", True, False),
    "loopback elsewhere": ("127.77.3.9", True, False),
    "loopback IPv6": ("::1", True, False),
    "private 10": ("10.96.0.1", True, False),
    "private 172.16": ("172.20.0.10", True, False),
    "private 192.168": ("192.168.1.1", True, False),
    "unique local": ("fd12:3456::1", True, False),
    "shared (CGNAT)": ("100.64.0.1", True, False),
    "mapped loopback": ("::ffff:127.0.0.1", True, False),
    "mapped private": ("::ffff:10.0.0.1", True, False),
    "NAT64 of a private one": ("64:ff9b::10.0.0.1", True, False),
    "6to4 of a private one": ("2002:0a00:0001::1", True, False),
    "compatible form of a private one": ("::10.0.0.1", True, False),
    "metadata": ("169.254.169.254", True, True),
    "metadata, mapped": ("::ffff:169.254.169.254", True, True),
    "metadata, NAT64": ("64:ff9b::169.254.169.254", True, True),
    "metadata IPv6 of AWS": ("fd00:ec2::254", True, True),
    "metadata of Alibaba": ("100.100.100.200", True, True),
    "metadata of Oracle": ("192.0.0.192", True, True),
    "wire server of Azure": ("168.63.129.16", True, True),
    "link-local": ("169.254.1.1", True, True),
    "link-local IPv6 with a zone": ("fe80::1%eth0", True, True),
    "unspecified": ("0.0.0.0", True, True),
    "unspecified IPv6": ("::", True, True),
    "multicast": ("224.0.0.1", True, True),
    "broadcast": ("255.255.255.255", True, True),
    "reserved": ("240.0.0.1", True, True),
    "no address": ("registry.example", True, True),
    "decimal form": ("2130706433", True, True),
    "short form": ("127.1", True, True),
}


@pytest.mark.parametrize(("address", "outside", "inside"), RULE.values(), ids=RULE)
def test_rule(address: str, outside: bool, inside: bool) -> None:
    assert (refusal_of(address, False) is not None) is outside
    assert (refusal_of(address, True) is not None) is inside


@given(st.ip_addresses(v=4))
def test_no_way_of_writing_an_address_opens_it(address: object) -> None:
    """What is refused as IPv4 is refused in every IPv6 form that stands for it."""
    plain = refusal_of(str(address), False)
    for form in ("::ffff:{}", "64:ff9b::{}"):
        written = form.format(address)
        assert (refusal_of(written, False) is not None) == (plain is not None), written


# --- nothing gets past it -------------------------------------------------------------------------


class Names(AbstractResolver):
    """A name server whose answers are said beforehand, the last one again and again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        now = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in now
        ]

    async def close(self) -> None:
        return None


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    async with Canary() as listening:
        yield listening
        assert listening.connections == 0


def over_http(**more: object) -> RegistrySettings:
    return RegistrySettings(insecure=True, **more)  # type: ignore[arg-type]


LITERALS = ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost"]


@pytest.mark.parametrize("host", LITERALS)
async def test_listener_inside_is_never_reached(canary: Canary, host: str) -> None:
    registry = f"{host}:{canary.port}"
    client = RegistryClient({registry: over_http()}, budget=2)
    answer = await client.check(parse_reference(f"{registry}/ml/pytorch:2.9"))
    await client.close()
    assert answer.outcome is Outcome.UNREACHABLE
    assert "allow_private" in answer.detail


@pytest.mark.parametrize(
    "resolved",
    [
        pytest.param(["127.0.0.1"], id="loopback"),
        pytest.param(["93.184.216.34", "127.0.0.1"], id="public and loopback at once"),
        pytest.param(["::ffff:127.0.0.1"], id="mapped"),
        pytest.param(["169.254.169.254"], id="metadata"),
    ],
)
async def test_name_that_leads_inside(canary: Canary, resolved: list[str]) -> None:
    registry = f"evil.example:{canary.port}"
    client = RegistryClient({registry: over_http()}, budget=2, resolver=lambda: Names(resolved))
    answer = await client.check(parse_reference(f"{registry}/ml/pytorch:2.9"))
    await client.close()
    assert answer.outcome is Outcome.UNREACHABLE


def as_if_public(address: str, allow_private: bool) -> str | None:
    """The rule, with 127.0.0.2 in the part of a public address: tests reach no other."""
    return None if address == "127.0.0.2" else refusal_of(address, allow_private)


async def test_name_that_is_public_first_and_inside_then(canary: Canary) -> None:
    """DNS rebinding: whatever the second answer is, it is checked like the first."""
    async with FakeRegistry(host="127.0.0.2", port=canary.port) as public:
        public.image()
        public.image(tag="2.8")
        # Every connection is ended, so that each request needs another one, and another answer
        public.fault("/blobs/", fake.hangs_up)
        registry = f"evil.example:{canary.port}"
        names = Names(["127.0.0.2"], ["127.0.0.1"])
        client = RegistryClient(
            {registry: over_http()}, budget=2, resolver=lambda: names, rule=as_if_public
        )
        first = await client.check(parse_reference(f"{registry}/ml/pytorch:2.9"))
        # Longer than names are remembered is long; the connector's memory is emptied instead
        for session in client._exchange._sessions.values():
            session.connector.clear_dns_cache()  # type: ignore[union-attr]
        second = await client.check(parse_reference(f"{registry}/ml/pytorch:2.8"))
        await client.close()
    assert first.outcome is Outcome.FOUND
    assert second.outcome is Outcome.UNREACHABLE
    assert "private network" in second.detail


async def test_canary_sings_when_the_rule_is_taken_away() -> None:
    """The tests above would notice."""
    async with Canary() as reached:
        registry = f"evil.example:{reached.port}"
        client = RegistryClient(
            {registry: over_http()},
            budget=2,
            resolver=lambda: Names(["127.0.0.1"]),
            rule=lambda address, allow_private: None,
        )
        await client.check(parse_reference(f"{registry}/ml/pytorch:2.9"))
        await client.close()
    assert reached.connections > 0


@pytest.mark.parametrize("target", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("what", ["manifests", "blobs"])
async def test_redirect_that_leads_inside(canary: Canary, what: str, target: str) -> None:
    async with FakeRegistry(host="127.0.0.2") as public:
        public.image(labels={"a": "b"})
        public.fault(f"/{what}/", fake.redirects(f"http://{target}:{canary.port}/secret"))
        registry = f"127.0.0.2:{public.port}"
        client = RegistryClient({registry: over_http()}, budget=2, rule=as_if_public)
        answer = await client.check(parse_reference(f"{registry}/ml/pytorch:2.9"))
        await client.close()
    expected = Outcome.UNREACHABLE if what == "manifests" else Outcome.FOUND
    assert (answer.outcome, dict(answer.labels)) == (expected, {})


async def test_listed_registry_cannot_lead_to_another_private_host(canary: Canary) -> None:
    """allow_private is for the registry itself, not for wherever it points."""
    async with FakeRegistry() as private:
        private.image(labels={"a": "b"})
        private.fault("/blobs/", fake.redirects(f"http://127.0.0.1:{canary.port}/secret"))
        settings = {"registry.example": over_http(endpoint=private.url, allow_private=True)}
        client = RegistryClient(settings, budget=2)
        answer = await client.check(parse_reference("registry.example/ml/pytorch:2.9"))
        await client.close()
    assert (answer.outcome, dict(answer.labels)) == (Outcome.FOUND, {})


async def test_listed_storage_host_is_reached_without_our_headers() -> None:
    async with FakeRegistry(auth="token") as private, FakeRegistry() as storage:
        private.image(labels={"a": "b"})
        (digest,) = private._blobs
        storage._blobs.update(private._blobs)
        blob = f"{storage.url}/v2/bucket/blobs/{digest}?signature=s"
        private.fault("/blobs/", fake.redirects(blob))
        settings = over_http(
            endpoint=private.url,
            allow_private=True,
            trusted_hosts=(f"{storage.host}:{storage.port}",),
        )
        client = RegistryClient({"registry.example": settings}, budget=2)
        answer = await client.check(parse_reference("registry.example/ml/pytorch:2.9"))
        await client.close()
        assert answer.labels == {"a": "b"}
        assert [seen.query for seen in storage.requests] == [{"signature": "s"}]
        assert "Authorization" not in storage.requests[0].headers


async def test_environment_proxy_is_not_used(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    async with FakeRegistry() as private:
        private.image()
        settings = {"registry.example": over_http(endpoint=private.url, allow_private=True)}
        client = RegistryClient(settings, budget=2)
        answer = await client.check(parse_reference("registry.example/ml/pytorch:2.9"))
        await client.close()
    assert answer.outcome is Outcome.FOUND
