"""How much of each profile's hardware is free now, and how many workspaces would fit. Pure.

Counted as Kubernetes' scheduler counts: by the requests of every pod that has a machine, of
whatever namespace, on the machines that take the profile's pods (labels, taints, closed or not
ready). A workspace "fits" where its devices, processors and memory are free together. Profiles that
ask for the same resource share one pool. Shares of a GPU and MIG slices are called what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from studiolo_spawner.catalogue import Profile
from studiolo_spawner.machines import Machine, is_extended, machine_of, takes
from studiolo_spawner.pod_facts import Placement, PodFacts, facts_of
from studiolo_spawner.pod_view import Json
from studiolo_spawner.quantities import parse_memory
from studiolo_spawner.resource_amounts import ONE, Amounts, add
from studiolo_spawner.runtime_classes import RuntimeClass
from studiolo_spawner.translation import translate as _

Unit = Literal["gpu", "slice", "share", "device"]
State = Literal["free", "tight", "full", "unknown"]

PLENTY = 100
"""From so many on, a CPU profile's room is not told as a number."""

MOST_PLACEMENTS = 512
"""Kinds of place that are remembered; far more than a cluster's waiting pods have."""

# Kubernetes gives every pod these.
_DEFAULT_TOLERATIONS: tuple[Json, ...] = tuple(
    {"key": f"node.kubernetes.io/{trouble}", "operator": "Exists", "effect": "NoExecute"}
    for trouble in ("not-ready", "unreachable")
)
_NO_CLASS = RuntimeClass({}, Placement({}, (), ()))


@dataclass(frozen=True, slots=True)
class Free:
    """How much of a profile's resource is free now."""

    free: int
    total: int
    largest_block: int
    """The most that is free on one machine."""
    waiting: int = 0
    """Pods that wait for it."""
    machines: int = 0
    """Machines that take this profile's workspaces, full ones too."""
    fits: int = 0
    """Workspaces of this profile that would start now, with their CPU and memory."""
    unit: Unit | None = "gpu"
    """What is counted; None for a profile without devices, which has room alone."""
    shares: int = 0
    """How many of `total` are shares of a GPU and not whole ones."""


@dataclass(frozen=True, slots=True)
class Common:
    """What every workspace of a hub has in common, by its operator's configuration."""

    placement: Placement = field(default_factory=lambda: Placement({}, (), ()))
    requests: Mapping[str, int] = field(default_factory=dict)
    """Of containers beside the user's."""
    runtime_classes: Mapping[str, RuntimeClass] = field(default_factory=dict)
    """What the cluster's runtime classes add, by name."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one workspace of a profile asks the scheduler for."""

    requests: Amounts
    placement: Placement
    resource: str | None
    told_shared: bool
    """The catalogue says that its GPU is shared."""


def demand_of(profile: Profile, common: Common | None = None) -> Demand:
    """What a workspace of the profile asks for; see `pod.py`, which makes its pod."""
    common = common or Common()
    memory = parse_memory(profile.memory_guarantee or profile.memory)
    # Kubernetes takes a limit for the request where none is given.
    requests = {
        "cpu": round((profile.cpu_guarantee or profile.cpu) * ONE),
        "memory": memory * ONE,
        "pods": ONE,
    }
    if profile.resource is not None:
        requests[profile.resource] = profile.count * ONE
    own = [toleration.model_dump(exclude_none=True) for toleration in profile.tolerations]
    runtime = common.runtime_classes.get(profile.runtime_class or "", _NO_CLASS)
    placement = Placement(
        selector={
            **common.placement.selector,
            **profile.node_selector,
            **runtime.placement.selector,
        },
        tolerations=(
            *common.placement.tolerations,
            *own,
            *runtime.placement.tolerations,
            *_DEFAULT_TOLERATIONS,
        ),
        affinity=common.placement.affinity,
    )
    add(requests, common.requests)
    add(requests, runtime.overhead)
    shared = profile.gpu is not None and profile.gpu.shared
    return Demand(requests, placement, profile.resource, shared)


def capacity_of(
    nodes: Iterable[Json],
    pods: Iterable[Json],
    profiles: Iterable[Profile],
    common: Common | None = None,
) -> dict[str, Free]:
    """How much is free for each profile, from nodes and pods as the Kubernetes API writes them."""
    facts = [found for pod in pods if (found := facts_of(pod)) is not None]
    used: dict[str, Amounts] = {}
    for pod in facts:
        if pod.node:
            add(used.setdefault(pod.node, {}), pod.requests)
    tally = Tally({profile.id: demand_of(profile, common) for profile in profiles})
    for machine in map(machine_of, nodes):
        tally.take(machine.name, machine)
    return tally.count(used, [pod for pod in facts if pod.waiting])


@dataclass(slots=True)
class _Spot:
    """What one machine adds to one demand's figures."""

    machine: Machine
    has: int
    shared: bool
    sliced: bool
    left: int = 0
    fits: int = 0
    stale: bool = True
    """`left` and `fits` are to be counted."""

    def count(self, used: Mapping[str, int], demand: Demand) -> None:
        """Count what is left beside what is used."""
        if demand.resource is not None:
            self.left = max(self.has - -(-used.get(demand.resource, 0) // ONE), 0)
        self.fits = _times(self.machine, used, demand.requests)
        self.stale = False


class Tally:
    """Counts again only what has changed: machines, and what is used of them."""

    def __init__(self, demands: Mapping[str, Demand]) -> None:
        self._demands = demands
        self._machines: dict[str, Machine] = {}
        self._able: dict[str, dict[str, _Spot]] = {name: {} for name in demands}
        """By demand and machine; only machines that take the demand."""
        self._takers: dict[str, frozenset[str]] = {}

    def take(self, name: str, machine: Machine | None) -> None:
        """A machine is new, has changed or (None) is gone."""
        self._takers.clear()
        if machine is None:
            self._machines.pop(name, None)
        else:
            self._machines[name] = machine
        for demand_name, demand in self._demands.items():
            spot = _spot(machine, demand) if machine is not None else None
            if spot is not None:
                self._able[demand_name][name] = spot
            else:
                self._able[demand_name].pop(name, None)

    def use_changed(self, name: str) -> None:
        """What is used of a machine is not what it was."""
        for able in self._able.values():
            if name in able:
                able[name].stale = True

    def count(
        self, used: Mapping[str, Mapping[str, int]], waiting: Sequence[PodFacts]
    ) -> dict[str, Free]:
        """What is free for each demand; ``used``: thousandths by machine."""
        return {
            name: replace(
                self._count_one(name, demand, used),
                waiting=sum(self._competes(pod, demand) for pod in waiting),
            )
            for name, demand in self._demands.items()
        }

    def _count_one(self, name: str, demand: Demand, used: Mapping[str, Mapping[str, int]]) -> Free:
        spots = self._able[name].values()
        for spot in spots:
            if spot.stale:
                spot.count(used.get(spot.machine.name, {}), demand)
        fits = sum(spot.fits for spot in spots)
        if demand.resource is None:
            return Free(0, 0, 0, machines=len(spots), fits=fits, unit=None)
        total = sum(spot.has for spot in spots)
        shares = sum(spot.has for spot in spots if spot.shared)
        unit = _unit(
            demand,
            demand.resource,
            shared=bool(total) and shares == total,
            sliced=any(spot.sliced for spot in spots),
        )
        return Free(
            sum(spot.left for spot in spots),
            total,
            max((spot.left for spot in spots), default=0),
            machines=len(spots),
            fits=fits,
            unit=unit,
            shares=total if unit == "share" else shares,
        )

    def _competes(self, pod: PodFacts, demand: Demand) -> bool:
        """Whether a waiting pod waits for what the demand asks for."""
        if demand.resource is None:
            same_kind = not any(is_extended(name) for name in pod.requests)
        else:
            same_kind = pod.requests.get(demand.resource, 0) > 0
        if not same_kind or pod.placement is None:
            return False
        theirs, ours = self._takers_of(pod.placement), self._takers_of(demand.placement)
        # Where no machine takes either of them now, they wait for the same one to come.
        return not theirs.isdisjoint(ours) or not (theirs or ours)

    def _takers_of(self, placement: Placement) -> frozenset[str]:
        found = self._takers.get(placement.key)
        if found is None:
            if len(self._takers) >= MOST_PLACEMENTS:
                self._takers.clear()
            takers = (name for name, each in self._machines.items() if _takes(each, placement))
            found = self._takers[placement.key] = frozenset(takers)
        return found


def _takes(machine: Machine, placement: Placement) -> bool:
    return takes(
        machine,
        selector=placement.selector,
        tolerations=placement.tolerations,
        affinity=placement.affinity,
    )


def _spot(machine: Machine, demand: Demand) -> _Spot | None:
    """The machine's part in a demand; None where it has not what is asked for, or refuses it."""
    if not _takes(machine, demand.placement):
        return None
    if demand.resource is None:
        return _Spot(machine, 0, shared=False, sliced=False)
    has = machine.allocatable.get(demand.resource, 0) // ONE
    if not has:
        return None
    shared, sliced = machine.shares_gpus(demand.resource), machine.slices_gpus(demand.resource)
    return _Spot(machine, has, shared, sliced)


def _times(machine: Machine, used: Mapping[str, int], requests: Mapping[str, int]) -> int:
    """How often the requests fit into what is left of a machine."""
    return min(
        max(machine.allocatable.get(name, 0) - used.get(name, 0), 0) // amount
        for name, amount in requests.items()
        if amount
    )


def _unit(demand: Demand, resource: str, *, shared: bool, sliced: bool) -> Unit:
    if shared or demand.told_shared or resource.endswith(".shared"):
        return "share"
    if sliced or "/mig-" in resource:
        return "slice"
    return "gpu" if "gpu" in resource else "device"


def state_of(free: Free | None) -> State:
    """In one word, for a mark on the menu; never a ground to forbid a choice."""
    if free is None:
        return "unknown"
    if not free.fits:
        return "full"
    return "tight" if free.fits == 1 or free.waiting >= free.fits else "free"


def free_words(free: Free | None, count: int) -> str:
    """What is free, in words, for a profile that asks for ``count``; empty where unknown."""
    if free is None:
        return ""
    told = [_room_words(free)] if free.unit is None else _device_words(free, count)
    if free.waiting:
        told.append(_("%(count)s waiting") % {"count": free.waiting})
    return "; ".join(told)


def _room_words(free: Free) -> str:
    if not free.fits:
        return _("No room at the moment")
    if free.fits >= PLENTY:
        return _("Plenty of room")
    return _("Room for %(count)s") % {"count": free.fits}


def _device_words(free: Free, count: int) -> list[str]:
    if not free.total:
        return [_("No machine offers this at the moment")]
    told = _counted_words(free.unit) % {"free": free.free, "total": free.total}
    if 0 < free.shares < free.total:
        told += " " + _("(%(count)s of them shares of a GPU)") % {"count": free.shares}
    if not free.fits and free.largest_block >= count:
        told += ", " + _("but too little CPU or memory is left beside them")
    if count < 2:
        return [told]
    return [told, _("at most %(count)s on one machine") % {"count": free.largest_block}]


def _counted_words(unit: Unit | None) -> str:
    if unit == "slice":
        return _("%(free)s slices free of %(total)s")
    if unit == "share":
        return _("%(free)s shares free of %(total)s")
    return _("%(free)s free of %(total)s")
