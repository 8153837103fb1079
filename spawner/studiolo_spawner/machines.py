"""The cluster's machines as a workspace's place is chosen: room, labels, taints. Pure.

Follows Kubernetes' scheduler: a closed or unready machine takes nothing that does not tolerate it,
taints keep out whoever does not tolerate them, and node selectors and required node affinity must
match. Affinity between pods and topology spread are not looked at.

https://kubernetes.io/docs/concepts/scheduling-eviction/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studiolo_spawner.pod_view import Json, condition, mapping, mappings, text
from studiolo_spawner.resource_amounts import ONE, amounts

_BLOCKING = frozenset({"NoSchedule", "NoExecute"})
_CLOSED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}

_SHARING = "nvidia.com/gpu.sharing-strategy"
_REPLICAS = "nvidia.com/gpu.replicas"
_MIG_STRATEGY = "nvidia.com/mig.strategy"
_PRODUCT = "nvidia.com/gpu.product"
_DRIVER_FULL = "nvidia.com/cuda.driver-version.full"
_DRIVER_PARTS = tuple(f"nvidia.com/cuda.driver.{part}" for part in ("major", "minor", "rev"))


@dataclass(frozen=True, slots=True)
class Machine:
    """A node: what it can give in all, and whom it takes."""

    name: str
    allocatable: Mapping[str, int]
    """Thousandths by resource."""
    labels: Mapping[str, str]
    taints: tuple[Json, ...]
    """Those that keep pods out, closed and unready ones included."""

    @property
    def extended(self) -> Mapping[str, int]:
        """Whole units of its extended resources, such as GPUs."""
        return {
            name: amount // ONE
            for name, amount in self.allocatable.items()
            if is_extended(name) and amount >= ONE
        }

    @property
    def ready(self) -> bool:
        """Whether it runs and is open to new pods."""
        kept_out = {text(taint.get("key")) for taint in self.taints}
        return kept_out.isdisjoint({_CLOSED["key"], _NOT_READY["key"]})

    @property
    def architecture(self) -> str:
        """Such as `amd64`; empty when it does not say."""
        return self.labels.get("kubernetes.io/arch", "")

    @property
    def driver_version(self) -> str:
        """Its NVIDIA driver's, as GPU feature discovery says; empty when nothing does."""
        parts = [self.labels.get(name, "") for name in _DRIVER_PARTS]
        return self.labels.get(_DRIVER_FULL, "") or ".".join(part for part in parts if part)

    def shares_gpus(self, resource: str) -> bool:
        """Whether a unit of the resource is a turn on a GPU that others compute on, too.

        The device plugin may keep the name `nvidia.com/gpu` for the shares of a GPU; then only
        these labels tell them from whole ones.
        """
        if resource.endswith(".shared"):
            return True
        replicas = self.labels.get(_REPLICAS, "")
        strategy = self.labels.get(_SHARING, "none") or "none"
        nvidia = resource.startswith(("nvidia.com/gpu", "nvidia.com/mig-"))
        return nvidia and strategy != "none" and replicas.isdecimal() and int(replicas) > 1

    def slices_gpus(self, resource: str) -> bool:
        """Whether a unit of the resource is a slice of a GPU (MIG)."""
        single = self.labels.get(_MIG_STRATEGY) == "single"
        return "/mig-" in resource or (
            single and resource == "nvidia.com/gpu" and "-MIG-" in self.labels.get(_PRODUCT, "")
        )


def machine_of(node: Json) -> Machine:
    """Read a node as the Kubernetes API writes it."""
    metadata, spec = mapping(node.get("metadata")), mapping(node.get("spec"))
    taints = [t for t in mappings(spec.get("taints")) if t.get("effect") in _BLOCKING]
    if spec.get("unschedulable") is True:
        taints.append(_CLOSED)
    if condition(node, "Ready").get("status") != "True":
        taints.append(_NOT_READY)
    labels = mapping(metadata.get("labels"))
    return Machine(
        name=text(metadata.get("name")),
        allocatable=amounts(mapping(node.get("status")).get("allocatable")),
        labels={key: text(value) for key, value in labels.items()},
        taints=tuple(taints),
    )


def is_extended(resource: str) -> bool:
    """Whether a resource is one of a device plugin's, such as `nvidia.com/gpu`."""
    domain, slash, _ = resource.partition("/")
    return bool(slash) and domain != "kubernetes.io" and not domain.endswith(".kubernetes.io")


def takes(
    machine: Machine,
    *,
    selector: Mapping[str, str],
    tolerations: Sequence[Json],
    affinity: Sequence[Json] = (),
) -> bool:
    """Whether a machine takes such a pod, as long as it has room.

    ``affinity``: the terms of the required node affinity, of which one must match; none: no rule.
    """
    if any(machine.labels.get(key) != value for key, value in selector.items()):
        return False
    if any(not _tolerated(taint, tolerations) for taint in machine.taints):
        return False
    return not affinity or any(_matches_term(term, machine) for term in affinity)


def _tolerated(taint: Json, tolerations: Sequence[Json]) -> bool:
    return any(_tolerates(toleration, taint) for toleration in tolerations)


def _tolerates(toleration: Json, taint: Json) -> bool:
    if toleration.get("effect") and toleration.get("effect") != taint.get("effect"):
        return False
    if toleration.get("key") and toleration.get("key") != taint.get("key"):
        return False
    if toleration.get("operator") == "Exists":
        return True
    equal = text(toleration.get("value")) == text(taint.get("value"))
    return bool(toleration.get("key")) and equal


def _matches_term(term: Json, machine: Machine) -> bool:
    by_label = mappings(term.get("matchExpressions"))
    by_field = mappings(term.get("matchFields"))
    if not by_label and not by_field:
        return False
    fields = {"metadata.name": machine.name}
    return all(_matches(each, machine.labels) for each in by_label) and all(
        _matches(each, fields) for each in by_field
    )


def _matches(requirement: Json, values: Mapping[str, str]) -> bool:
    value = values.get(text(requirement.get("key")))
    found = requirement.get("values")
    wanted = [text(each) for each in found] if isinstance(found, list | tuple) else []
    match requirement.get("operator"):
        case "In":
            return value in wanted
        case "NotIn":
            return value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            return _compares(operator, value, wanted)
        case _:
            return False


def _compares(operator: str, value: str | None, wanted: Sequence[str]) -> bool:
    try:
        found, bound = int(value or ""), int(wanted[0])
    except (ValueError, IndexError):
        return False
    return found > bound if operator == "Gt" else found < bound
