"""What tokens may do, asked of a real hub's API."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from studiolo_hub import roles

from tests.fakes.oidc import FakeIssuer
from tests.hub.running_hub import CATALOGUE, Browser, RunningHub, hub_settings, running_hub

in_module = pytest.mark.asyncio(loop_scope="module")

POLICIES = """
  - {id: brief, display_name: Brief, cpu: 1, memory: 1Gi, idle: {timeout: 2s, warn_before: 1s}}
  - {id: endless, display_name: Endless, cpu: 1, memory: 1Gi, idle: {timeout: never}}
  - {id: mortal, display_name: Mortal, cpu: 1, memory: 1Gi, idle: {timeout: never},
     max_lifetime: 3s}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    issuer: FakeIssuer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningHub]:
    """A hub whose culler looks at every second."""
    folder = tmp_path_factory.mktemp("hub")
    settings = hub_settings(
        folder, issuer, culling={"enabled": True, "every": "1s", "report_every": "1s"}
    )
    (folder / "catalogue.yaml").write_text(CATALOGUE + POLICIES.lstrip("\n"))
    async with running_hub(folder, settings) as running:
        yield running


async def started(hub: RunningHub, issuer: FakeIssuer, name: str, profile: str) -> Browser:
    issuer.claims = {"email": f"{name}@example.org", "email_verified": True, "groups": ["ml"]}
    browser = Browser(hub)
    await browser.sign_in()
    await browser.press(await browser.get("spawn"), "", image="good", profile=profile)
    assert await state_of(browser, "running")
    return browser


async def state_of(browser: Browser, state: str, seconds: float = 15) -> bool:
    for _ in range(int(seconds * 10)):
        if f'data-state="{state}"' in (await browser.get("home")).text:
            return True
        await asyncio.sleep(0.1)
    return False


async def asked(hub: RunningHub, token: str, method: str, path: str) -> int:
    headers = {"Authorization": f"token {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, hub.address(f"api/{path}")) as answer,
    ):
        return answer.status


@in_module
async def test_a_workspace_stops_itself_and_nothing_else(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with (
        await started(hub, issuer, "own", "endless") as own,
        await started(hub, issuer, "other", "endless") as other,
    ):
        token = (hub.folder / "token-own@example.org-").read_text()
        for method, path in (
            ("DELETE", "users/other@example.org/server"),
            ("DELETE", "users/own@example.org"),
            ("POST", "users/own@example.org/servers/more"),
            ("GET", "users"),
            ("GET", "users/other@example.org"),
            ("POST", "users/own@example.org/tokens"),
            ("POST", "shutdown"),
        ):
            assert await asked(hub, token, method, path) in {403, 404}, (method, path)
        assert await asked(hub, token, "DELETE", "users/own@example.org/server") in {202, 204}
        assert await state_of(own, "stopped")
        assert await state_of(other, "running")


@in_module
async def test_the_culler_applies_the_profiles_policies(
    hub: RunningHub, issuer: FakeIssuer
) -> None:
    async with (
        await started(hub, issuer, "brief", "brief") as brief,
        await started(hub, issuer, "endless", "endless") as endless,
        await started(hub, issuer, "mortal", "mortal") as mortal,
    ):
        assert await state_of(brief, "stopped")
        assert "Your files are kept." in (await brief.get("home")).words
        assert await state_of(mortal, "stopped")
        assert await state_of(endless, "running")
    assert b"brief@example.org/ is stopped: it was idle for its profile's 0:00:02" in hub.log
    assert b"mortal@example.org/ is stopped: it has run for its maximum of 0:00:03" in hub.log
    assert b"Traceback" not in hub.log


def test_the_culler_deletes_nobody_and_reads_no_state() -> None:
    assert not {"delete:users", "admin:users", "admin:servers", "admin:server_state"} & set(
        roles.CULLER_SCOPES
    )
    assert roles.service_roles(culling=False) == []
    (role,) = roles.service_roles(culling=True)
    assert role["services"] == [roles.CULLER]


@in_module
async def test_prometheus_reads_the_metrics_and_nothing_else(
    issuer: FakeIssuer, tmp_path: Path
) -> None:
    token = "a-token-for-prometheus"
    settings = hub_settings(tmp_path, issuer, hub={"metrics_token": token})
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        running_hub(tmp_path, settings) as hub,
        aiohttp.ClientSession(headers=headers) as prometheus,
        aiohttp.ClientSession() as stranger,
    ):
        async with prometheus.get(hub.address("metrics")) as answer:
            assert answer.status == 200
            assert "jupyterhub_running_servers" in await answer.text()
        async with prometheus.get(hub.address("api/users")) as answer:
            assert answer.status == 403
        async with stranger.get(hub.address("metrics")) as answer:
            assert answer.status == 403


def test_a_workspaces_scopes_end_at_itself() -> None:
    assert all("!" in scope for scope in roles.WORKSPACE_SCOPES)
