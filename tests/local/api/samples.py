"""Objects that the API's tests begin with."""

from __future__ import annotations

from typing import Any

from studiolo_local.api import resources
from studiolo_local.api.entries import JsonObject
from studiolo_local.api.operations import Operations
from studiolo_local.api.store import Store


def pod(name: str = "one", **spec: Any) -> JsonObject:
    """Return a small valid pod, as a client sends it."""
    container = {"name": "main", "image": "registry.test/image:1"}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


def labelled(name: str, **labels: str) -> JsonObject:
    """Return a small valid pod with labels."""
    content = pod(name)
    content["metadata"]["labels"] = labels
    return content


def config_map(name: str, **data: str) -> JsonObject:
    """Return a config map."""
    return {"metadata": {"name": name}, "data": data}


def quota(name: str = "team", **hard: str) -> JsonObject:
    """Return a quota; an underscore in a name stands for a dot."""
    return {
        "metadata": {"name": name},
        "spec": {"hard": {key.replace("_", "."): value for key, value in hard.items()}},
    }


def binding(node: str, pod: str = "one", **metadata: str) -> JsonObject:
    """Return what a scheduler sends to place a pod."""
    return {"metadata": {"name": pod, **metadata}, "target": {"kind": "Node", "name": node}}


def cluster(store: Store | None = None) -> tuple[Store, Operations]:
    """Return a store with the namespace `default`, and the operations over it."""
    store = store or Store()
    operations = Operations(store)
    operations.create(resources.NAMESPACES, "", {"metadata": {"name": "default"}})
    return store, operations
