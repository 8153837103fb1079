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
from tests.labextension.test_contract import assert_is

CONTRACT = Path(__file__).parent.parent / "contract"
WORKSPACES: dict[str, Any] = json.loads((CONTRACT / "workspace.json").read_text("utf-8"))
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
def busy_gpu_server(servers: Servers, nvml_library: Path) -> RunningServer:
    """A simulated GPU at work."""
    return servers.get("busy", _gpu_environment(nvml_library, load="40"))


def _gpu_environment(library: Path, *, load: str) -> dict[str, str]:
    return workspace_environment("whole GPU") | {
        "LD_LIBRARY_PATH": str(library.parent),
        "STUDIOLO_SIMULATED_GPUS": SIMULATED,
        "STUDIOLO_SIMULATED_LOAD": load,
    }


# --- stopping --------------------------------------------------------------------------------


async def test_stop_outside_a_hub(cpu_server: RunningServer) -> None:
    status, body = await cpu_server.ask("POST", "jupyterlab_studiolo/api/v1/stop", headers=OWNER)
    assert (status, body["reason"]) == (409, "not_in_hub")


async def test_stop_in_a_hub(servers: Servers) -> None:
    """Forged, foreign and refused stops reach the hub as they should; the owner's does, once."""
    async with FakeHub() as hub:
        server = servers.get("hub", environment_in_hub(hub.url))

        forged, body = await server.ask("POST", "jupyterlab_studiolo/api/v1/stop", cookies=COOKIE)
        assert (forged, body["reason"]) == (403, "forbidden")
        foreign, body = await server.ask("POST", "jupyterlab_studiolo/api/v1/stop", headers=GUEST)
        assert (foreign, body["reason"]) == (403, "not_owner")
        assert body["message_said"] == {"template": body["message"], "values": []}
        assert hub.seen == []

        hub.status = 403
        refused, body = await server.ask("POST", "jupyterlab_studiolo/api/v1/stop", headers=OWNER)
        assert (refused, body["reason"]) == (403, "hub_forbidden")
        assert "delete:servers!server" in body["message"]

        hub.status, hub.seen[:] = 204, []
        _, state = await server.ask("GET", "jupyterlab_studiolo/api/v1/state", cookies=COOKIE)
        assert (state["workspace"], state["actions"]["stop"]["offered"]) == (None, True)
        token = await xsrf_token(server, COOKIE)
        answer = await server.ask(
            "POST",
            "jupyterlab_studiolo/api/v1/stop",
            cookies=COOKIE | {"_xsrf": token},
            headers={"X-XSRFToken": token},
        )
        assert answer == (202, {"version": 1, "state": "stopping", "url": "/hub/home"})
        assert hub.seen == [("DELETE", "/hub/api/users/ada/server", f"token {HUB_TOKEN}")]
        assert HUB_TOKEN not in server.log
        assert "Traceback" not in server.log


# --- figures -----------------------------------------------------------------------------------


async def test_says_that_the_profile_has_no_gpu(cpu_server: RunningServer) -> None:
    path = "jupyterlab_studiolo/api/v1/state"
    status, body = await cpu_server.ask("GET", path, headers=OWNER)
    assert status == 200
    assert_is("State", body)
    assert body["gpus"]["state"] == "no_gpu"
    assert body["gpus"]["message"] == "The profile “CPU only” has no GPU."
    parts = {"template": "The profile “%1” has no GPU.", "values": ["CPU only"]}
    assert body["gpus"]["message_said"] == parts
    assert body["workspace"]["profile"]["display_name"] == "CPU only"
    assert not any(action["offered"] for action in body["actions"].values())
    assert body["machine"]["memory"]["used_bytes"] > 0


# --- activity ----------------------------------------------------------------------------------


async def test_a_busy_gpu_is_activity(busy_gpu_server: RunningServer) -> None:
    before = await busy_gpu_server.last_activity()
    async with asyncio.timeout(20):
        while await busy_gpu_server.last_activity() == before:
            await busy_gpu_server.ask("GET", "jupyterlab_studiolo/api/v1/state", headers=OWNER)
            await asyncio.sleep(0.2)
