"""Write `schema.json` of the embedded Kubernetes API from the models of kubernetes_asyncio.

The models are generated from Kubernetes' own OpenAPI document, so that the embedded API refuses and
drops what a real one does. Run it after an upgrade of kubernetes_asyncio; a test compares.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import models

ROOTS = {
    "Binding": "V1Binding",
    "ConfigMap": "V1ConfigMap",
    "DeleteOptions": "V1DeleteOptions",
    "Event": "CoreV1Event",
    "Eviction": "V1Eviction",
    "LimitRange": "V1LimitRange",
    "Namespace": "V1Namespace",
    "NetworkPolicy": "V1NetworkPolicy",
    "Node": "V1Node",
    "PersistentVolumeClaim": "V1PersistentVolumeClaim",
    "Pod": "V1Pod",
    "ResourceQuota": "V1ResourceQuota",
    "RoleBinding": "V1RoleBinding",
    "Secret": "V1Secret",
    "Service": "V1Service",
    "ServiceAccount": "V1ServiceAccount",
}
TARGET = Path(__file__).parents[1] / "hub" / "studiolo_local" / "api" / "schema.json"

_PLAIN = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "datetime": "time",
    "object": "any",
}
_QUANTITIES = {
    "limits", "requests", "capacity", "allocatable", "hard", "used", "overhead",
    "allocated_resources", "divisor", "size_limit", "resources",
}  # fmt: skip
"""The attributes whose strings (or maps of strings) are quantities: the models do not say."""

_BYTES = {("ConfigMap", "binary_data"), ("Secret", "data")}
"""The attributes whose strings are base64: the models do not say."""


def schema() -> dict[str, dict[str, str]]:
    """Return for each type the JSON type of each of its fields."""
    types: dict[str, dict[str, str]] = {}
    waiting = dict(ROOTS)
    while waiting:
        name, model_name = waiting.popitem()
        model: Any = getattr(models, model_name)
        types[name] = {}
        for attribute, written in model.openapi_types.items():
            kind, inner = _type(attribute, written)
            if (name, attribute) in _BYTES:
                kind = "map:bytes"
            types[name][model.attribute_map[attribute]] = kind
            if inner and _short(inner) not in types:
                waiting[_short(inner)] = inner
    return {name: dict(sorted(fields.items())) for name, fields in sorted(types.items())}


def rendered() -> str:
    """Return the text of the file."""
    return json.dumps(schema(), indent=1) + "\n"


def _type(attribute: str, written: str) -> tuple[str, str | None]:
    """Return the type in the file's words, and the model that it leads to."""
    wrapper = (
        "list:" if written.startswith("list[") else "map:" if written.startswith("dict(") else ""
    )
    inner = re.sub(r"^(?:list\[|dict\(str, )(.*)[\])]$", r"\1", written)
    if inner in _PLAIN:
        plain = _PLAIN[inner]
        if plain == "string" and wrapper != "list:" and attribute in _QUANTITIES:
            plain = "quantity"
        return wrapper + plain, None
    return wrapper + _short(inner), inner


def _short(model_name: str) -> str:
    return next((n for n, m in ROOTS.items() if m == model_name), model_name.removeprefix("V1"))


if __name__ == "__main__":
    TARGET.write_text(rendered())
    sys.stdout.write(f"{TARGET.name}: {len(schema())} types\n")
