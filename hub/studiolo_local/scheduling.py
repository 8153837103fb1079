"""Where a pod fits, and in the scheduler's words why it fits nowhere. Pure.

The filters run in the scheduler's order and the first that refuses a node speaks for it:
https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
Affinity between pods and topology spread are not looked at: every simulated node is one machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from studiolo_local.api.quantities import parse_quantity

JsonObject = dict[str, Any]
Amounts = dict[str, Fraction]
Usage = dict[str, Amounts]
"""What the pods of each node ask for."""

_NOTHING: Final = Fraction(0)
_BLOCKING: Final = frozenset({"NoSchedule", "NoExecute"})
_NOT_READY: Final = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
_UNSCHEDULABLE: Final = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_NO_VICTIMS: Final = "No preemption victims found for incoming pod"
_NO_HELP: Final = "Preemption is not helpful for scheduling"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one node does not take a pod; `final` when no pod's end could change it."""

    reasons: tuple[str, ...]
    final: bool


@dataclass(frozen=True, slots=True)
class Placement:
    """The node that was chosen, or the message that says why there is none."""

    node: str = ""
    message: str = ""


def place(pod: JsonObject, nodes: Sequence[JsonObject], used: Usage) -> Placement:
    """The best node for a pod beside what is used already."""
    if not nodes:
        return Placement(message="no nodes available to schedule pods")
    refusals: list[Refusal] = []
    best: tuple[Fraction, str] | None = None
    wanted = requests_of(pod)
    for node in sorted(nodes, key=lambda each: str(each["metadata"]["name"])):
        name = node["metadata"]["name"]
        here = used.get(name, {})
        refusal = _refusal(pod, wanted, node, here)
        if refusal is not None:
            refusals.append(refusal)
        else:
            score = _score(wanted, node, here)
            if best is None or score > best[0]:
                best = (score, name)
    if best is not None:
        return Placement(node=best[1])
    return Placement(message=_unschedulable(refusals))


def everywhere(nodes: Sequence[JsonObject], reason: str) -> str:
    """The message when the same reason, without a count, keeps a pod from every node."""
    count = len(nodes)
    return (
        f"0/{count} nodes are available: {reason}. preemption: 0/{count} nodes are available: "
        f"{count} {_NO_HELP}."
    )


def requests_of(pod: JsonObject) -> Amounts:
    """What a pod asks a node for: its containers together, or its largest init container.

    Init containers that are always restarted run beside what comes after them.
    """
    spec = pod["spec"]
    beside: Amounts = {}
    most: Amounts = {}
    for container in spec.get("initContainers") or ():
        here = _sum(beside, _requests(container))
        if container.get("restartPolicy") == "Always":
            beside = here
        most = {
            name: max(here.get(name, _NOTHING), most.get(name, _NOTHING)) for name in here | most
        }
    total = dict(beside)
    for container in spec["containers"]:
        total = _sum(total, _requests(container))
    total = {
        name: max(total.get(name, _NOTHING), most.get(name, _NOTHING)) for name in total | most
    }
    total["pods"] = Fraction(1)
    for resource, amount in (spec.get("overhead") or {}).items():
        total[resource] = total.get(resource, Fraction(0)) + parse_quantity(amount).amount
    return total


def _sum(one: Amounts, other: Amounts) -> Amounts:
    return {name: one.get(name, _NOTHING) + other.get(name, _NOTHING) for name in one | other}


def usage(pods: Iterable[JsonObject]) -> Usage:
    """What the pods that are on nodes, and not at their end, ask each node for."""
    result: Usage = {}
    for pod in pods:
        node = pod["spec"].get("nodeName")
        if not node or (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}:
            continue
        add(result, node, pod)
    return result


def add(used: Usage, node: str, pod: JsonObject) -> None:
    """Count one more pod on a node."""
    here = used.setdefault(node, {})
    for resource, amount in requests_of(pod).items():
        here[resource] = here.get(resource, Fraction(0)) + amount


def _requests(container: Mapping[str, Any]) -> Amounts:
    resources = container.get("resources") or {}
    # A limit alone is a request, too
    merged = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: parse_quantity(amount).amount for name, amount in merged.items()}


def _refusal(
    pod: JsonObject, wanted: Amounts, node: JsonObject, used: Mapping[str, Fraction]
) -> Refusal | None:
    spec, node_spec = pod["spec"], node.get("spec") or {}
    tolerations = spec.get("tolerations") or ()
    if node_spec.get("unschedulable") and not _tolerated(_UNSCHEDULABLE, tolerations):
        return Refusal(("node(s) were unschedulable",), final=True)
    taints = [*(node_spec.get("taints") or ()), *(() if _is_ready(node) else (_NOT_READY,))]
    for taint in taints:
        if taint["effect"] in _BLOCKING and not _tolerated(taint, tolerations):
            shown = f"{taint['key']}: {taint.get('value', '')}"
            return Refusal((f"node(s) had untolerated taint {{{shown}}}",), final=True)
    if not _selected(spec, node):
        return Refusal(("node(s) didn't match Pod's node affinity/selector",), final=True)
    return _lacking(wanted, _allocatable(node), used)


def _lacking(wanted: Amounts, allocatable: Amounts, used: Mapping[str, Fraction]) -> Refusal | None:
    lacking = [
        resource
        for resource, amount in wanted.items()
        if amount and amount > allocatable.get(resource, Fraction(0)) - used.get(resource, 0)
    ]
    if not lacking:
        return None
    words = [("Too many pods" if name == "pods" else f"Insufficient {name}") for name in lacking]
    final = any(wanted[name] > allocatable.get(name, Fraction(0)) for name in lacking)
    return Refusal(tuple(words), final)


def _allocatable(node: JsonObject) -> Amounts:
    amounts = (node.get("status") or {}).get("allocatable") or {}
    return {name: parse_quantity(amount).amount for name, amount in amounts.items()}


def _score(wanted: Amounts, node: JsonObject, used: Mapping[str, Fraction]) -> Fraction:
    """How full the node will be: pods are packed, so that whole nodes of GPUs stay free."""
    allocatable = _allocatable(node)
    scarce = [name for name in wanted if "/" in name] or ["cpu", "memory"]
    shares = [
        (used.get(name, Fraction(0)) + wanted.get(name, Fraction(0))) / allocatable[name]
        for name in scarce
        if allocatable.get(name)
    ]
    return sum(shares, Fraction(0)) / len(shares) if shares else Fraction(0)


def _is_ready(node: JsonObject) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _tolerated(taint: Mapping[str, str], tolerations: Iterable[Mapping[str, str]]) -> bool:
    return any(_tolerates(toleration, taint) for toleration in tolerations)


def _tolerates(toleration: Mapping[str, str], taint: Mapping[str, str]) -> bool:
    effect = toleration.get("effect")
    if effect and effect != taint["effect"]:
        return False
    key = toleration.get("key")
    exists = toleration.get("operator", "Equal") == "Exists"
    if not key:
        return exists
    if key != taint["key"]:
        return False
    return exists or toleration.get("value", "") == taint.get("value", "")


def _selected(spec: Mapping[str, Any], node: JsonObject) -> bool:
    labels = node["metadata"].get("labels") or {}
    selector = spec.get("nodeSelector") or {}
    if any(labels.get(name) != value for name, value in selector.items()):
        return False
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    if affinity is None:
        return True
    fields = {"metadata.name": node["metadata"]["name"]}
    return any(
        _matches_term(term, labels, fields) for term in affinity.get("nodeSelectorTerms") or ()
    )


def _matches_term(
    term: Mapping[str, Any], labels: Mapping[str, str], fields: Mapping[str, str]
) -> bool:
    by_label = term.get("matchExpressions") or ()
    by_field = term.get("matchFields") or ()
    if not by_label and not by_field:
        return False
    return all(_matches(each, labels) for each in by_label) and all(
        _matches(each, fields) for each in by_field
    )


def _matches(requirement: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    value = values.get(requirement["key"])
    wanted = requirement.get("values") or []
    match requirement["operator"]:
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


def _unschedulable(refusals: Sequence[Refusal]) -> str:
    reasons = Counter(reason for refusal in refusals for reason in refusal.reasons)
    preemption = Counter(_NO_HELP if refusal.final else _NO_VICTIMS for refusal in refusals)
    count = len(refusals)
    return (
        f"0/{count} nodes are available: {_counted(reasons)}. "
        f"preemption: 0/{count} nodes are available: {_counted(preemption)}."
    )


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
