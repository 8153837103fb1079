"""Prometheus metrics of this workspace, on the Jupyter server's own /metrics. I/O edge: a handler.

Who sees them: the owner. Others who may open this server (administrators, guests, a scraper with a
token of its own) see jupyter_server's metrics only, unless STUDIOLO_METRICS says otherwise:

    owner    (default) only the owner of the workspace; outside a hub whoever is signed in
    allowed  everyone whom jupyter_server lets read /metrics
    off      nobody

Whether /metrics itself asks for a sign-in is jupyter_server's `authenticate_prometheus`, on by
default. Where that is off, nobody is known to be the owner, so `allowed` must be said as well.

The figures are the newest ones that there are: a scrape asks no driver.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import PrometheusMetricsHandler
from jupyter_server.utils import url_path_join

from jupyterlab_studiolo.panel import Panel

VARIABLE: Final = "STUDIOLO_METRICS"
OWNER: Final = "owner"
ALLOWED: Final = "allowed"
OFF: Final = "off"

# Name, help, the figure's name, and what it is multiplied with.
_DEVICE: Final = (
    (
        "gpu_utilisation_ratio",
        "Share of the time in which the GPU computed.",
        "utilisation_percent",
        0.01,
    ),
    ("gpu_memory_used_bytes", "Used GPU memory.", "memory_used_bytes", 1),
    ("gpu_memory_total_bytes", "GPU memory in all.", "memory_total_bytes", 1),
    ("gpu_temperature_celsius", "Temperature of the GPU.", "temperature_celsius", 1),
    ("gpu_power_watts", "Power that the GPU draws.", "power_watts", 1),
)

log = logging.getLogger("jupyterlab_studiolo")


def who_may_see(environment: Mapping[str, str]) -> str:
    """The wish of STUDIOLO_METRICS; an unknown one is as good as none."""
    wish = environment.get(VARIABLE, "").strip().lower() or OWNER
    if wish not in (OWNER, ALLOWED, OFF):
        log.warning("%s is %r; owner, allowed and off are understood.", VARIABLE, wish[:40])
        return OWNER
    return wish


class MetricsHandler(PrometheusMetricsHandler):
    """In the place of jupyter_server's own: the same, and ours below for whom they are for."""

    def initialize(self, panel: Panel, owner: str | None, seen_by: str) -> None:
        """`owner` is None outside a hub."""
        self.panel = panel
        self.owner = owner
        self.seen_by = seen_by

    @allow_unauthenticated
    def get(self) -> None:
        """Authenticated as jupyter_server does it."""
        super().get()
        if self._is_for_them():
            self.write(metrics_text(self.panel))

    def _is_for_them(self) -> bool:
        if self.seen_by == ALLOWED:
            return True
        if self.seen_by == OFF or not self.logged_in:
            return False
        return self.owner is None or self.current_user.username == self.owner


def metrics_route(
    base_url: str, *, panel: Panel, owner: str | None, seen_by: str
) -> tuple[str, type[MetricsHandler], dict[str, Any]]:
    """Stands before jupyter_server's own route of that name."""
    options = {"panel": panel, "owner": owner, "seen_by": seen_by}
    return str(url_path_join(base_url, "/metrics")), MetricsHandler, options


def metrics_text(panel: Panel) -> str:
    """https://prometheus.io/docs/instrumenting/exposition_formats/"""
    return "".join(f"{line}\n" for line in _lines(panel))


def _lines(panel: Panel) -> Iterator[str]:
    reading = panel.latest
    for name, text, figure, scale in _DEVICE:
        values = [
            (sample, getattr(sample.figures, figure))
            for sample in (reading.samples if reading else ())
        ]
        told = [(sample, value) for sample, value in values if value is not None]
        if told:
            yield from _header(name, text)
        for sample, value in told:
            labels = f'gpu="{_escaped(sample.id)}",name="{_escaped(sample.name)}"'
            yield f"studiolo_workspace_{name}{{{labels}}} {value * scale:.10g}"
    machine = panel.machine()
    activity = panel.activity
    plain = {
        "cpu_cores": ("CPU cores in use.", machine.cpu.used_cores),
        "memory_used_bytes": ("Memory in use, without file cache.", machine.memory.used_bytes),
        "memory_limit_bytes": ("Memory that may be used.", machine.memory.limit_bytes),
        "home_used_bytes": ("Used space of the home.", machine.disk and machine.disk.used_bytes),
        "home_total_bytes": ("Space of the home.", machine.disk and machine.disk.total_bytes),
        "busy": ("1 while the workspace is at work.", int(activity.busy)),
        "last_activity_seconds": ("When it was used last, in Unix time.", activity.last),
    }
    for name, (text, amount) in plain.items():
        if amount is not None:
            yield from _header(name, text)
            yield f"studiolo_workspace_{name} {amount:.15g}"


def _header(name: str, text: str) -> tuple[str, str]:
    whole = f"studiolo_workspace_{name}"
    return f"# HELP {whole} {text}", f"# TYPE {whole} gauge"


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
