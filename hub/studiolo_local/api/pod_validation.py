"""The rules that a pod must keep, new or changed. Pure; every broken rule is reported at once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from studiolo_local.api import names
from studiolo_local.api.entries import JsonObject
from studiolo_local.api.quantities import parse_quantity
from studiolo_local.api.status_errors import FieldProblem

Problems = list[FieldProblem]

_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_EFFECTS = ("NoExecute", "NoSchedule", "PreferNoSchedule")
_STANDARD = ("cpu", "memory", "ephemeral-storage")
_FROZEN = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


def pod_problems(content: JsonObject) -> Problems:
    """Return what is wrong with a pod."""
    spec = content.get("spec") or {}
    problems: Problems = []
    containers = spec.get("containers") or []
    if not containers:
        problems.append(FieldProblem.required("spec.containers"))
    volumes = spec.get("volumes") or []
    problems += _volumes(volumes)
    seen: set[str] = set()
    known = {volume.get("name", "") for volume in volumes}
    for group in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(group) or []):
            path = f"spec.{group}[{index}]"
            problems += _container(container, path, known, seen)
    problems += _choice(spec, "restartPolicy", _RESTART_POLICIES, "spec")
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        path = "spec.terminationGracePeriodSeconds"
        value = spec["terminationGracePeriodSeconds"]
        problems.append(FieldProblem.invalid(path, value, "must be greater than or equal to 0"))
    for key, value in (spec.get("nodeSelector") or {}).items():
        for text, detail in (
            (key, names.label_key_problem(key)),
            (value, names.label_value_problem(value)),
        ):
            if detail:
                problems.append(FieldProblem.invalid("spec.nodeSelector", text, detail))
    problems += _tolerations(spec.get("tolerations") or [])
    return problems


def pod_update_problems(old: JsonObject, new: JsonObject) -> Problems:
    """Return what may not change in a pod once it is made."""
    groups = ("containers", "initContainers")
    if any(len(old.get(group) or []) != len(new.get(group) or []) for group in groups):
        return [
            FieldProblem.forbidden(
                "spec.containers", "pod updates may not add or remove containers"
            )
        ]
    added = [gate for gate in _gates(new) if gate not in _gates(old)]
    if added:
        text = f"only deletion is allowed, but found new scheduling gate '{added[0]}'"
        return [FieldProblem.forbidden("spec.schedulingGates", text)]
    frozen_before, frozen_after = copy.deepcopy(old), copy.deepcopy(new)
    for spec in (frozen_before, frozen_after):
        spec.pop("activeDeadlineSeconds", None)
        spec.pop("tolerations", None)
        spec.pop("schedulingGates", None)
        for group in groups:
            for container in spec.get(group) or []:
                container.pop("image", None)
    if _gates(old):
        # A queue may say of a pod that it still holds back where it may run.
        _drop_added_labels(frozen_before, frozen_after)
    if frozen_before != frozen_after:
        return [FieldProblem.forbidden("spec", _FROZEN)]
    kept = new.get("tolerations") or []
    if any(toleration not in kept for toleration in old.get("tolerations") or []):
        text = "existing toleration can not be modified except its tolerationSeconds"
        return [FieldProblem.forbidden("spec.tolerations", text)]
    return []


def _gates(spec: JsonObject) -> list[str]:
    return [gate["name"] for gate in spec.get("schedulingGates") or []]


def _drop_added_labels(before: JsonObject, after: JsonObject) -> None:
    old, new = before.pop("nodeSelector", None) or {}, after.pop("nodeSelector", None) or {}
    if any(new.get(key) != value for key, value in old.items()):
        before["nodeSelector"], after["nodeSelector"] = old, new


def _container(container: JsonObject, path: str, volumes: set[str], seen: set[str]) -> Problems:
    problems: Problems = []
    name = container.get("name") or ""
    if not name:
        problems.append(FieldProblem.required(f"{path}.name"))
    elif detail := names.dns_label_problem(name):
        problems.append(FieldProblem.invalid(f"{path}.name", name, detail))
    elif name in seen:
        problems.append(FieldProblem.duplicate(f"{path}.name", name))
    seen.add(name)
    image = container.get("image") or ""
    if not image:
        problems.append(FieldProblem.required(f"{path}.image"))
    elif image != image.strip():
        text = "must not have leading or trailing whitespace"
        problems.append(FieldProblem.invalid(f"{path}.image", image, text))
    problems += _choice(container, "imagePullPolicy", _PULL_POLICIES, path)
    for index, variable in enumerate(container.get("env") or []):
        problems += _variable(variable, f"{path}.env[{index}]")
    for index, port in enumerate(container.get("ports") or []):
        number = port.get("containerPort", 0)
        if not 1 <= number <= 65535:
            where = f"{path}.ports[{index}].containerPort"
            text = "must be between 1 and 65535, inclusive"
            problems.append(FieldProblem.invalid(where, number, text))
    problems += _mounts(container.get("volumeMounts") or [], path, volumes)
    problems += _bounds(container.get("resources") or {}, f"{path}.resources")
    return problems


def _variable(variable: JsonObject, path: str) -> Problems:
    name = variable.get("name") or ""
    problems: Problems = []
    if not name:
        problems.append(FieldProblem.required(f"{path}.name"))
    elif detail := names.environment_name_problem(name):
        problems.append(FieldProblem.invalid(f"{path}.name", name, detail))
    source = variable.get("valueFrom")
    if source is not None and variable.get("value"):
        text = "may not be specified when `value` is not empty"
        problems.append(FieldProblem.invalid(f"{path}.valueFrom", "", text))
    if source is not None and len(source) != 1:
        text = (
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or "
            "`secretKeyRef`"
        )
        problems.append(FieldProblem.invalid(f"{path}.valueFrom", "", text))
    return problems


def _mounts(mounts: Sequence[JsonObject], path: str, volumes: set[str]) -> Problems:
    problems: Problems = []
    taken: set[str] = set()
    for index, mount in enumerate(mounts):
        where = f"{path}.volumeMounts[{index}]"
        name, target = mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            problems.append(FieldProblem.required(f"{where}.name"))
        elif name not in volumes:
            problems.append(
                FieldProblem("FieldValueNotFound", f"{where}.name", f'Not found: "{name}"')
            )
        if not target:
            problems.append(FieldProblem.required(f"{where}.mountPath"))
        elif target in taken:
            problems.append(FieldProblem.invalid(f"{where}.mountPath", target, "must be unique"))
        taken.add(target)
    return problems


def _bounds(bounds: dict[str, Any], path: str) -> Problems:
    problems: Problems = []
    requests, limits = bounds.get("requests") or {}, bounds.get("limits") or {}
    for group, amounts in (("limits", limits), ("requests", requests)):
        for name, value in amounts.items():
            where = f"{path}.{group}[{name}]"
            amount = parse_quantity(value).amount
            if amount < 0:
                text = "must be greater than or equal to 0"
                problems.append(FieldProblem.invalid(where, value, text))
            if name not in _STANDARD and "/" in name and amount.denominator != 1:
                problems.append(FieldProblem.invalid(where, value, "must be an integer"))
            if name not in _STANDARD and "/" not in name and not name.startswith("hugepages-"):
                problems += [
                    FieldProblem.invalid(where, name, text)
                    for text in (
                        "must be a standard resource type or fully qualified",
                        "must be a standard resource for containers",
                    )
                ]
    for name, value in requests.items():
        where = f"{path}.requests"
        if "/" in name and name not in limits:
            problems.append(
                FieldProblem.required(
                    f"{path}.limits", "Limit must be set for non overcommitable resources"
                )
            )
        elif "/" in name and parse_quantity(value) != parse_quantity(limits[name]):
            text = f"must be equal to {name} limit of {limits[name]}"
            problems.append(FieldProblem.invalid(where, value, text))
        elif name in limits and parse_quantity(value).amount > parse_quantity(limits[name]).amount:
            text = f"must be less than or equal to {name} limit of {limits[name]}"
            problems.append(FieldProblem.invalid(where, value, text))
    return problems


def _volumes(volumes: Sequence[JsonObject]) -> Problems:
    problems: Problems = []
    taken: set[str] = set()
    for index, volume in enumerate(volumes):
        path = f"spec.volumes[{index}]"
        found: Problems = []
        name = volume.get("name") or ""
        sources = sorted(key for key in volume if key != "name")
        if len(sources) > 1:
            text = "may not specify more than 1 volume type"
            found.append(FieldProblem.forbidden(f"{path}.{sources[1]}", text))
        claim = volume.get("persistentVolumeClaim")
        if claim is not None and not claim.get("claimName"):
            found.append(FieldProblem.required(f"{path}.persistentVolumeClaim.claimName"))
        if not name:
            found.append(FieldProblem.required(f"{path}.name"))
        elif detail := names.dns_label_problem(name):
            found.append(FieldProblem.invalid(f"{path}.name", name, detail))
        elif name in taken:
            found.append(FieldProblem.duplicate(f"{path}.name", name))
        if not found:
            taken.add(name)
        problems += found
    return problems


def _tolerations(tolerations: Sequence[JsonObject]) -> Problems:
    problems: Problems = []
    for index, toleration in enumerate(tolerations):
        path = f"spec.tolerations[{index}]"
        operator = toleration.get("operator") or "Equal"
        if operator not in {"Equal", "Exists", "Lt", "Gt"}:
            problems.append(
                FieldProblem.not_supported(f"{path}.operator", operator, ("Equal", "Exists"))
            )
        if not toleration.get("key") and operator != "Exists":
            text = (
                "operator must be Exists when `key` is empty, which means "
                '"match all values and all keys"'
            )
            problems.append(FieldProblem.invalid(f"{path}.operator", operator, text))
        if operator == "Exists" and toleration.get("value"):
            text = "value must be empty when `operator` is 'Exists'"
            problems.append(FieldProblem.invalid(f"{path}.operator", toleration["value"], text))
        problems += _choice(toleration, "effect", _EFFECTS, path)
    return problems


def _choice(content: JsonObject, field: str, allowed: Sequence[str], path: str) -> Problems:
    value = content.get(field)
    if not value or value in allowed:
        return []
    return [FieldProblem.not_supported(f"{path}.{field}", value, allowed)]
