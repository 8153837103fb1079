"""The rules that an object must keep, new or changed. Pure; every broken rule is reported at once.

The shape (fields and types) was checked before by `schema`. Rules of pods are in `pod_validation`.
"""

from __future__ import annotations

from collections.abc import Callable

from studiolo_local.api import names, resources
from studiolo_local.api.entries import JsonObject
from studiolo_local.api.pod_validation import pod_problems, pod_update_problems
from studiolo_local.api.quantities import Quantity, QuantityError, parse_quantity
from studiolo_local.api.quota import is_standard
from studiolo_local.api.resources import Resource
from studiolo_local.api.status_errors import FieldProblem

Problems = list[FieldProblem]

_ANNOTATIONS_LIMIT = 256 * 1024
_DATA_LIMIT = 1024 * 1024
_IMMUTABLE = "field is immutable"
_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


def validate(resource: Resource, content: JsonObject) -> Problems:
    """Return what is wrong with an object."""
    problems = _metadata(resource, content["metadata"])
    if rule := _RULES.get(resource):
        problems += rule(content)
    return problems


def validate_update(resource: Resource, old: JsonObject, new: JsonObject) -> Problems:
    """Return what an object may not change into."""
    problems: Problems = []
    if resource is resources.PODS:
        return pod_update_problems(old["spec"], new.get("spec") or {})
    if resource is resources.CLAIMS:
        bound = (old.get("status") or {}).get("phase") == "Bound"
        return _claim_update(old["spec"], new.get("spec") or {}, bound=bound)
    if resource in {resources.SECRETS, resources.CONFIG_MAPS} and old.get("immutable"):
        for field in ("data", "binaryData", "immutable"):
            if old.get(field) != new.get(field):
                problems.append(
                    FieldProblem.forbidden(field, "field is immutable when `immutable` is set")
                )
    if resource is resources.SECRETS and old.get("type") != new.get("type"):
        problems.append(FieldProblem.invalid("type", new.get("type"), _IMMUTABLE))
    if resource is resources.SERVICES:
        before, after = old["spec"].get("clusterIP"), (new.get("spec") or {}).get("clusterIP")
        if before and before != after:
            problems.append(
                FieldProblem.invalid("spec.clusterIPs[0]", after, "may not change once set")
            )
    return problems


def _metadata(resource: Resource, metadata: JsonObject) -> Problems:
    problems: Problems = []
    name = metadata.get("name")
    if not name:
        problems.append(FieldProblem.required("metadata.name", "name or generateName is required"))
    elif detail := _name_rule(resource)(name):
        problems.append(FieldProblem.invalid("metadata.name", name, detail))
    for key, value in (metadata.get("labels") or {}).items():
        if detail := names.label_key_problem(key):
            problems.append(FieldProblem.invalid("metadata.labels", key, detail))
        if detail := names.label_value_problem(value):
            problems.append(FieldProblem.invalid("metadata.labels", value, detail))
    size = 0
    for key, value in (metadata.get("annotations") or {}).items():
        size += len(key.encode()) + len(value.encode())
        if detail := names.label_key_problem(key.lower()):
            problems.append(FieldProblem.invalid("metadata.annotations", key, detail))
    if size > _ANNOTATIONS_LIMIT:
        problems.append(_too_long("metadata.annotations", _ANNOTATIONS_LIMIT))
    problems += _owners(metadata.get("ownerReferences") or [])
    for finalizer in metadata.get("finalizers") or ():
        if detail := names.label_key_problem(finalizer):
            problems.append(FieldProblem.invalid("metadata.finalizers", finalizer, detail))
    return problems


def _owners(owners: list[JsonObject]) -> Problems:
    problems: Problems = []
    for index, owner in enumerate(owners):
        problems += [
            FieldProblem.required(f"metadata.ownerReferences[{index}].{field}", "must not be empty")
            for field in ("apiVersion", "kind", "name", "uid")
            if not owner.get(field)
        ]
    if sum(bool(owner.get("controller")) for owner in owners) > 1:
        problems.append(
            FieldProblem.invalid(
                "metadata.ownerReferences",
                [owner.get("name") for owner in owners],
                "Only one reference can have Controller set to true",
            )
        )
    return problems


def _name_rule(resource: Resource) -> Callable[[str], str | None]:
    if resource is resources.NAMESPACES:
        return names.dns_label_problem
    if resource is resources.SERVICES:
        return names.dns_label_problem
    return names.dns_subdomain_problem


def _claim(content: JsonObject) -> Problems:
    spec = content.get("spec") or {}
    problems: Problems = []
    modes = spec.get("accessModes") or []
    if not modes:
        problems.append(
            FieldProblem.required("spec.accessModes", "at least 1 access mode is required")
        )
    problems += [
        FieldProblem.not_supported("spec.accessModes", mode, _ACCESS_MODES)
        for mode in modes
        if mode not in _ACCESS_MODES
    ]
    path = "spec.resources[storage]"
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if size is None:
        problems.append(FieldProblem.required(path))
    elif parse_quantity(size).amount <= 0:
        problems.append(FieldProblem.invalid(path, size, "must be greater than zero"))
    return problems


def _claim_update(old: JsonObject, new: JsonObject, *, bound: bool) -> Problems:
    """A claim's spec is fixed but for its volume and class, once, and its size, upwards."""
    once = ("volumeName",) if bound else ("volumeName", "storageClassName")
    before, after = dict(old), dict(new)
    for field in once:
        if not before.get(field):
            before.pop(field, None)
            after.pop(field, None)
    if bound:
        before.pop("resources", None)
        after.pop("resources", None)
    if before != after:
        return [
            FieldProblem.forbidden(
                "spec",
                "spec is immutable after creation except resources.requests and "
                "volumeAttributesClassName for bound claims",
            )
        ]
    try:
        shrinks = _requested_storage(new).amount < _requested_storage(old).amount
    except QuantityError:
        return []  # `_claim` has said that the size is missing.
    if shrinks:
        text = "field can not be less than status.capacity"
        return [FieldProblem.forbidden("spec.resources.requests.storage", text)]
    return []


def _requested_storage(spec: JsonObject) -> Quantity:
    return parse_quantity(((spec.get("resources") or {}).get("requests") or {}).get("storage"))


def _event(content: JsonObject) -> Problems:
    involved = (content.get("involvedObject") or {}).get("namespace") or "default"
    namespace = content["metadata"].get("namespace")
    kind = (content.get("involvedObject") or {}).get("kind")
    if kind in {"Node", "Namespace"}:  # Events about cluster-wide objects live where they may.
        return []
    if involved != namespace:
        text = "does not match event.namespace"
        return [FieldProblem.invalid("involvedObject.namespace", involved, text)]
    return []


def _data(content: JsonObject) -> Problems:
    problems: Problems = []
    size = 0
    for field in ("data", "binaryData"):
        for key, value in (content.get(field) or {}).items():
            if detail := names.config_key_problem(key):
                problems.append(FieldProblem.invalid(f"{field}[{key}]", key, detail))
            size += len(value.encode())
    if size > _DATA_LIMIT:
        problems.append(_too_long("data", _DATA_LIMIT))
    return problems


def _quota(content: JsonObject) -> Problems:
    problems: Problems = []
    for name, value in ((content.get("spec") or {}).get("hard") or {}).items():
        path = f"spec.hard[{name}]"
        if parse_quantity(value).amount < 0:
            text = "must be greater than or equal to 0"
            problems.append(FieldProblem.invalid(path, value, text))
        if "/" not in name and not is_standard(name):
            problems += [
                FieldProblem.invalid(path, name, text)
                for text in (
                    "must be a standard resource type or fully qualified",
                    "must be a standard resource for quota",
                )
            ]
    return problems


def _service(content: JsonObject) -> Problems:
    spec = content.get("spec") or {}
    problems: Problems = []
    kind = spec.get("type")
    if kind not in _SERVICE_TYPES:
        problems.append(FieldProblem.not_supported("spec.type", kind, _SERVICE_TYPES))
    ports = spec.get("ports") or []
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        problems.append(FieldProblem.required("spec.ports"))
    for index, port in enumerate(ports):
        number = port.get("port", 0)
        if not 1 <= number <= 65535:
            path = f"spec.ports[{index}].port"
            text = "must be between 1 and 65535, inclusive"
            problems.append(FieldProblem.invalid(path, number, text))
        if len(ports) > 1 and not port.get("name"):
            problems.append(FieldProblem.required(f"spec.ports[{index}].name"))
    return problems


def _too_long(path: str, limit: int) -> FieldProblem:
    return FieldProblem("FieldValueTooLong", path, f"Too long: may not be more than {limit} bytes")


_RULES: dict[Resource, Callable[[JsonObject], Problems]] = {
    resources.CLAIMS: _claim,
    resources.CONFIG_MAPS: _data,
    resources.EVENTS: _event,
    resources.PODS: pod_problems,
    resources.QUOTAS: _quota,
    resources.SECRETS: _data,
    resources.SERVICES: _service,
}
