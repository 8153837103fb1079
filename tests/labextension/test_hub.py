"""Stopping through the hub: one request, on the right path, with a token that nobody else sees."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from jupyterlab_studiolo.errors import HubFault
from jupyterlab_studiolo.hub import HubClient, HubConnection, hub_from_environment

from tests.labextension.running_server import HUB_TOKEN, FakeHub, environment_in_hub


def connection(hub: FakeHub, **more: str) -> HubConnection:
    found = hub_from_environment(environment_in_hub(hub.url) | more)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("user", "server", "path"),
    [
        pytest.param("ada", "", "/hub/api/users/ada/server", id="default server"),
        pytest.param("ada", "big", "/hub/api/users/ada/servers/big", id="named server"),
        pytest.param("a/../b", "", "/hub/api/users/a%2F..%2Fb/server", id="slashes"),
        pytest.param("ada@x.org", "", "/hub/api/users/ada@x.org/server", id="at sign"),
        pytest.param("ä?#", "é b", "/hub/api/users/%C3%A4%3F%23/servers/%C3%A9%20b", id="escapes"),
    ],
)
async def test_asks_once_on_the_right_path(user: str, server: str, path: str) -> None:
    async with FakeHub() as hub:
        more = {"JUPYTERHUB_USER": user, "JUPYTERHUB_SERVER_NAME": server}
        await HubClient(connection(hub, **more)).stop()
        assert hub.seen == [("DELETE", path, f"token {HUB_TOKEN}")]


@pytest.mark.parametrize(
    "missing", ["JUPYTERHUB_API_URL", "JUPYTERHUB_API_TOKEN", "JUPYTERHUB_USER"]
)
def test_is_not_in_a_hub_without(missing: str) -> None:
    assert hub_from_environment(environment_in_hub("http://hub") | {missing: ""}) is None


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_takes_the_hubs_yes(status: int) -> None:
    async with FakeHub(status=status) as hub:
        await HubClient(connection(hub)).stop()
        assert len(hub.seen) == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "hub_busy"),
        (401, "hub_forbidden"),
        (403, "hub_forbidden"),
        (404, "hub_unknown"),
        (429, "hub_error"),
        (500, "hub_error"),
        (503, "hub_error"),
    ],
)
async def test_puts_the_hubs_no_into_own_words(
    status: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeHub(status=status) as hub:
        with pytest.raises(HubFault) as caught:
            await HubClient(connection(hub)).stop()
    assert caught.value.reason == reason
    assert_clean(caught.value.user_message)
    assert_clean(caplog.text)


async def test_does_not_follow_a_redirect_with_the_token() -> None:
    async with FakeHub() as other, FakeHub(status=302, location=other.url) as hub:
        with pytest.raises(HubFault):
            await HubClient(connection(hub)).stop()
        assert other.seen == []


async def test_says_that_the_hub_is_away(caplog: pytest.LogCaptureFixture) -> None:
    async with FakeHub() as hub:
        gone = connection(hub)
    with pytest.raises(HubFault) as caught:
        await HubClient(gone).stop()
    assert caught.value.reason == "hub_unreachable"
    assert_clean(caplog.text)


async def test_does_not_wait_for_the_end_of_a_stop() -> None:
    async with FakeHub(delay=1.0) as hub:
        await asyncio.wait_for(HubClient(connection(hub), refusal_seconds=0.05).stop(), 0.9)


async def test_two_clicks_are_one_stop() -> None:
    async with FakeHub(delay=0.2) as hub:
        stopper = HubClient(connection(hub), refusal_seconds=0.05)
        await asyncio.gather(stopper.stop(), stopper.stop())
        await stopper.stop()
        assert len(hub.seen) == 1


async def test_asks_again_after_a_refusal() -> None:
    async with FakeHub(status=503) as hub:
        stopper = HubClient(connection(hub))
        with pytest.raises(HubFault):
            await stopper.stop()
        hub.status = 204
        await stopper.stop()
        assert len(hub.seen) == 2


def test_does_not_print_its_token() -> None:
    found: Any = hub_from_environment(environment_in_hub("http://hub"))
    assert_clean(repr(found))


def assert_clean(text: str) -> None:
    assert HUB_TOKEN not in text
    assert "Traceback" not in text
