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
from functools import partial
from typing import Any, Final

from tornado.ioloop import PeriodicCallback

from jupyterlab_studiolo.activity import CHECK_SECONDS, ActivityReporter
from jupyterlab_studiolo.devices import Reading, State
from jupyterlab_studiolo.hub import HubStopper, hub_from_environment
from jupyterlab_studiolo.nvml import NvmlReader
from jupyterlab_studiolo.routes import routes
from jupyterlab_studiolo.sampler import WATCH_SECONDS, Sampler
from jupyterlab_studiolo.workspace import (
    DEFAULT_BUSY_PERCENT,
    Workspace,
    workspace_from_environment,
)

NVIDIA: Final = "nvidia.com/"


def load(server_app: Any) -> None:
    """Adds the routes and starts what watches for activity."""
    _log_through(server_app.log)
    settings = server_app.web_app.settings
    workspace = workspace_from_environment(os.environ)
    connection = hub_from_environment(os.environ)
    threshold = workspace.idle.gpu_busy_percent if workspace else DEFAULT_BUSY_PERCENT
    activity = ActivityReporter(settings, threshold_percent=threshold)
    absent = absent_gpu(workspace, os.environ)
    sampler = None
    if absent is None:
        sampler = make_sampler(workspace, server_app.io_loop.asyncio_loop, activity)
        sampler.start()
    server_app.web_app.add_handlers(
        ".*$",
        routes(
            settings["base_url"],
            sampler=sampler,
            absent=absent,
            workspace=workspace,
            stopper=None if connection is None else HubStopper(connection),
        ),
    )
    PeriodicCallback(activity.check, CHECK_SECONDS * 1000).start()


def _log_through(server_log: logging.Logger) -> None:
    """Our lines look like the server's, as jupyter_server does it for tornado's own loggers."""
    own = logging.getLogger("jupyterlab_studiolo")
    own.parent = server_log
    own.setLevel(server_log.level)


def make_sampler(
    workspace: Workspace | None, loop: asyncio.AbstractEventLoop, activity: ActivityReporter
) -> Sampler:
    """The sampler of NVIDIA's GPUs. It watches unasked only where a profile promises a GPU."""
    return Sampler(
        NvmlReader(shared=workspace is not None and workspace.shared),
        on_reading=partial(activity.on_reading, loop),
        watch_seconds=WATCH_SECONDS if workspace is not None else None,
    )


def absent_gpu(workspace: Workspace | None, environment: Mapping[str, str]) -> Reading | None:
    """The answer for a workspace that has no GPU to ask, or None where NVML is to be asked."""
    if workspace is not None and not workspace.has_gpu:
        return Reading(
            State.NO_GPU,
            time.time(),
            f"The profile “{workspace.profile.display_name}” has no GPU.",
            "To work on a GPU, stop the workspace and start it again with another profile.",
        )
    resource = (workspace.profile.resource if workspace else None) or NVIDIA
    if not resource.startswith(NVIDIA):
        return Reading(
            State.UNSUPPORTED_VENDOR,
            time.time(),
            f"This workspace has a GPU of the kind {resource}.",
            "Figures are shown for NVIDIA's GPUs only, so far. The GPU itself can be used.",
        )
    if environment.get("NVIDIA_VISIBLE_DEVICES", "").strip().lower() in ("void", "none"):
        return Reading(
            State.NO_GPU,
            time.time(),
            "No GPU was given to this workspace.",
            "To work on a GPU, stop the workspace and start it again with another profile.",
        )
    return None
