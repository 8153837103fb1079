"""As much OpenAPI as kubectl reads: how kinds are written, and their fields. Pure.

From the paths kubectl learns that fields are checked on the server (`fieldValidation`), so that
`apply` needs no copy of the schema; from the schemas `explain` makes its tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from studiolo_local.api.entries import JsonObject
from studiolo_local.api.patch import APPLY_PATCH, MERGE_PATCH
from studiolo_local.api.resources import Resource
from studiolo_local.api.schema import types

_PLAIN: dict[str, JsonObject] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "bytes": {"type": "string", "format": "byte"},
    "time": {"type": "string", "format": "date-time"},
    "quantity": {"type": "string"},
    "any": {},
}


def document(root: str, resources: Sequence[Resource]) -> JsonObject:
    """Return the OpenAPI document of one group and version, whose paths begin with `root`."""
    paths: JsonObject = {}
    for each in resources:
        scope = "/namespaces/{namespace}" if each.namespaced else ""
        collection = f"{root}{scope}/{each.plural}"
        paths[collection] = {"post": _operation(each, "post")}
        paths[f"{collection}/{{name}}"] = {
            "put": _operation(each, "put"),
            "patch": _operation(each, "patch"),
        }
    info = {"title": "The embedded Kubernetes API of Studiolo", "version": "v1"}
    components = {"schemas": _schemas(resources)}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": components}


def _operation(resource: Resource, action: str) -> JsonObject:
    operation: JsonObject = {
        "parameters": [
            {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
            for name in ("dryRun", "fieldManager", "fieldValidation")
        ],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _identity(resource),
    }
    if action == "patch":
        # Strategic patches are not named: kubectl then makes them from its own, complete, types.
        operation["requestBody"] = {"content": {kind: {} for kind in (MERGE_PATCH, APPLY_PATCH)}}
    return operation


def _schemas(resources: Iterable[Resource]) -> JsonObject:
    """Return the schemas of kinds and of all that they are made of."""
    kinds = {each.kind: each for each in resources}
    found: JsonObject = {}
    waiting = list(kinds)
    while waiting:
        name = waiting.pop()
        properties = {}
        for field, written in types()[name].items():
            properties[field] = _property(written)
            inner = written.rpartition(":")[2]
            if inner in types() and inner not in found and inner not in waiting:
                waiting.append(inner)
        found[name] = {"type": "object", "properties": properties}
        if name in kinds:
            found[name]["x-kubernetes-group-version-kind"] = [_identity(kinds[name])]
    return found


def _property(written: str) -> JsonObject:
    wrapper, _, inner = written.rpartition(":")
    schema: Any = _PLAIN.get(inner) or (
        {} if inner == "any" else {"$ref": f"#/components/schemas/{inner}"}
    )
    if wrapper == "list":
        return {"type": "array", "items": schema}
    if wrapper == "map":
        return {"type": "object", "additionalProperties": schema}
    return dict(schema)


def _identity(resource: Resource) -> JsonObject:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}
