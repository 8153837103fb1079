"""Objects as rows of a table, as kubectl asks for them, and as metadata alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studiolo_local.api.entries import Entry, JsonObject, encode
from studiolo_local.api.media import Accepted
from studiolo_local.api.resources import Resource
from studiolo_local.api.watch import Render


def as_shape(
    accepted: Accepted,
    resource: Resource,
    entries: Sequence[Entry],
    metadata: JsonObject,
    query: Mapping[str, str],
) -> bytes:
    """Return objects in the shape that was asked for."""
    columns = [
        {"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0}
    ]
    rows = [
        {
            "cells": [each.key.name],
            "object": {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": each.content()["metadata"],
            },
        }
        for each in entries
    ]
    return encode(
        {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "columnDefinitions": columns,
            "rows": rows,
        }
    )


def renderer(accepted: Accepted, resource: Resource, query: Mapping[str, str]) -> Render | None:
    """Return how a watch shows each object, or None for as it is."""
    if not accepted.shape:
        return None
    return lambda entry: as_shape(
        accepted, resource, [entry], {"resourceVersion": str(entry.version)}, query
    )
