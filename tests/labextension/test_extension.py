"""Which workspaces have a GPU to ask, and the words for those that have none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jupyterlab_studiolo
import pytest
from jupyterlab_studiolo.amd import AmdReader
from jupyterlab_studiolo.devices import State
from jupyterlab_studiolo.extension import absent_gpu, reader_for, uses_mps
from jupyterlab_studiolo.intel import IntelReader
from jupyterlab_studiolo.nvml import NvmlReader
from jupyterlab_studiolo.own_processes import OwnProcesses
from jupyterlab_studiolo.workspace import Workspace, parse_workspace

WORKSPACES: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "contract" / "workspace.json").read_text("utf-8")
)
GPU = parse_workspace(json.dumps(WORKSPACES["whole GPU"]))
CPU = parse_workspace(
    json.dumps(WORKSPACES["CPU only, never stopped for idleness, registry not asked"])
)


def with_resource(resource: str) -> Workspace:
    return GPU._replace(profile=GPU.profile._replace(resource=resource))


@pytest.mark.parametrize(
    ("workspace", "visible", "state"),
    [
        pytest.param(None, "", None, id="outside Studiolo"),
        pytest.param(None, "void", State.NO_GPU, id="void"),
        pytest.param(None, "all", None, id="all"),
        pytest.param(GPU, "", None, id="NVIDIA"),
        pytest.param(with_resource("nvidia.com/mig-1g.10gb"), "", None, id="MIG"),
        pytest.param(with_resource("nvidia.com/gpu.shared"), "", None, id="time-sliced"),
        pytest.param(with_resource("amd.com/gpu"), "void", None, id="AMD"),
        pytest.param(with_resource("gpu.intel.com/i915"), "void", None, id="Intel"),
        pytest.param(with_resource("habana.ai/gaudi"), "", State.UNSUPPORTED_VENDOR, id="Gaudi"),
        pytest.param(CPU, "", State.NO_GPU, id="CPU profile"),
        pytest.param(CPU, "all", State.NO_GPU, id="CPU profile whose image claims all GPUs"),
    ],
)
def test_where_there_is_no_gpu_to_ask(
    workspace: Workspace | None, visible: str, state: State | None
) -> None:
    reading = absent_gpu(workspace, {"NVIDIA_VISIBLE_DEVICES": visible})
    assert (reading.state if reading else None) == state
    if reading:
        assert reading.message
        assert reading.hint


@pytest.mark.parametrize(
    ("workspace", "reader"),
    [
        pytest.param(None, NvmlReader, id="outside Studiolo"),
        pytest.param(GPU, NvmlReader, id="NVIDIA"),
        pytest.param(with_resource("amd.com/gpu"), AmdReader, id="AMD"),
        pytest.param(with_resource("gpu.intel.com/xe"), IntelReader, id="Intel"),
    ],
)
def test_each_vendor_has_its_reader(workspace: Workspace | None, reader: type) -> None:
    assert type(reader_for(workspace, {}, OwnProcesses())) is reader


@pytest.mark.parametrize(
    ("environment", "mps"),
    [
        ({}, False),
        ({"CUDA_MPS_PIPE_DIRECTORY": "/mps/pipe"}, True),
        ({"CUDA_MPS_ACTIVE_THREAD_PERCENTAGE": "25"}, True),
    ],
)
def test_tells_nvidias_multi_process_service(environment: dict[str, str], mps: bool) -> None:
    assert uses_mps(environment) is mps


def test_jupyter_finds_the_extension() -> None:
    (point,) = jupyterlab_studiolo._jupyter_server_extension_points()
    (front_end,) = jupyterlab_studiolo._jupyter_labextension_paths()
    package = Path(jupyterlab_studiolo.__file__).parent.parent
    description = json.loads((package / "package.json").read_text("utf-8"))
    assert point == {"module": jupyterlab_studiolo.__name__}
    assert front_end["dest"] == description["name"]
    built = f"{jupyterlab_studiolo.__name__}/{front_end['src']}"
    assert description["jupyterlab"]["outputDir"] == built
    assert description["version"] == jupyterlab_studiolo.__version__
