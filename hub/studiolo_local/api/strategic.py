"""Strategic merge patch: Kubernetes' merge that knows which lists are maps in disguise. Pure.

Lists that have a merge key are merged item by item, lists of plain values that are sets are
united, all others are replaced whole; `$patch`, `$retainKeys`, `$deleteFromPrimitiveList/...` and
`$setElementOrder/...` are obeyed. Nothing that is given is changed.
https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

from __future__ import annotations

from typing import Any

from studiolo_local.api.json_patch import PatchError

MERGE_KEYS = {
    ("", "addresses"): "type",
    ("", "allocatedResourcesStatus"): "name",
    ("", "conditions"): "type",
    ("", "containers"): "name",
    ("containers", "ports"): "containerPort",
    ("", "env"): "name",
    ("", "ephemeralContainers"): "name",
    ("", "hostAliases"): "ip",
    ("", "hostIPs"): "ip",
    ("", "imagePullSecrets"): "name",
    ("", "initContainers"): "name",
    ("initContainers", "ports"): "containerPort",
    ("", "ownerReferences"): "uid",
    ("", "podIPs"): "ip",
    ("", "resourceClaims"): "name",
    ("", "resourceClaimStatuses"): "name",
    ("", "schedulingGates"): "name",
    ("", "secrets"): "name",
    ("spec", "ports"): "port",
    ("", "topologySpreadConstraints"): "topologyKey",
    ("", "volumeDevices"): "devicePath",
    ("", "volumeMounts"): "mountPath",
    ("", "volumes"): "name",
}
"""The key of each list that is merged by key, by its parent's name (empty: any) and its own."""

SETS = frozenset({("metadata", "finalizers"), ("spec", "podCIDRs")})
"""The lists of plain values that are united, by the name of their parent and their own."""

_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


def merge_key(parent: str, name: str) -> str | None:
    """Return the key by which this list is merged, or None when it is replaced whole."""
    return MERGE_KEYS.get((parent, name)) or MERGE_KEYS.get(("", name))


def strategic_merge(document: Any, patch: Any) -> Any:
    """Return the document with the patch merged in."""
    if not isinstance(patch, dict):
        raise PatchError("a strategic merge patch is an object")
    return _merged(document if isinstance(document, dict) else {}, patch, "")


def _merged(original: dict[str, Any], patch: dict[str, Any], parent: str) -> dict[str, Any]:
    directive = patch.get("$patch", "merge")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    if directive != "merge":
        raise PatchError(f"unknown $patch directive: {directive}")
    result = _thinned(original, patch)
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _joined(result.get(key), value, parent, key)
    for key, value in patch.items():
        if key.startswith(_ORDER):
            name = key.removeprefix(_ORDER)
            if name in result:
                items = _list(result[name], name)
                result[name] = _ordered(items, _list(value, key), merge_key(parent, name))
    return result


def _thinned(original: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Return the original without what the patch's directives take away."""
    result = dict(original)
    if "$retainKeys" in patch:
        kept = _list(patch["$retainKeys"], "$retainKeys")
        result = {key: value for key, value in result.items() if key in kept}
    for key, value in patch.items():
        if key.startswith(_DELETE):
            name = key.removeprefix(_DELETE)
            doomed = _list(value, key)
            result[name] = [each for each in _list(result.get(name), name) if each not in doomed]
    return result


def _joined(original: Any, value: Any, parent: str, name: str) -> Any:
    if isinstance(value, dict):
        return _merged(original if isinstance(original, dict) else {}, value, name)
    if not isinstance(value, list):
        return value
    present = original if isinstance(original, list) else []
    if (parent, name) in SETS:
        return [*present, *(each for each in value if each not in present)]
    key = merge_key(parent, name)
    if key is None or not all(isinstance(each, dict) for each in value):
        return [each for each in value if not _is_directive(each)]
    return _merged_list(present, value, key, name)


def _merged_list(present: list[Any], patch: list[Any], key: str, name: str) -> list[Any]:
    replaces = any(each.get("$patch") == "replace" and key not in each for each in patch)
    result = [] if replaces else list(present)
    for item in patch:
        if item.get("$patch") == "replace" and key not in item:
            continue
        if key not in item:
            raise PatchError(f"map: {item} does not contain declared merge key: {key}")
        at = next((i for i, each in enumerate(result) if _same(each, item, key)), None)
        if item.get("$patch") == "delete":
            if at is not None:
                del result[at]
        elif at is None:
            result.append(_merged({}, item, name))
        else:
            result[at] = _merged(result[at], item, name)
    return result


def _ordered(items: list[Any], order: list[Any], key: str | None) -> list[Any]:
    """Put the items that the order names into the places they hold together, in that order."""
    rank = {_identity(each, key): place for place, each in enumerate(order)}
    places = [i for i, each in enumerate(items) if _identity(each, key) in rank]
    inorder = sorted((items[i] for i in places), key=lambda each: rank[_identity(each, key)])
    result = list(items)
    for place, item in zip(places, inorder, strict=True):
        result[place] = item
    return result


def _identity(item: Any, key: str | None) -> str:
    return repr(item.get(key) if key and isinstance(item, dict) else item)


def _same(one: Any, other: dict[str, Any], key: str) -> bool:
    return isinstance(one, dict) and one.get(key) == other[key]


def _is_directive(item: Any) -> bool:
    return isinstance(item, dict) and "$patch" in item


def _list(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise PatchError(f"{name} must be a list")
    return value
