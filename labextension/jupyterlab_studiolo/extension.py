"""Puts the parts together in a Jupyter server. I/O: reads the environment once, at load.

Guarantees: whatever is wrong with GPUs, drivers or the workspace's description, the server starts
and the routes are there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from typing import Any, Final

from jupyterlab_studiolo.activity import Activity
from jupyterlab_studiolo.devices import GpuReader, Reading, State
from jupyterlab_studiolo.hub import HubClient, hub_from_environment
from jupyterlab_studiolo.machine import MachineReader
from jupyterlab_studiolo.metrics import metrics_route, who_may_see
from jupyterlab_studiolo.own_processes import OwnProcesses
from jupyterlab_studiolo.panel import Panel, Parts
from jupyterlab_studiolo.routes import routes
from jupyterlab_studiolo.said import Said
from jupyterlab_studiolo.sampler import BACKGROUND_SECONDS, Sampler
from jupyterlab_studiolo.sessions import Sessions
from jupyterlab_studiolo.stops import report_seconds
from jupyterlab_studiolo.use_report import UseReport
from jupyterlab_studiolo.watch import Watch
from jupyterlab_studiolo.workspace import (
    DEFAULT_BUSY_PERCENT,
    Workspace,
    workspace_from_environment,
)

NVIDIA: Final = "nvidia.com/"
AMD: Final = "amd.com/"
INTEL: Final = "gpu.intel.com/"

OTHER_PROFILE: Final = Said(
    "To work on a GPU, stop the workspace and start it again with another profile."
)


def load(server_app: Any) -> None:
    """Adds the routes and starts what watches for activity."""
    _log_through(server_app.log)
    loop = server_app.io_loop.asyncio_loop
    settings = server_app.web_app.settings
    workspace = workspace_from_environment(os.environ)
    connection = hub_from_environment(os.environ)
    own = OwnProcesses()
    sessions = Sessions(settings)
    activity = Activity(
        settings,
        threshold_percent=workspace.idle.gpu_busy_percent if workspace else DEFAULT_BUSY_PERCENT,
    )
    watch = Watch(activity, sessions, own, loop=loop)
    absent = absent_gpu(workspace, os.environ)
    sampler = None if absent is not None else make_sampler(workspace, os.environ, own, loop)
    panel = Panel(
        Parts(
            activity=activity,
            sessions=sessions,
            watch=watch,
            machine=MachineReader(home=home_of(os.environ), environment=os.environ),
            sampler=sampler,
            absent=absent,
            workspace=workspace,
            home_url=None if connection is None else connection.home_url,
            report_seconds=report_seconds(os.environ),
        )
    )
    if sampler is not None:
        sampler.on_reading = panel.on_reading
        sampler.start()
    hub = None if connection is None else HubClient(connection)
    if hub is not None and sampler is not None:
        every = report_seconds(os.environ)
        UseReport(hub, lambda: sampler.latest, every=every, loop=loop).start()
    base_url = settings["base_url"]
    owner = None if connection is None else connection.user
    metrics = metrics_route(base_url, panel=panel, owner=owner, seen_by=who_may_see(os.environ))
    server_app.web_app.add_handlers(".*$", [*routes(base_url, panel=panel, hub=hub), metrics])
    loop.call_soon(watch.start)


def _log_through(server_log: logging.Logger) -> None:
    """Our lines look like the server's, as jupyter_server does it for tornado's own loggers."""
    own = logging.getLogger("jupyterlab_studiolo")
    own.parent = server_log
    own.setLevel(server_log.level)


def make_sampler(
    workspace: Workspace | None,
    environment: Mapping[str, str],
    own: OwnProcesses,
    loop: asyncio.AbstractEventLoop,
) -> Sampler:
    """The sampler of the GPUs. It watches unasked only where a profile promises one."""
    return Sampler(
        reader_for(workspace, environment, own),
        loop=loop,
        background_seconds=BACKGROUND_SECONDS if workspace is not None else None,
    )


def reader_for(
    workspace: Workspace | None, environment: Mapping[str, str], own: OwnProcesses
) -> GpuReader:
    """The way to the driver of the vendor whose GPUs the profile has."""
    resource = (workspace.profile.resource if workspace else None) or NVIDIA
    shared = workspace is not None and workspace.shared
    if resource.startswith(AMD):
        from jupyterlab_studiolo.amd import AmdReader

        return AmdReader(own, shared=shared)
    if resource.startswith(INTEL):
        from jupyterlab_studiolo.intel import IntelReader

        return IntelReader(own, shared=shared)
    from jupyterlab_studiolo.nvml import NvmlReader

    return NvmlReader(own=own, shared=shared, mps=uses_mps(environment))


def uses_mps(environment: Mapping[str, str]) -> bool:
    """Whether CUDA programs here go through NVIDIA's multi-process service.

    https://docs.nvidia.com/deploy/mps/ - NVIDIA's device plugin sets these where it shares so.
    """
    names = ("CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE")
    return any(environment.get(name) for name in names)


def home_of(environment: Mapping[str, str]) -> str | None:
    """The folder on the home volume."""
    home = environment.get("HOME", "")
    return home if home.startswith("/") else None


def absent_gpu(workspace: Workspace | None, environment: Mapping[str, str]) -> Reading | None:
    """The answer for a workspace that has no GPU to ask, or None where a driver is to be asked."""
    if workspace is not None and not workspace.has_gpu:
        return Reading(
            State.NO_GPU,
            time.time(),
            Said("The profile “%1” has no GPU.", workspace.profile.display_name),
            OTHER_PROFILE,
        )
    resource = (workspace.profile.resource if workspace else None) or NVIDIA
    if not resource.startswith((NVIDIA, AMD, INTEL)):
        return Reading(
            State.UNSUPPORTED_VENDOR,
            time.time(),
            Said("This workspace has a GPU of the kind %1.", resource),
            Said(
                "Figures are shown for GPUs of NVIDIA, AMD and Intel. The GPU itself can be used."
            ),
        )
    visible = environment.get("NVIDIA_VISIBLE_DEVICES", "").strip().lower()
    if resource.startswith(NVIDIA) and visible in ("void", "none"):
        return Reading(
            State.NO_GPU,
            time.time(),
            Said("No GPU was given to this workspace."),
            OTHER_PROFILE,
        )
    return None
