"""Version 1 on a real Jupyter server: who may ask, and that answers are as described."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.labextension.running_server import (
    GUEST,
    HUB_TOKEN,
    OWNER,
    FakeHub,
    RunningServer,
    Servers,
    environment_in_hub,
    xsrf_token,
)
from tests.labextension.test_contract import OPENAPI, assert_is, examples
from tests.ports import free_port

API = "jupyterlab_studiolo/api/v1/"
COOKIE = {"signed_in": "ada"}
WORKSPACES = examples("workspace")
READS = ["state", "stream", "history", "choices", "openapi.json"]
CHANGES = ["stop", "keep-alive", "restart", "park"]


def workspace(name: str, **changes: Any) -> dict[str, str]:
    document = WORKSPACES[name] | {"max_lifetime_seconds": None} | changes
    return {"STUDIOLO_WORKSPACE": json.dumps(document)}


def gpus(*uuids: str, **more: Any) -> str:
    return json.dumps(
        [{"uuid": uuid, "name": "A100 (simulated)", "memory_mib": 81920, **more} for uuid in uuids]
    )


@pytest.fixture(scope="module")
def gpu_server(servers: Servers, nvml_library: Path, tmp_path_factory: Any) -> RunningServer:
    """Two idle simulated GPUs; `processes` in its folder says who uses them."""
    folder = tmp_path_factory.mktemp("gpu")
    (folder / "fault").write_text("")
    server = servers.get(
        "gpus",
        workspace("whole GPU")
        | environment_in_hub("http://127.0.0.1:1/hub/api")
        | {
            "LD_LIBRARY_PATH": str(nvml_library.parent),
            "STUDIOLO_SIMULATED_GPUS": gpus("GPU-1", "GPU-2"),
            "STUDIOLO_SIMULATED_LOAD": "idle",
            "STUDIOLO_SIMULATED_PROCESSES_FILE": str(folder / "processes"),
            "STUDIOLO_SIMULATED_FAULT_FILE": str(folder / "fault"),
        },
    )
    server.folder = folder
    return server


@pytest.fixture(scope="module")
def hub_port() -> int:
    """One for all tests, so that one server serves them all."""
    return free_port()


@pytest.fixture
async def hub(hub_port: int) -> AsyncIterator[FakeHub]:
    async with FakeHub(port=hub_port) as running:
        yield running


@pytest.fixture
def hub_server(servers: Servers, hub: FakeHub) -> RunningServer:
    return servers.get(
        "in a hub",
        environment_in_hub(hub.url)
        | {"JUPYTERHUB_SERVER_NAME": "big"}
        | workspace("shared simulated GPU after a fallback"),
    )


# --- who may ask -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", READS)
async def test_reads_refuse_who_is_not_signed_in(gpu_server: RunningServer, path: str) -> None:
    status, body = await gpu_server.ask("GET", API + path)
    assert (status, body["reason"]) == (403, "forbidden")
    assert_is("Error", body)


@pytest.mark.parametrize("path", CHANGES)
async def test_changes_refuse_who_is_not_signed_in(gpu_server: RunningServer, path: str) -> None:
    status, body = await gpu_server.ask("POST", API + path)
    assert (status, body["reason"]) == (403, "forbidden")


@pytest.mark.parametrize("path", CHANGES)
async def test_changes_refuse_a_forged_form(gpu_server: RunningServer, path: str) -> None:
    status, body = await gpu_server.ask("POST", API + path, cookies=COOKIE)
    assert (status, body["reason"]) == (403, "forbidden")


@pytest.mark.parametrize("path", CHANGES)
async def test_a_link_changes_nothing(gpu_server: RunningServer, path: str) -> None:
    status, body = await gpu_server.ask("GET", API + path, headers=OWNER)
    assert (status, body["reason"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", READS)
async def test_reads_refuse_another_origin(gpu_server: RunningServer, path: str) -> None:
    headers = {"Origin": "https://evil.example"}
    status, _ = await gpu_server.ask("GET", API + path, headers=headers, cookies=COOKIE)
    assert status == 404


@pytest.mark.parametrize("path", ["choices", *CHANGES])
async def test_only_the_owner_changes(gpu_server: RunningServer, path: str) -> None:
    method = "GET" if path == "choices" else "POST"
    status, body = await gpu_server.ask(method, API + path, headers=GUEST)
    assert (status, body["reason"]) == (403, "not_owner")


# --- answers are as described ----------------------------------------------------------------


async def test_state_history_and_description(gpu_server: RunningServer) -> None:
    status, state = await gpu_server.ask("GET", API + "state", headers=OWNER)
    assert status == 200
    assert_is("State", state)
    assert [device["id"] for device in state["gpus"]["devices"]] == ["GPU-1", "GPU-2"]
    assert state["hub"] == {"home_url": "/hub/home"}
    assert state["stops"]["reason"] == "idle"
    # The time-out, and two reports of five minutes each.
    assert state["stops"]["at"] == pytest.approx(state["activity"]["last_at"] + 3600 + 600)

    status, history = await gpu_server.ask("GET", API + "history?minutes=60", headers=OWNER)
    assert status == 200
    assert_is("History", history)
    assert set(history["devices"]) == {"GPU-1", "GPU-2"}

    status, described = await gpu_server.ask("GET", API + "openapi.json", headers=OWNER)
    assert (status, described) == (200, OPENAPI)


@pytest.mark.parametrize(
    "path",
    [
        "history?minutes=0",
        "history?minutes=61",
        "history?minutes=x",
        "history?points=1",
        "stream?interval=0.1",
        "stream?interval=nan",
        "stream?interval=3600",
    ],
)
async def test_refuses_numbers_out_of_bounds(gpu_server: RunningServer, path: str) -> None:
    status, body = await gpu_server.ask("GET", API + path, headers=OWNER)
    assert (status, body["reason"]) == (400, "bad_request")
    assert_is("Error", body)


async def test_streams_the_same(gpu_server: RunningServer) -> None:
    url = gpu_server.url + API + "stream?interval=0.5"
    frames = []
    async with (
        asyncio.timeout(20),
        aiohttp.ClientSession() as session,
        session.get(url, headers=OWNER) as response,
    ):
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        async for line in response.content:
            if line.startswith(b"data: "):
                frames.append(json.loads(line[6:]))
            if len(frames) == 3:
                break
    for frame in frames:
        assert_is("State", frame)
    assert frames[0]["at"] < frames[1]["at"] < frames[2]["at"]


async def test_a_lost_gpu_is_said_within_seconds_and_the_other_goes_on(
    gpu_server: RunningServer,
) -> None:
    fault = gpu_server.folder / "fault"
    fault.write_text("gpu_lost:1")
    try:
        began = time.monotonic()
        async with asyncio.timeout(10):
            while True:
                _, state = await gpu_server.ask("GET", API + "state", headers=OWNER)
                conditions = [device["condition"] for device in state["gpus"]["devices"]]
                if conditions == ["ok", "lost"]:
                    break
                await asyncio.sleep(0.2)
        assert time.monotonic() - began < 10
        assert_is("State", state)
        assert state["gpus"]["devices"][0]["figures"]["utilisation_percent"] == 0
        assert [warning["code"] for warning in state["warnings"]] == ["gpu_lost"]
    finally:
        fault.write_text("")


async def test_looking_is_no_activity(gpu_server: RunningServer) -> None:
    before = await gpu_server.last_activity()
    for path in ("state", "history", "openapi.json"):
        status, _ = await gpu_server.ask("GET", API + path, headers=OWNER)
        assert status == 200
    assert await gpu_server.last_activity() == before


# --- keep alive ------------------------------------------------------------------------------


async def test_keep_alive_is_bounded_by_the_policy(gpu_server: RunningServer) -> None:
    token = await xsrf_token(gpu_server, COOKIE)
    status, kept = await gpu_server.ask(
        "POST",
        API + "keep-alive",
        cookies=COOKIE | {"_xsrf": token},
        headers={"X-XSRFToken": token},
        body=json.dumps({"seconds": 10**9}),
    )
    assert status == 200
    assert_is("KeptAlive", kept)
    assert kept["until"] == pytest.approx(time.time() + 7200, abs=5)
    _, state = await gpu_server.ask("GET", API + "state", headers=OWNER)
    assert state["stops"]["keep_alive"]["until"] == kept["until"]
    assert state["stops"]["at"] == pytest.approx(kept["until"] + 3600 + 600)
    assert state["activity"]["busy"]
    status, kept = await gpu_server.ask(
        "POST", API + "keep-alive", headers=OWNER, body=json.dumps({"seconds": 1})
    )
    assert (status, kept["until"]) == (200, pytest.approx(time.time() + 1, abs=5))


@pytest.mark.parametrize(
    "body", ['{"seconds": 0}', '{"seconds": "1"}', '{"hours": 1}', "[]", "{", '{"seconds": true}']
)
async def test_keep_alive_refuses_nonsense(gpu_server: RunningServer, body: str) -> None:
    status, answer = await gpu_server.ask("POST", API + "keep-alive", headers=OWNER, body=body)
    assert (status, answer["reason"]) == (400, "bad_request")


# --- through the hub -------------------------------------------------------------------------


async def test_choices_are_the_hubs(hub: FakeHub, hub_server: RunningServer) -> None:
    hub.status, hub.body = 200, examples("choices")["a GPU profile with park and first choice"]
    status, body = await hub_server.ask("GET", API + "choices", headers=OWNER)
    assert (status, body) == (200, hub.body)
    path = "/hub/studiolo/workspaces/ada/big/choices"
    assert hub.seen == [("GET", path, f"token {HUB_TOKEN}")]


@pytest.mark.parametrize(
    ("route", "wish", "sent"),
    [
        ("restart", {"profile": "cpu"}, {"profile": "cpu"}),
        ("restart", {"image": "a", "profile": "b"}, {"image": "a", "profile": "b"}),
        ("restart", {"first_choice": True}, {"first_choice": True}),
        ("restart", None, {}),
        ("park", None, {"park": True}),
    ],
)
async def test_restart_and_park_are_the_hubs(
    hub: FakeHub, hub_server: RunningServer, route: str, wish: Any, sent: dict[str, Any]
) -> None:
    hub.status, hub.body = 202, {"version": 1, "url": "/hub/spawn-pending/ada/big"}
    body = "" if wish is None else json.dumps(wish)
    status, answer = await hub_server.ask("POST", API + route, headers=OWNER, body=body)
    assert (status, answer) == (202, hub.body)
    assert_is("Restarting", answer)
    assert hub.seen[-1][:2] == ("POST", "/hub/studiolo/workspaces/ada/big/restart")
    assert json.loads(hub.bodies[-1]) == sent


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example", "/\\evil", 7, None])
async def test_goes_nowhere_but_to_the_hub(
    hub: FakeHub, hub_server: RunningServer, where: Any
) -> None:
    hub.status, hub.body = 202, {"version": 1, "url": where}
    status, answer = await hub_server.ask("POST", API + "park", headers=OWNER)
    assert (status, answer["url"]) == (202, "/hub/home")


async def test_a_refusal_of_studiolos_reaches_the_person(
    hub: FakeHub, hub_server: RunningServer
) -> None:
    refusal = {"version": 1, "reason": "quota", "message": "All 4 are used.", "hint": "Ask ben."}
    hub.status, hub.body = 409, refusal
    status, answer = await hub_server.ask(
        "POST", API + "restart", headers=OWNER, body='{"profile": "big"}'
    )
    assert (status, answer) == (409, refusal)


@pytest.mark.parametrize("status", [302, 401, 403, 404, 500, 503])
async def test_no_other_answer_of_the_hubs_does(
    hub: FakeHub, hub_server: RunningServer, status: int
) -> None:
    hub.status = status
    code, answer = await hub_server.ask("POST", API + "restart", headers=OWNER)
    assert code in (403, 502)
    assert_is("Error", answer)
    assert HUB_TOKEN not in json.dumps(answer) + hub_server.log
    assert "Traceback" not in json.dumps(answer) + hub_server.log


@pytest.mark.parametrize("body", ['{"image": 5}', '{"park": true}', '{"first_choice": "yes"}'])
async def test_restart_refuses_nonsense(hub: FakeHub, hub_server: RunningServer, body: str) -> None:
    status, answer = await hub_server.ask("POST", API + "restart", headers=OWNER, body=body)
    assert (status, answer["reason"], hub.seen) == (400, "bad_request", [])
