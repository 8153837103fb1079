"""What JupyterHub itself would answer with an error of its own, asked of a real hub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.hub_process import HubProcess, xsrf_of

CONFIG = """
import asyncio
from jupyterhub.auth import DummyAuthenticator
from jupyterhub.spawner import Spawner
from studiolo_hub.stopping import starts_to_come
from studiolo_hub.strict_handlers import strict_handlers

starts_to_come["ana", "restarting"] = None

class Authenticator(DummyAuthenticator):
    def get_handlers(self, app):
        return strict_handlers() + super().get_handlers(app)

class NeverReady(Spawner):
    options_form = "<p>A form</p>"
    started = False
    def options_from_form(self, form):
        return {}
    async def start(self):
        self.started = True
        try:
            await asyncio.sleep(600)
        finally:
            # What JupyterHub itself waits for is one second.
            await asyncio.sleep(2.5)
            self.started = False
    async def stop(self, now=False):
        self.started = False
    async def poll(self):
        return None if self.started else 0

c.JupyterHub.authenticator_class = Authenticator
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = NeverReady
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0.2}}
"""


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubProcess]:
    config = CONFIG.replace("{{", "{").replace("}}", "}")
    async with HubProcess(tmp_path, tmp_path / "none", config) as process:
        await process.rest("POST", "/users/ana")
        yield process


async def starting(hub: HubProcess, server: str = "") -> None:
    path = f"/users/ana/servers/{server}" if server else "/users/ana/server"
    assert (await hub.rest("POST", path, {}))[0] == 202


async def names(hub: HubProcess) -> dict[str, list[str]]:
    _status, found = await hub.rest("GET", "/users?include_stopped_servers")
    return {user["name"]: sorted(user["servers"]) for user in found}


async def test_a_stopped_workspace_with_a_name_keeps_its_waiting_page(hub: HubProcess) -> None:
    ana = await hub.browser("ana")
    async with ana:
        for server, words in (
            ("stopped", "is not running"),
            ("restarting", "is stopping"),
        ):
            await starting(hub, server)
            await hub.rest("DELETE", f"/users/ana/servers/{server}")
            async with ana.get(f"{hub.url}/spawn-pending/ana/{server}") as answer:
                assert (answer.status, words in await answer.text()) == (200, True), server
        async with ana.get(f"{hub.url}/spawn-pending/ana/unknown") as answer:
            assert answer.status == 404


async def test_who_is_starting_is_cancelled_and_then_deleted(hub: HubProcess) -> None:
    await starting(hub)
    await starting(hub, "second")
    status, _answer = await hub.rest("DELETE", "/users/ana")
    assert status == 204
    assert "ana" not in await names(hub)
    assert "is active and cannot be deleted" not in hub.log
    assert "Traceback" not in hub.log


async def test_a_workspace_that_is_starting_is_cancelled_and_then_deleted(hub: HubProcess) -> None:
    await starting(hub, "second")
    assert (await names(hub))["ana"] == ["", "second"]
    status, _answer = await hub.rest("DELETE", "/users/ana/servers/second", {"remove": True})
    assert status == 204
    assert (await names(hub))["ana"] == [""]
    assert "Traceback" not in hub.log


async def test_a_start_is_cancelled_by_stopping_its_server(hub: HubProcess) -> None:
    await starting(hub)
    status, _answer = await hub.rest("DELETE", "/users/ana/server")
    assert status == 204
    _status, user = await hub.rest("GET", "/users/ana")
    assert (user["server"], user["pending"]) == (None, None)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"colour": "red"}, "There is no field 'colour'."),
        ([], "The body must be a JSON object."),
        ({}, "at least one field"),
    ],
    ids=["unknown field", "a list", "nothing"],
)
async def test_a_change_that_is_none_is_a_mistake(hub: HubProcess, body: Any, told: str) -> None:
    status, answer = await hub.rest("PATCH", "/users/ana/server", body)
    assert status == 400
    assert told in str(answer)


async def test_bytes_that_are_no_text_are_a_mistake(hub: HubProcess) -> None:
    ana = await hub.browser("ana")
    async with ana:
        async with ana.get(f"{hub.url}/spawn?opt-image=%ff") as answer:
            assert answer.status == 400
            assert "is not UTF-8 text" in await answer.text()
        url = f"{hub.url}/spawn?_xsrf={xsrf_of(ana)}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        async with ana.post(url, data=b"image=%ff%fe", headers=headers) as answer:
            assert answer.status == 400
    assert "Traceback" not in hub.log
    assert (await names(hub))["ana"] == [""]


async def test_two_deletions_at_once_end_well(hub: HubProcess) -> None:
    await starting(hub)
    first, second = await asyncio.gather(
        hub.rest("DELETE", "/users/ana"), hub.rest("DELETE", "/users/ana")
    )
    assert {first[0], second[0]} <= {204, 400, 404, 409}
    await hub.rest("DELETE", "/users/ana")
    assert "ana" not in await names(hub)
    assert "Traceback" not in hub.log
