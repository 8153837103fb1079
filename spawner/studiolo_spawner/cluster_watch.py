"""What the cluster has and who holds it, followed once for the whole hub; I/O.

One watch of nodes and one of pods serve every menu, page and check: no page asks the API server.
Kept are sums by machine and a few facts of each pod, so that a change costs as much as one pod and
an answer as much as the machines. The watches recover for ever; while they are cut for longer than
`STALE_SECONDS`, or where the hub may not read nodes, free figures are unknown (None) and never
guessed. Workspaces' own pods are watched by KubeSpawner, too, with all that a start reads of them;
a second look at those few spares counting from depending on starts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from studiolo_spawner import runtime_classes
from studiolo_spawner.capacity import Common, Demand, Free, Tally, demand_of
from studiolo_spawner.catalogue import Catalogue, Profile
from studiolo_spawner.cluster_reflectors import NodeReflector, TellingReflector, UseReflector
from studiolo_spawner.holders import Holder, age, devices_of, held_by
from studiolo_spawner.machines import Machine, machine_of, takes
from studiolo_spawner.pod_facts import PodFacts, facts_of, placement_of
from studiolo_spawner.pod_view import mapping
from studiolo_spawner.queue_reader import Get
from studiolo_spawner.resource_amounts import Amounts, add, requests_of

Scope = Literal["cluster", "namespace", "off"]

RUNTIME_CLASS_SECONDS = 600.0
"""How often it is asked what runtime classes there are: they hardly ever change."""

STALE_SECONDS = 60.0
"""For so long a cut watch's figures still count."""

_GRANT = (
    'a ClusterRole with {{apiGroups: [""], resources: [{resource}], verbs: [list, watch]}} for the '
    "hub's service account"
)

_Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


class ClusterWatch:
    """Nodes and pods of one cluster, and what follows from them."""

    def __init__(
        self,
        namespace: str,
        *,
        scope: Scope = "cluster",
        everywhere: str | None = None,
        common: Common | None = None,
        parent: Any = None,
        log: _Log | None = None,
        get: Get | None = None,
    ) -> None:
        """``everywhere``: how the names of the namespaces begin that people have of their own.

        ``get``: asks the API server for what is not watched (runtime classes), once a profile
        that names one is looked at: a hub without such profiles need not have the right to.
        """
        self.scope = scope
        self._log = log or logging.getLogger(__name__)
        self._common = common or Common()
        self._get = get
        self._home, self._everywhere = namespace, everywhere
        """Where this hub's workspaces are."""
        self._listed = asyncio.Event()
        self._classes_matter = asyncio.Event()
        self._pods = self._pods_of(
            namespace, parent, omit=scope == "cluster" or everywhere is not None
        )
        self._own: TellingReflector | None = None
        """The workspaces' namespace alone, where reading all of them is forbidden."""
        self._own_pods = partial(self._pods_of, namespace, parent, omit=False)
        self._tasks: set[asyncio.Task[None]] = set()
        self._nodes: TellingReflector | None = None
        if scope != "off":
            self._nodes = NodeReflector(
                parent=parent, told=self._node_changed, refused=self._nodes_refused
            )
        self._machines: dict[str, Machine] = {}
        self._facts: dict[str, PodFacts] = {}
        self._used: dict[str, Amounts] = {}
        self._callbacks: list[Callable[[], None]] = []
        self._changes = 0
        self._node_changes = 0
        self._waiting: dict[str, PodFacts] = {}
        self._held: dict[str, list[Holder]] = {}
        self._tally: tuple[Catalogue, Tally] | None = None
        self._counted: tuple[int, dict[str, Free]] | None = None

    def _pods_of(self, namespace: str, parent: Any, *, omit: bool) -> TellingReflector:
        reflector = UseReflector(
            namespace=namespace,
            omit_namespace=omit,
            parent=parent,
            told=self._pod_changed,
            refused=self._pods_refused if omit else self._own_pods_refused,
        )
        reflector.first_load_future.add_done_callback(lambda _: self._listed.set())
        return reflector

    # -- life ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to follow; an API server that is away is no error."""
        for reflector in (self._pods, self._nodes):
            if reflector is not None and reflector.watch_task is None:
                await reflector.start()
        if self._get is not None and self._nodes is not None and not self._tasks:
            self._keep(self._follow_runtime_classes(self._get))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="watch the cluster")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow_runtime_classes(self, get: Get) -> None:
        forbidden = False
        await self._classes_matter.wait()
        while True:
            found = await runtime_classes.read(get)
            if found is None and not forbidden:
                forbidden = True
                self._log.info(runtime_classes.UNKNOWN)
            if found is not None and found != self._common.runtime_classes:
                self._common = replace(self._common, runtime_classes=found)
                self._node_changes += 1
                self._tally = None
                self._tell()
            await asyncio.sleep(RUNTIME_CLASS_SECONDS)

    async def stop(self) -> None:
        """Follow no longer."""
        for task in self._tasks:
            task.cancel()
        for reflector in (self._pods, self._own, self._nodes):
            if reflector is not None:
                await reflector.stop()

    async def pods_known(self, timeout: float) -> bool:
        """Wait until all workspaces' pods were listed once; False when that takes longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._listed.wait()
        return self._pods_listed()

    def _pods_listed(self) -> bool:
        sources = [each for each in (self._pods, self._own) if each is not None]
        return any(each.first_load_future.done() and not each.forbidden for each in sources)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have ``callback`` called, in the loop, at every change; returns what ends that."""
        self._callbacks.append(callback)

        def unsubscribe() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return unsubscribe

    # -- what others read ------------------------------------------------------------------

    @property
    def node_changes(self) -> int:
        """Goes up whenever another machine may take a profile's workspaces, or none any more."""
        return self._node_changes

    @property
    def changes(self) -> int:
        """Goes up with every change that counts."""
        return self._changes

    @property
    def known(self) -> bool:
        """Whether free figures can be told now."""
        watches = (self._pods, self._nodes)
        return all(
            watch is not None
            and watch.first_load_future.done()
            and not watch.forbidden
            and watch.silent_seconds < STALE_SECONDS
            for watch in watches
        )

    def capacity(self, catalogue: Catalogue) -> Mapping[str, Free] | None:
        """What is free for each profile; None while it is not known. Counted once a change."""
        if not self.known:
            return None
        if self._tally is None or self._tally[0] is not catalogue:
            tally = Tally({p.id: self._demand_of(p) for p in catalogue.profiles})
            for name, machine in self._machines.items():
                tally.take(name, machine)
            self._tally, self._counted = (catalogue, tally), None
        if self._counted is None or self._counted[0] != self._changes:
            found = self._tally[1].count(self._used, tuple(self._waiting.values()))
            self._counted = (self._changes, found)
        return self._counted[1]

    def _demand_of(self, profile: Profile) -> Demand:
        if profile.runtime_class:
            self._classes_matter.set()
        return demand_of(profile, self._common)

    @property
    def nodes(self) -> tuple[Machine, ...]:
        """The machines, by name; none where they cannot be read."""
        return tuple(self._machines[name] for name in sorted(self._machines))

    def used_on(self, node: str) -> Mapping[str, int]:
        """What the pods of a machine ask for, in thousandths by resource."""
        return self._used.get(node, {})

    def holders(self) -> tuple[Holder, ...]:
        """All workspaces, and others' pods that hold devices on a machine; oldest first.

        A pod with two kinds of device stands here twice.
        """
        pods = sorted((self._facts[key] for key in self._held), key=age)
        return tuple(holder for pod in pods for holder in self._held[pod.key])

    def waiting(self) -> tuple[Holder, ...]:
        """Pods without a place, whoever's they are; those that asked first stand first."""
        pods = sorted(self._waiting.values(), key=age)
        return tuple(holder for pod in pods for holder in held_by(pod))

    def machines_for(self, profile: Profile) -> tuple[Machine, ...]:
        """The machines that take a profile's workspaces, room apart."""
        demand = self._demand_of(profile)
        return tuple(
            machine
            for machine in self.nodes
            if (demand.resource is None or demand.resource in machine.extended)
            and takes(
                machine,
                selector=demand.placement.selector,
                tolerations=demand.placement.tolerations,
                affinity=demand.placement.affinity,
            )
        )

    def driver_versions(self, profile: Profile) -> frozenset[str]:
        """The NVIDIA drivers' versions on a profile's machines, where they are labelled so."""
        versions = (machine.driver_version for machine in self.machines_for(profile))
        return frozenset(version for version in versions if version)

    def architectures(self, profile: Profile) -> frozenset[str]:
        """The processors of a profile's machines, such as `amd64`."""
        found = (machine.architecture for machine in self.machines_for(profile))
        return frozenset(name for name in found if name)

    # -- what changes ----------------------------------------------------------------------

    def _pod_changed(self, key: str) -> None:
        found = self._pods.resources.get(key)
        if found is None and self._own is not None:
            found = self._own.resources.get(key)
        new = self._known_as(facts_of(found)) if found is not None else None
        old = self._facts.get(key)
        if new == old:
            return
        if old is not None:
            self._forget(key, old)
        if new is not None:
            self._note(key, new)
        self._tell()

    def _known_as(self, pod: PodFacts | None) -> PodFacts | None:
        """Workspaces of another hub on this cluster are nobody's here: names may be the same."""
        if pod is None or not pod.ours or self._is_home(pod.namespace):
            return pod
        return replace(pod, user="", server="", profile="")

    def _is_home(self, namespace: str) -> bool:
        if self._everywhere is None:
            return namespace == self._home
        return namespace.startswith(self._everywhere)

    def _forget(self, key: str, pod: PodFacts) -> None:
        del self._facts[key]
        self._held.pop(key, None)
        self._waiting.pop(key, None)
        self._count_in(pod, -1)

    def _note(self, key: str, pod: PodFacts) -> None:
        self._facts[key] = pod
        if pod.ours or (pod.node and devices_of(pod)):
            self._held[key] = held_by(pod)
        if pod.waiting:
            self._waiting[key] = pod
        self._count_in(pod, 1)

    def _count_in(self, pod: PodFacts, times: int) -> None:
        if not pod.node:
            return
        here = self._used.setdefault(pod.node, {})
        add(here, pod.requests, times)
        if not here.get("pods"):
            del self._used[pod.node]
        if self._tally is not None:
            self._tally[1].use_changed(pod.node)

    def _node_changed(self, key: str) -> None:
        self._node_changes += 1
        found = self._nodes.resources.get(key) if self._nodes is not None else None
        new = machine_of(found) if found is not None else None
        if new == self._machines.get(key):
            return
        if new is None:
            del self._machines[key]
        else:
            self._machines[key] = new
        if self._tally is not None:
            self._tally[1].take(key, new)
        self._tell()

    def _tell(self) -> None:
        self._changes += 1
        for callback in tuple(self._callbacks):
            callback()

    def _nodes_refused(self) -> None:
        self._log.warning(
            "Free GPUs are not shown: the hub may not read the cluster's nodes. Grant it %s, or "
            "set workspaces.capacity: off",
            _GRANT.format(resource="nodes"),
        )
        self._tell()

    def _pods_refused(self) -> None:
        self._log.warning(
            "Free GPUs are not shown: the hub may not read the pods of all namespaces. Grant it "
            "%s, or set workspaces.capacity: namespace, if nobody else uses these GPUs, or off",
            _GRANT.format(resource="pods"),
        )
        if self._own is None:
            self._own = self._own_pods()
            self._keep(self._own.start())
        self._tell()

    def _own_pods_refused(self) -> None:
        self._log.warning(
            "The hub may not watch pods in its workspaces' namespace: quotas cannot be kept"
        )
        self._tell()


def common_of(spawner: Any) -> Common:
    """What an operator's traits add to every workspace's pod."""
    affinity = {"nodeSelectorTerms": _listed(spawner.node_affinity_required)}
    placement = placement_of(
        {
            "nodeSelector": spawner.node_selector,
            "tolerations": _listed(spawner.tolerations),
            "affinity": {
                "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": affinity}
            },
        }
    )
    beside = {
        "spec": {
            "containers": _listed(spawner.extra_containers),
            "initContainers": _listed(spawner.init_containers),
        }
    }
    requests = requests_of(beside)
    del requests["pods"]
    return Common(placement, requests)


def _listed(value: Any) -> list[Any]:
    """KubeSpawner takes a mapping for a list, too, in the order of its keys."""
    if isinstance(value, Mapping):
        return [mapping(value[key]) for key in sorted(value)]
    return list(value or ())
