"""Who holds which GPUs, by machine and by kind, what is free, and who waits. Pure.

Made of what the cluster watch knows: machines and their pods' requests, as Kubernetes' scheduler
counts them. Whole GPUs, MIG slices and shares of a GPU are told apart. Pods that hold GPUs but are
no workspaces are named by their namespace alone: whose they are is not ours to say. Of workspaces,
those are named that the reader may see.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from studiolo_spawner.catalogue import Catalogue
from studiolo_spawner.holders import Holder
from studiolo_spawner.machines import Machine

from studiolo_hub.admin_words import since_words

Kind = Literal["whole", "slice", "share", "other"]

MayRead = Callable[[str, str], bool]
"""Whether the reader may see a workspace, by its user's and its own name."""


@dataclass(frozen=True)
class Holding:
    """One pod's part of a machine, or of the queue."""

    user: str
    """Empty for what is no workspace, or not the reader's to see."""
    server: str
    namespace: str
    """Of a pod that is no workspace; empty for workspaces."""
    profile: str
    count: int
    phase: str
    since: datetime | None
    since_words: str
    gated: bool = False

    @property
    def workspace(self) -> bool:
        """Whether it is a workspace."""
        return not self.namespace


@dataclass(frozen=True)
class Pool:
    """One kind of device on one machine."""

    resource: str
    kind: Kind
    total: int
    held: int
    holdings: tuple[Holding, ...]

    @property
    def free(self) -> int:
        """What nobody holds."""
        return max(self.total - self.held, 0)


@dataclass(frozen=True)
class MachineRow:
    """One machine with its devices."""

    name: str
    open: bool
    """Whether it takes new pods."""
    model: str
    """As GPU feature discovery says; empty when nothing does."""
    driver: str
    pools: tuple[Pool, ...]


@dataclass(frozen=True)
class KindRow:
    """One kind of device on all machines."""

    resource: str
    kind: Kind
    total: int
    held: int
    free: int
    closed: int
    """How many of the free ones are on machines that take no new pods."""
    waiting: int
    """How many are asked for by pods that wait."""


@dataclass(frozen=True)
class Queued:
    """One pod that waits for a place."""

    resource: str
    holding: Holding


@dataclass(frozen=True)
class GpuReport:
    """Everything on the page."""

    kinds: tuple[KindRow, ...]
    machines: tuple[MachineRow, ...]
    without_gpus: int
    """Machines that have no devices and are left out."""
    waiting: tuple[Queued, ...]


def gpu_report(
    machines: Sequence[Machine],
    holders: Iterable[Holder],
    waiting: Iterable[Holder],
    *,
    catalogue: Catalogue | None,
    may_read: MayRead,
    now: datetime,
) -> GpuReport:
    """Return who holds what. Machines by name, holders and waiting ones by age."""
    placed: dict[tuple[str, str], list[Holder]] = {}
    for holder in holders:
        if holder.node and holder.resource:
            placed.setdefault((holder.node, holder.resource), []).append(holder)
    names = (
        {profile.id: profile.display_name for profile in catalogue.profiles} if catalogue else {}
    )

    def told(holder: Holder) -> Holding:
        return _holding(holder, names, may_read, now)

    rows = [
        _machine(machine, placed, told)
        for machine in machines
        if machine.extended or any(node == machine.name for node, _ in placed)
    ]
    queue = [Queued(holder.resource or "", told(holder)) for holder in sorted(waiting, key=_age)]
    return GpuReport(
        kinds=_kinds(rows, queue),
        machines=tuple(rows),
        without_gpus=len(machines) - len(rows),
        waiting=tuple(queue),
    )


def kind_of(resource: str, machine: Machine) -> Kind:
    """Return what a unit of a resource is on a machine."""
    if machine.shares_gpus(resource):
        return "share"
    if machine.slices_gpus(resource):
        return "slice"
    return "whole" if "gpu" in resource else "other"


def as_json(report: GpuReport) -> dict[str, object]:
    """Return the report for programs; fields are only ever added to it."""
    return {
        "kinds": [
            {
                "resource": row.resource,
                "kind": row.kind,
                "total": row.total,
                "held": row.held,
                "free": row.free,
                "closed": row.closed,
                "waiting": row.waiting,
            }
            for row in report.kinds
        ],
        "machines": [
            {
                "name": row.name,
                "open": row.open,
                "model": row.model,
                "driver": row.driver,
                "pools": [
                    {
                        "resource": pool.resource,
                        "kind": pool.kind,
                        "total": pool.total,
                        "held": pool.held,
                        "free": pool.free,
                        "holders": [_entry(holding) for holding in pool.holdings],
                    }
                    for pool in row.pools
                ],
            }
            for row in report.machines
        ],
        "waiting": [
            {"resource": one.resource or None, **_entry(one.holding)} for one in report.waiting
        ],
    }


def _machine(
    machine: Machine,
    placed: dict[tuple[str, str], list[Holder]],
    told: Callable[[Holder], Holding],
) -> MachineRow:
    held = {resource for node, resource in placed if node == machine.name}
    pools = []
    for resource in sorted({*machine.extended, *held}):
        here = sorted(placed.get((machine.name, resource), []), key=_age)
        pools.append(
            Pool(
                resource=resource,
                kind=kind_of(resource, machine),
                total=machine.extended.get(resource, 0),
                held=sum(holder.count for holder in here),
                holdings=tuple(map(told, here)),
            )
        )
    return MachineRow(
        name=machine.name,
        open=machine.ready,
        model=machine.labels.get("nvidia.com/gpu.product", "").replace("-", " "),
        driver=machine.driver_version,
        pools=tuple(pools),
    )


def _kinds(rows: Sequence[MachineRow], queue: Sequence[Queued]) -> tuple[KindRow, ...]:
    total: Counter[tuple[str, Kind]] = Counter()
    held: Counter[tuple[str, Kind]] = Counter()
    closed: Counter[tuple[str, Kind]] = Counter()
    for row in rows:
        for pool in row.pools:
            key = (pool.resource, pool.kind)
            total[key] += pool.total
            held[key] += pool.held
            if not row.open:
                closed[key] += pool.free
    wanted: Counter[str] = Counter()
    for one in queue:
        wanted[one.resource] += one.holding.count
    return tuple(
        KindRow(
            resource=resource,
            kind=kind,
            total=total[resource, kind],
            held=held[resource, kind],
            free=max(total[resource, kind] - held[resource, kind], 0),
            closed=closed[resource, kind],
            waiting=wanted[resource],
        )
        for resource, kind in sorted(total)
    )


def _holding(holder: Holder, profiles: dict[str, str], may_read: MayRead, now: datetime) -> Holding:
    shown = bool(holder.user) and may_read(holder.user, holder.server)
    return Holding(
        user=holder.user if shown else "",
        server=holder.server if shown else "",
        namespace="" if holder.user else holder.pod.partition("/")[0],
        profile=profiles.get(holder.profile, holder.profile),
        count=holder.count,
        phase=holder.phase,
        since=holder.since,
        since_words=since_words(holder.since, now),
        gated=holder.gated,
    )


def _entry(holding: Holding) -> dict[str, object]:
    return {
        "workspace": holding.workspace,
        "user": holding.user or None,
        "server": holding.server if holding.user else None,
        "namespace": holding.namespace or None,
        "profile": holding.profile or None,
        "count": holding.count,
        "phase": holding.phase,
        "since": holding.since.isoformat() if holding.since else None,
        "queued": holding.gated,
    }


def _age(holder: Holder) -> tuple[float, str]:
    return (holder.since.timestamp() if holder.since else 0.0, holder.pod)
