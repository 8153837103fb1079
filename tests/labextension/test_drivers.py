"""Drivers that are away, half there or cut up, on a real server: what is said, and how often."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.labextension.running_server import OWNER, RunningServer, Servers
from tests.labextension.test_contract import assert_is, examples

STATE = "jupyterlab_studiolo/api/v1/state"
GPU = {"uuid": "GPU-1", "name": "H100 (simulated)", "memory_mib": 81920}
SLICES = [
    {"uuid": f"MIG-{n}", "name": "H100 MIG 1g.10gb (simulated)", "memory_mib": 9856, "mig": True}
    | {"parent": "GPU-9"}
    for n in range(2)
]


def start(
    servers: Servers, library: Path, name: str, gpus: list[dict[str, Any]], fault: str
) -> RunningServer:
    workspace = examples("workspace")["whole GPU"] | {"max_lifetime_seconds": None}
    return servers.get(
        name,
        {
            "STUDIOLO_WORKSPACE": json.dumps(workspace),
            "LD_LIBRARY_PATH": str(library.parent),
            "STUDIOLO_SIMULATED_GPUS": json.dumps(gpus),
            "STUDIOLO_SIMULATED_LOAD": "50",
            "STUDIOLO_SIMULATED_FAULT": fault,
        },
    )


async def states(server: RunningServer, count: int) -> list[dict[str, Any]]:
    found = []
    for _ in range(count):
        status, state = await server.ask("GET", STATE, headers=OWNER)
        assert status == 200
        assert_is("State", state)
        found.append(state)
        await asyncio.sleep(2)
    return found


@pytest.mark.parametrize(
    ("name", "fault", "state", "lines"),
    [
        pytest.param("no driver", "driver_not_loaded", "driver_missing", 1, id="no driver"),
        pytest.param("partly", "not_supported", "ok", 0, id="calls that are not supported"),
        pytest.param("lost", "gpu_lost", "ok", 0, id="a GPU that was lost before"),
    ],
)
async def test_each_cause_is_one_line_and_no_traceback(
    servers: Servers, nvml_library: Path, name: str, fault: str, state: str, lines: int
) -> None:
    server = start(servers, nvml_library, name, [GPU], fault)
    for found in await states(server, 4):  # beyond one new opening of the driver
        assert found["gpus"]["state"] == state
        assert (found["gpus"]["message"] == "") is (state == "ok")
    assert server.log.count("GPU figures:") == lines
    assert "Traceback" not in server.log


async def test_no_library(servers: Servers, tmp_path: Path) -> None:
    broken = tmp_path / "libnvidia-ml.so.1"
    broken.write_bytes(b"")
    server = start(servers, broken, "no library", [GPU], "")
    for found in await states(server, 2):
        assert found["gpus"]["state"] == "library_missing"
        assert found["machine"]["memory"]["used_bytes"] > 0
    assert server.log.count("GPU figures:") == 1
    assert "Traceback" not in server.log


async def test_mig_slices_are_devices_of_their_own(servers: Servers, nvml_library: Path) -> None:
    server = start(servers, nvml_library, "mig", SLICES, "")
    (found,) = await states(server, 1)
    devices = found["gpus"]["devices"]
    assert [(each["id"], each["kind"], each["parent"]) for each in devices] == [
        ("MIG-0", "mig", "GPU-9"),
        ("MIG-1", "mig", "GPU-9"),
    ]
    assert devices[0]["figures"]["memory_total_bytes"] == 9856 * 1024**2
    assert devices[0]["figures"]["utilisation_percent"] == 50.0
    assert devices[0]["figures"]["temperature_celsius"] is not None
    assert "temperature_celsius" in devices[0]["of_card"]


async def test_a_driver_that_hangs_is_said_and_holds_nobody_up(
    servers: Servers, nvml_library: Path
) -> None:
    server = start(servers, nvml_library, "hangs", [GPU], "slow:60000")
    async with asyncio.timeout(40):
        while True:
            began = time.monotonic()
            (found,) = await states(server, 1)
            assert time.monotonic() - began < 10  # an answer comes, whatever the driver does
            if found["gpus"]["state"] == "driver_hung":
                break
            assert found["gpus"]["state"] == "starting"
    status, _ = await server.ask("GET", "api/status", headers=OWNER)
    assert status == 200
    assert "has not answered" in found["gpus"]["message"]
    assert "Traceback" not in server.log
