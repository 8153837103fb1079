"""Prometheus gauges of what the hub holds in memory, on JupyterHub's own /hub/metrics. Reads.

Worked out when they are asked for, so they are never old and cost nothing between. Labels are
bounded: the catalogue's profiles, the states of workspaces. Who may read them is JupyterHub's
`read:metrics`. What is not known (nodes that may not be read) is left out rather than told as 0.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, get_args

from jupyterhub.app import JupyterHub
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from studiolo_spawner.capacity import Free

from studiolo_hub.catalogue_link import CatalogueLink
from studiolo_hub.workspace_view import State

Users = Callable[[], Iterable[Any]]
"""The hub's users that are in memory, as JupyterHub wraps them."""

_FAMILIES: Final = {
    "studiolo_workspaces": ("Workspaces that do not stand still, by state.", ["state"]),
    "studiolo_profile_devices": (
        "Devices (GPUs, slices, shares) that a profile's workspaces can use, by who has them.",
        ["profile", "state"],
    ),
    "studiolo_profile_fits": ("Workspaces of a profile that would start now.", ["profile"]),
    "studiolo_profile_waiting": ("Pods that wait for what a profile asks for.", ["profile"]),
    "studiolo_images": ("Images of the catalogue, by whether they have a problem.", ["state"]),
}


class StudioloCollector(Collector):
    """One for a process: `source` is set when a hub is configured."""

    def __init__(self) -> None:
        self.source: tuple[CatalogueLink, Users] | None = None

    def describe(self) -> Iterator[Metric]:
        """Name the metrics without working them out."""
        for name in _FAMILIES:
            yield _family(name)

    def collect(self) -> Iterator[Metric]:
        """Work them out."""
        if self.source is None:
            return
        catalogue, users = self.source
        yield _workspaces(users())
        yield from _profiles(catalogue)
        yield _images(catalogue)


_collector = StudioloCollector()


def people_in_memory() -> list[Any]:
    """Return the users of the hub that this process is; none where it is no hub."""
    return list(dict.values(JupyterHub.instance().users)) if JupyterHub.initialized() else []


def serve_metrics(catalogue: CatalogueLink, users: Users = people_in_memory) -> None:
    """Have the metrics told of this hub from now on."""
    if _collector.source is None:
        REGISTRY.register(_collector)
    _collector.source = (catalogue, users)


def state_of(spawner: Any) -> State:
    """Return the state of a live spawner."""
    if spawner.pending:
        return "stopping" if spawner.pending == "stop" else "starting"
    if spawner.ready:
        return "running"
    return "failed" if spawner._failed else "stopped"  # noqa: SLF001 - as the home page has it


def _workspaces(users: Iterable[Any]) -> Metric:
    counts = dict.fromkeys((state for state in get_args(State) if state != "stopped"), 0)
    for user in users:
        for spawner in list(user.spawners.values()):
            state = state_of(spawner)
            if state in counts:
                counts[state] += 1
    family = _family("studiolo_workspaces")
    for state, count in counts.items():
        family.add_metric([state], count)
    return family


def _profiles(link: CatalogueLink) -> Iterator[Metric]:
    devices, fits, waiting = (
        _family(f"studiolo_profile_{name}") for name in ("devices", "fits", "waiting")
    )
    cluster = link.parts.cluster if link.parts is not None else None
    catalogue = link.snapshot
    known = cluster.capacity(catalogue) if cluster is not None and catalogue is not None else None
    for profile, free in (known or {}).items():
        _add(profile, free, devices)
        fits.add_metric([profile], free.fits)
        waiting.add_metric([profile], free.waiting)
    yield from (devices, fits, waiting)


def _add(profile: str, free: Free, devices: GaugeMetricFamily) -> None:
    if free.unit is not None:
        devices.add_metric([profile, "free"], free.free)
        devices.add_metric([profile, "held"], max(free.total - free.free, 0))


def _images(link: CatalogueLink) -> Metric:
    family = _family("studiolo_images")
    images = link.snapshot.images if link.snapshot is not None else ()
    bad = len(link.health.problems(images, datetime.now(UTC)))
    family.add_metric(["bad"], bad)
    family.add_metric(["good"], len(images) - bad)
    return family


def _family(name: str) -> GaugeMetricFamily:
    text, labels = _FAMILIES[name]
    return GaugeMetricFamily(name, text, labels=labels)
