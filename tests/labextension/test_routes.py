"""The HTTP interface of a real Jupyter server: who may ask, what is answered, and what never is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

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

CONTRACT = Path(__file__).parent.parent / "contract"
WORKSPACES: dict[str, Any] = json.loads((CONTRACT / "workspace.json").read_text("utf-8"))
GPUS: dict[str, Any] = json.loads((CONTRACT / "gpus.json").read_text("utf-8"))
COOKIE = {"signed_in": "ada"}
SIMULATED = json.dumps([{"uuid": "GPU-1", "name": "A100 (simulated)", "memory_mib": 81920}])


def workspace_environment(name: str) -> dict[str, str]:
    return {"STUDIOLO_WORKSPACE": json.dumps(WORKSPACES[name])}


@pytest.fixture
def cpu_server(servers: Servers) -> RunningServer:
    """A CPU profile, and no hub."""
    name = "CPU only, never stopped for idleness, registry not asked"
    return servers.get("cpu", workspace_environment(name))


@pytest.fixture
def idle_gpu_server(servers: Servers, nvml_library: Path) -> RunningServer:
    """A simulated GPU at which nobody works."""
    return servers.get("idle", _gpu_environment(nvml_library, load="idle"))


@pytest.fixture
def busy_gpu_server(servers: Servers, nvml_library: Path) -> RunningServer:
    """A simulated GPU at work."""
    return servers.get("busy", _gpu_environment(nvml_library, load="40"))


def _gpu_environment(library: Path, *, load: str) -> dict[str, str]:
    return workspace_environment("whole GPU") | {
        "LD_LIBRARY_PATH": str(library.parent),
        "STUDIOLO_SIMULATED_GPUS": SIMULATED,
        "STUDIOLO_SIMULATED_LOAD": load,
    }


# --- who may ask -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "gpus"), ("GET", "workspace"), ("POST", "stop")],
)
async def test_refuses_who_is_not_signed_in(
    cpu_server: RunningServer, method: str, path: str
) -> None:
    status, body = await cpu_server.ask(method, f"studiolo/api/{path}")
    assert (status, body["reason"]) == (403, "forbidden")


@pytest.mark.parametrize("headers", [None, OWNER], ids=["nobody", "owner"])
async def test_a_link_stops_nothing(
    cpu_server: RunningServer, headers: dict[str, str] | None
) -> None:
    status, body = await cpu_server.ask("GET", "studiolo/api/stop", headers=headers)
    assert (status, body["reason"]) == (405, "method_not_allowed")


# --- stopping --------------------------------------------------------------------------------


async def test_stop_outside_a_hub(cpu_server: RunningServer) -> None:
    status, body = await cpu_server.ask("POST", "studiolo/api/stop", headers=OWNER)
    assert (status, body["reason"]) == (409, "not_in_hub")


async def test_stop_in_a_hub(servers: Servers) -> None:
    """Forged, foreign and refused stops reach the hub as they should; the owner's does, once."""
    async with FakeHub() as hub:
        server = servers.get("hub", environment_in_hub(hub.url))

        forged, body = await server.ask("POST", "studiolo/api/stop", cookies=COOKIE)
        assert (forged, body["reason"]) == (403, "forbidden")
        foreign, body = await server.ask("POST", "studiolo/api/stop", headers=GUEST)
        assert (foreign, body["reason"]) == (403, "not_owner")
        assert hub.seen == []

        hub.status = 403
        refused, body = await server.ask("POST", "studiolo/api/stop", headers=OWNER)
        assert (refused, body["reason"]) == (403, "hub_forbidden")
        assert "delete:servers!server" in body["message"]

        hub.status, hub.seen[:] = 204, []
        _, page = await server.ask("GET", "studiolo/api/workspace", cookies=COOKIE)
        assert page == {"version": 1, "workspace": None, "can_stop": True}
        token = await xsrf_token(server, COOKIE)
        answer = await server.ask(
            "POST",
            "studiolo/api/stop",
            cookies=COOKIE | {"_xsrf": token},
            headers={"X-XSRFToken": token},
        )
        assert answer == (202, {"version": 1, "state": "stopping", "url": "/hub/home"})
        assert hub.seen == [("DELETE", "/hub/api/users/ada/server", f"token {HUB_TOKEN}")]
        assert HUB_TOKEN not in server.log
        assert "Traceback" not in server.log


# --- figures -----------------------------------------------------------------------------------


async def test_says_that_the_profile_has_no_gpu(cpu_server: RunningServer) -> None:
    status, body = await cpu_server.ask("GET", "studiolo/api/gpus", headers=OWNER)
    expected = GPUS["no GPU in the profile"]
    assert status == 200
    assert body == expected | {"sampled_at": body["sampled_at"]}


async def test_gives_figures_and_their_past(idle_gpu_server: RunningServer) -> None:
    status, first = await idle_gpu_server.ask("GET", "studiolo/api/gpus?window=60", headers=OWNER)
    assert (status, first["state"]) == (200, "ok")
    (device,) = first["devices"]
    assert (device["id"], device["simulated"]) == ("GPU-1", True)
    assert device["figures"]["utilisation_percent"] == 0
    newest = first["history"]["times"][-1]
    _, second = await idle_gpu_server.ask("GET", f"studiolo/api/gpus?since={newest}", headers=OWNER)
    assert all(moment > newest for moment in second["history"]["times"])


@pytest.mark.parametrize("query", ["since=now", "window=-1", "since=nan", "window=inf", "since="])
async def test_refuses_a_time_that_is_none(idle_gpu_server: RunningServer, query: str) -> None:
    status, body = await idle_gpu_server.ask("GET", f"studiolo/api/gpus?{query}", headers=OWNER)
    assert (status, body["reason"]) == (400, "bad_request")
    assert query.split("=")[0] in body["message"]


async def test_tells_what_the_workspace_is(cpu_server: RunningServer) -> None:
    status, body = await cpu_server.ask("GET", "studiolo/api/workspace", headers=OWNER)
    assert (status, body["can_stop"]) == (200, False)
    assert body["workspace"]["profile"]["display_name"] == "CPU only"


# --- activity ----------------------------------------------------------------------------------


async def test_a_busy_gpu_is_activity(busy_gpu_server: RunningServer) -> None:
    before = await busy_gpu_server.last_activity()
    async with asyncio.timeout(20):
        while await busy_gpu_server.last_activity() == before:
            await busy_gpu_server.ask("GET", "studiolo/api/gpus", headers=OWNER)
            await asyncio.sleep(0.2)


async def test_looking_at_an_idle_gpu_is_not(idle_gpu_server: RunningServer) -> None:
    before = await idle_gpu_server.last_activity()
    for path in ("gpus", "workspace", "gpus?window=5"):
        status, _ = await idle_gpu_server.ask("GET", f"studiolo/api/{path}", headers=OWNER)
        assert status == 200
    assert await idle_gpu_server.last_activity() == before
