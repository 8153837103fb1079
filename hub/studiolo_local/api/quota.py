"""What objects count against a resource quota, and whether one more fits. Pure.

https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from studiolo_local.api import resources
from studiolo_local.api.entries import JsonObject
from studiolo_local.api.quantities import ZERO, Quantity, parse_quantity, total
from studiolo_local.api.resources import Resource

Usage = Mapping[str, Quantity]

_ONE = parse_quantity(1)
_SHORT = {"cpu", "memory", "ephemeral-storage"}
"""The resources whose requests a quota may name without saying `requests.`."""
_MUST_BE_SET = frozenset(
    {f"{prefix}{name}" for name in _SHORT for prefix in ("", "requests.", "limits.")}
)
_STANDARD = _MUST_BE_SET | {
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "requests.storage",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
}
_COUNTED_BY_NAME = {
    resources.CLAIMS,
    resources.CONFIG_MAPS,
    resources.QUOTAS,
    resources.SECRETS,
    resources.SERVICES,
}


def usage_of(resource: Resource, content: JsonObject) -> dict[str, Quantity]:
    """Return what one object uses, by the names that a quota's `hard` may have."""
    used = {f"count/{resource.qualified_plural}": _ONE}
    if resource in _COUNTED_BY_NAME:
        used[resource.plural] = _ONE
    if resource is resources.PODS and not _is_over(content):
        used |= _pod_usage(content.get("spec") or {})
    if resource is resources.CLAIMS:
        used |= _claim_usage(content.get("spec") or {})
    return used


def in_scope(scopes: Iterable[str], resource: Resource, content: JsonObject) -> bool:
    """Return whether a quota with these scopes looks at this object."""
    wanted = frozenset(scopes)
    if not wanted:
        return True
    if resource is not resources.PODS:
        return False
    spec, status = content.get("spec") or {}, content.get("status") or {}
    best_effort = status.get("qosClass") == "BestEffort"
    terminating = spec.get("activeDeadlineSeconds") is not None
    held = {
        "BestEffort" if best_effort else "NotBestEffort",
        "Terminating" if terminating else "NotTerminating",
    }
    return wanted <= held


def add(usages: Iterable[Usage], names: Iterable[str]) -> dict[str, Quantity]:
    """Return the sum of several objects' usage of the named resources."""
    listed = list(usages)
    return {name: total(usage.get(name, ZERO) for usage in listed) for name in names}


def refusal(quota: JsonObject, used: Usage, asked: Usage, pod: JsonObject | None) -> str | None:
    """Return why a quota refuses an object that would use `asked` more, or None.

    :param pod: the object when it is a pod, which must say what it needs of what is limited
    """
    name = quota["metadata"]["name"]
    hard = {key: parse_quantity(value) for key, value in limits_of(quota).items()}
    if pod is not None and (missing := _unset(pod, hard)):
        return f"failed quota: {name}: must specify {missing}"
    over = sorted(
        key
        for key, limit in hard.items()
        if asked.get(key, ZERO).amount > 0
        and used.get(key, ZERO).amount + asked[key].amount > limit.amount
    )
    if not over:
        return None
    return (
        f"exceeded quota: {name}, requested: {_listed(asked, over)}, "
        f"used: {_listed(used, over)}, limited: {_listed(hard, over)}"
    )


def limits_of(quota: JsonObject) -> Mapping[str, str]:
    """Return a quota's limits, by resource."""
    hard: Mapping[str, str] = (quota.get("spec") or {}).get("hard") or {}
    return hard


def is_standard(name: str) -> bool:
    """Return whether a name without a prefix is one that a quota may limit."""
    return name in _STANDARD or name.startswith(("requests.hugepages-", "hugepages-"))


def is_of_containers(name: str) -> bool:
    """Return whether a limit is on what containers request or are limited to."""
    return name in _SHORT or (
        name.startswith(("requests.", "limits.")) and name != "requests.storage"
    )


def scopes_of(quota: JsonObject) -> list[str]:
    """Return the scopes that a quota is limited to."""
    spec = quota.get("spec") or {}
    selected = (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    return [*(spec.get("scopes") or []), *(each.get("scopeName", "") for each in selected)]


def _pod_usage(spec: JsonObject) -> dict[str, Quantity]:
    used = {"pods": _ONE}
    for group in ("requests", "limits"):
        for name, quantity in _effective(spec, group).items():
            used[f"{group}.{name}"] = quantity
            if group == "requests" and name in _SHORT:
                used[name] = quantity
    return used


def _effective(spec: JsonObject, group: str) -> dict[str, Quantity]:
    """Return a pod's requests or limits: the containers' sum, or a larger init container's."""
    running = [_amounts(each, group) for each in spec.get("containers") or ()]
    starting: list[dict[str, Quantity]] = []
    for each in spec.get("initContainers") or ():
        # A sidecar goes on running beside the containers.
        (running if each.get("restartPolicy") == "Always" else starting).append(
            _amounts(each, group)
        )
    overhead = {key: parse_quantity(value) for key, value in (spec.get("overhead") or {}).items()}
    result = {}
    for name in {name for amounts in [*running, *starting] for name in amounts}:
        together = total(amounts.get(name, ZERO) for amounts in running)
        largest = max(
            [together, *(amounts.get(name, ZERO) for amounts in starting)],
            key=lambda quantity: quantity.amount,
        )
        result[name] = total([largest, overhead.get(name, ZERO)])
    return result


def _amounts(container: JsonObject, group: str) -> dict[str, Quantity]:
    amounts: dict[str, Any] = (container.get("resources") or {}).get(group) or {}
    return {name: parse_quantity(value) for name, value in amounts.items()}


def _claim_usage(spec: JsonObject) -> dict[str, Quantity]:
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    used: dict[str, Quantity] = {}
    if size is not None:
        used["requests.storage"] = parse_quantity(size)
    if storage_class := spec.get("storageClassName"):
        prefix = f"{storage_class}.storageclass.storage.k8s.io"
        used[f"{prefix}/persistentvolumeclaims"] = _ONE
        if size is not None:
            used[f"{prefix}/requests.storage"] = parse_quantity(size)
    return used


def _unset(pod: JsonObject, hard: Usage) -> str:
    """Say which containers are silent about a resource that is limited."""
    wanted = sorted(name for name in hard if name in _MUST_BE_SET)
    parts = []
    for name in wanted:
        group, _, plain = name.rpartition(".")
        silent = [
            container.get("name", "")
            for field in ("initContainers", "containers")
            for container in (pod.get("spec") or {}).get(field) or ()
            if plain not in ((container.get("resources") or {}).get(group or "requests") or {})
        ]
        if silent:
            parts.append(f"{name} for: {','.join(silent)}")
    return "; ".join(parts)


def _is_over(content: JsonObject) -> bool:
    return (content.get("status") or {}).get("phase") in {"Succeeded", "Failed"}


def _listed(quantities: Usage, names: Iterable[str]) -> str:
    return ",".join(f"{name}={quantities.get(name, ZERO)}" for name in names)
