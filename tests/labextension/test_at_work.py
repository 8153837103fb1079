"""A real server with a real kernel and a real terminal: whose work is seen, and as whose."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.labextension.running_server import (
    GUEST,
    OWNER,
    RunningServer,
    Servers,
    environment_in_hub,
)
from tests.labextension.test_contract import assert_is, examples

API = "jupyterlab_studiolo/api/v1/"
GIB = 1024**3


@pytest.fixture(scope="module")
def server(servers: Servers, nvml_library: Path, tmp_path_factory: Any) -> RunningServer:
    folder = tmp_path_factory.mktemp("work")
    gpus = [{"uuid": "GPU-1", "name": "A100 (simulated)", "memory_mib": 81920}]
    found = servers.get(
        "work",
        environment_in_hub("http://127.0.0.1:1/hub/api")
        | {
            "STUDIOLO_WORKSPACE": json.dumps(
                examples("workspace")["shared simulated GPU after a fallback"]
            ),
            "LD_LIBRARY_PATH": str(nvml_library.parent),
            "STUDIOLO_SIMULATED_GPUS": json.dumps(gpus),
            "STUDIOLO_SIMULATED_LOAD": "90",
            "STUDIOLO_SIMULATED_PROCESSES_FILE": str(folder / "processes"),
        },
    )
    found.folder = folder
    return found


async def state_when(
    server: RunningServer, condition: Callable[[dict[str, Any]], Any]
) -> dict[str, Any]:
    """The first state of which this is true."""
    state: dict[str, Any]
    async with asyncio.timeout(40):
        while True:
            status, state = await server.ask("GET", API + "state", headers=OWNER)
            assert status == 200
            assert_is("State", state)
            if condition(state):
                return state
            await asyncio.sleep(0.3)


async def post(server: RunningServer, path: str, body: dict[str, Any]) -> dict[str, Any]:
    status, answer = await server.ask("POST", path, headers=OWNER, body=json.dumps(body))
    assert status in (200, 201), answer
    assert isinstance(answer, dict)
    return answer


async def test_a_notebooks_process_is_told_as_its_own(server: RunningServer) -> None:
    wish = {"path": "work/train.ipynb", "name": "train.ipynb", "type": "notebook"}
    session = await post(server, "api/sessions", wish | {"kernel": {"name": "python3"}})
    kernel = session["kernel"]["id"]
    # A child of the kernel computes, as data loaders and torchrun do; a stranger does much more.
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(120)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(8)\nchild.kill(); child.wait()\n"
    )
    child = ""

    async def look() -> None:
        (server.folder / "processes").write_text(f"GPU-1 {child} 4096 30\nGPU-1 1 65536 60\n")
        state = await state_when(server, lambda state: state["gpus"]["processes"])
        (process,) = state["gpus"]["processes"]
        assert process["pid"] == int(child)
        assert process["memory_bytes"] == 4 * GIB
        assert process["owner"] == {
            "kind": "notebook",
            "text": "train.ipynb",
            "path": "work/train.ipynb",
            "kernel_id": kernel,
            "terminal": None,
        }
        (told,) = state["kernels"]
        assert (told["id"], told["title"], told["state"]) == (kernel, "train.ipynb", "busy")
        assert (told["devices"], told["gpu_memory_bytes"]) == (["GPU-1"], 4 * GIB)
        (device,) = state["gpus"]["devices"]
        assert device["sharing"] == "time_sliced"
        assert device["figures"]["utilisation_percent"] == 90
        assert device["own"] == {"utilisation_percent": 30, "memory_used_bytes": 4 * GIB}
        busy = {each["source"]: each["text"] for each in state["activity"]["sources"]}
        assert busy["kernel"] == "train.ipynb is running."
        assert busy["gpu"] == "GPU 0 computes (30 %)."

    url = f"{server.url}api/kernels/{kernel}/channels".replace("http:", "ws:")
    async with aiohttp.ClientSession() as http, http.ws_connect(url, headers=OWNER) as socket:
        await socket.send_json(execute(code))
        async with asyncio.timeout(60):
            async for answer in socket:
                told = json.loads(answer.data)
                if told["msg_type"] == "stream":
                    child = told["content"]["text"].strip()
                    break
        await look()
    (server.folder / "processes").write_text("GPU-1 1 65536 60\n")
    state = await state_when(server, lambda state: not state["gpus"]["processes"])
    assert state["gpus"]["devices"][0]["own"] == {
        "utilisation_percent": 0,
        "memory_used_bytes": 0,
    }
    status, _ = await server.ask("DELETE", f"api/sessions/{session['id']}", headers=OWNER)
    assert status == 204


def execute(code: str) -> dict[str, Any]:
    """https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute"""
    return {
        "header": {"msg_id": "1", "msg_type": "execute_request", "session": "s", "username": "a"},
        "parent_header": {},
        "metadata": {},
        "content": {"code": code, "silent": False, "store_history": False},
        "channel": "shell",
        "buffers": [],
    }


async def _press_often(socket: aiohttp.ClientWebSocketResponse, key: str) -> None:
    while True:
        await socket.send_json(["stdin", key])
        await asyncio.sleep(2)


async def test_a_program_in_a_terminal_is_work(server: RunningServer) -> None:
    terminal = (await post(server, "api/terminals", {}))["name"]
    # A shell runs programs of its own while it starts.
    idle = [{"name": terminal, "busy": False, "program": None}]
    await state_when(server, lambda state: state["terminals"] == idle)
    url = f"{server.url}terminals/websocket/{terminal}".replace("http:", "ws:")
    async with aiohttp.ClientSession() as http, http.ws_connect(url, headers=OWNER) as socket:
        await socket.send_json(["stdin", "sleep 321\r"])
        # For a moment the shell's child is the shell still.
        busy = [{"name": terminal, "busy": True, "program": "sleep"}]
        state = await state_when(server, lambda state: state["terminals"] == busy)
        sources = {each["source"]: each for each in state["activity"]["sources"]}
        assert sources["terminal"]["text"] == f"sleep runs in Terminal {terminal}."
        # As a person does: again, while nothing comes of it.
        interrupting = asyncio.create_task(_press_often(socket, "\x03"))
        await state_when(server, lambda state: not state["terminals"][0]["busy"])
        interrupting.cancel()
    await server.ask("DELETE", f"api/terminals/{terminal}", headers=OWNER)


# --- metrics ---------------------------------------------------------------------------------


async def test_metrics_are_the_owners(server: RunningServer) -> None:
    await server.ask("GET", API + "state", headers=OWNER)
    status, text = await server.ask("GET", "metrics", headers=OWNER)
    assert status == 200
    assert "jupyter_server_info" in text
    labels = 'gpu="GPU-1",name="A100 (simulated)"'
    assert f"studiolo_workspace_gpu_utilisation_ratio{{{labels}}} 0.9" in text
    assert "\nstudiolo_workspace_memory_used_bytes " in text
    status, text = await server.ask("GET", "metrics", headers=GUEST)
    assert status == 200
    assert "jupyter_server_info" in text
    assert "studiolo_workspace" not in text
    status, text = await server.ask("GET", "metrics")
    assert status == 403
    assert "studiolo_workspace" not in text
