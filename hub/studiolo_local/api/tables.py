"""Objects in the other shapes that clients ask for: rows of a table, or metadata alone. Pure.

https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from studiolo_local.api.columns import layout_of
from studiolo_local.api.entries import Entry, JsonObject, encode
from studiolo_local.api.media import Accepted
from studiolo_local.api.resources import Resource
from studiolo_local.api.status_errors import bad_request


def shown_as(
    accepted: Accepted,
    resource: Resource,
    entries: Sequence[Entry],
    metadata: Mapping[str, object],
    *,
    include: str,
    now: datetime,
) -> bytes:
    """Return objects in the shape that was asked for.

    :param metadata: of the list (or, for a table of one object, its resourceVersion)
    :param include: what a row carries of its object: None, Metadata or Object
    """
    if accepted.shape == "Table":
        table = _table(accepted, resource, entries, metadata, include or "Metadata", now)
        return encode(table)
    if accepted.shape == "PartialObjectMetadata":
        return encode(_metadata_of(entries[0].content(), accepted.version))
    items = [_metadata_of(entry.content(), accepted.version) for entry in entries]
    return encode({**_identity(accepted), "metadata": metadata, "items": items})


def _table(
    accepted: Accepted,
    resource: Resource,
    entries: Sequence[Entry],
    metadata: Mapping[str, object],
    include: str,
    now: datetime,
) -> JsonObject:
    layout = layout_of(resource)
    rows = []
    for entry in entries:
        content = entry.content()
        row: JsonObject = {"cells": layout.cells(content, now)}
        if include == "Metadata":
            row["object"] = _metadata_of(content, accepted.version)
        elif include == "Object":
            row["object"] = content
        elif include != "None":
            raise bad_request(f'unrecognized includeObject value: "{include}"')
        rows.append(row)
    definitions = layout.definitions()
    return {
        **_identity(accepted),
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    }


def _identity(accepted: Accepted) -> JsonObject:
    return {"kind": accepted.shape, "apiVersion": f"meta.k8s.io/{accepted.version}"}


def _metadata_of(content: JsonObject, version: str) -> JsonObject:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": content["metadata"],
    }
