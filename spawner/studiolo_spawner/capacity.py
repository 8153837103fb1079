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
from studiolo_spawner.resource_amounts import ONE, Amounts, add, added

Unit = Literal["gpu", "slice", "share", "device"]
State = Literal["free", "tight", "full", "unknown"]

PLENTY = 100
"""From so many on, a CPU profile's room is not told as a number."""

# Kubernetes gives every pod these.
_DEFAULT_TOLERATIONS: tuple[Json, ...] = tuple(
    {"key": f"node.kubernetes.io/{trouble}", "operator": "Exists", "effect": "NoExecute"}
    for trouble in ("not-ready", "unreachable")
)
_MARKS: Mapping[Unit, str] = {"slice": " slices", "share": " shares"}


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
    placement = Placement(
        selector={**common.placement.selector, **profile.node_selector},
        tolerations=(*common.placement.tolerations, *own, *_DEFAULT_TOLERATIONS),
        affinity=common.placement.affinity,
    )
    shared = profile.gpu is not None and profile.gpu.shared
    return Demand(added(requests, common.requests), placement, profile.resource, shared)


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
    machines = [machine_of(node) for node in nodes]
    waiting = [pod for pod in facts if pod.waiting]
    demands = {profile.id: demand_of(profile, common) for profile in profiles}
    return count(machines, used, waiting, demands)


def count(
    machines: Sequence[Machine],
    used: Mapping[str, Mapping[str, int]],
    waiting: Sequence[PodFacts],
    demands: Mapping[str, Demand],
) -> dict[str, Free]:
    """The same from what is kept between changes; ``used``: by machine."""
    takers = _Takers(machines)
    found: dict[str, Free] = {}
    for name, demand in demands.items():
        able = [machine for machine in machines if machine.name in takers.of(demand.placement)]
        queue = sum(_competes(pod, demand, takers) for pod in waiting)
        found[name] = replace(_count_one(able, used, demand), waiting=queue)
    return found


class _Takers:
    """Which machines take a placement, asked once for each placement."""

    def __init__(self, machines: Sequence[Machine]) -> None:
        self._machines = machines
        self._known: dict[str, frozenset[str]] = {}

    def of(self, placement: Placement) -> frozenset[str]:
        key = placement.key
        if key not in self._known:
            self._known[key] = frozenset(
                machine.name
                for machine in self._machines
                if takes(
                    machine,
                    selector=placement.selector,
                    tolerations=placement.tolerations,
                    affinity=placement.affinity,
                )
            )
        return self._known[key]


def _competes(pod: PodFacts, demand: Demand, takers: _Takers) -> bool:
    """Whether a waiting pod waits for what the demand asks for."""
    if demand.resource is None:
        same_kind = not any(is_extended(name) for name in pod.requests)
    else:
        same_kind = pod.requests.get(demand.resource, 0) > 0
    if not same_kind or pod.placement is None:
        return False
    theirs, ours = takers.of(pod.placement), takers.of(demand.placement)
    # Where no machine takes either of them now, they wait for the same one to come.
    return not theirs.isdisjoint(ours) or not (theirs or ours)


def _count_one(
    able: Sequence[Machine], used: Mapping[str, Mapping[str, int]], demand: Demand
) -> Free:
    free = total = largest = fits = shares = slices = count = 0
    resource = demand.resource
    for machine in able:
        here = used.get(machine.name, {})
        if resource is not None:
            has = machine.allocatable.get(resource, 0) // ONE
            if not has:
                continue
            left = max(has - -(-here.get(resource, 0) // ONE), 0)
            free, total, largest = free + left, total + has, max(largest, left)
            shares += has if machine.shares_gpus(resource) else 0
            slices += has if machine.slices_gpus(resource) else 0
        count += 1
        fits += _times(machine, here, demand.requests)
    if resource is None:
        return Free(0, 0, 0, machines=count, fits=fits, unit=None)
    unit = _unit(demand, resource, shared=bool(total) and shares == total, sliced=slices > 0)
    whole_shares = total if unit == "share" else shares
    return Free(free, total, largest, machines=count, fits=fits, unit=unit, shares=whole_shares)


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
    told = _room_words(free) if free.unit is None else _device_words(free, count)
    return f"{told}; {free.waiting} waiting" if free.waiting else told


def _room_words(free: Free) -> str:
    if not free.fits:
        return "No room at the moment"
    return "Plenty of room" if free.fits >= PLENTY else f"Room for {free.fits}"


def _device_words(free: Free, count: int) -> str:
    if not free.total:
        return "No machine offers this at the moment"
    mark = _MARKS.get(free.unit, "") if free.unit else ""
    told = f"{free.free}{mark} free of {free.total}"
    if 0 < free.shares < free.total:
        told += f" ({free.shares} of them shares of a GPU)"
    if count > 1:
        told += f"; at most {free.largest_block} on one machine"
    if not free.fits and free.largest_block >= count:
        told += ", but too little CPU or memory is left beside them"
    return told
