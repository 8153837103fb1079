"""What the server itself writes into an object's metadata, and what it refuses to be told. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from studiolo_local.api.entries import JsonObject
from studiolo_local.api.resources import Resource
from studiolo_local.api.status_errors import (
    MODIFIED,
    ApiError,
    bad_request,
    conflict,
    conflict_of_kind,
)

_SERVER_OWNED = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
)
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes' alphabet for generated names: no vowels, so no words."""
_PREFIX_LIMIT = 253 - 5


def timestamp(moment: datetime) -> str:
    """Return the moment as Kubernetes writes it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def checked_identity(resource: Resource, content: Any, namespace: str) -> JsonObject:
    """Return the body of a request as an object of this kind in this namespace; raises ApiError."""
    if not isinstance(content, dict):
        raise bad_request("the body of the request is not an object")
    api_version = content.setdefault("apiVersion", resource.api_version)
    kind = content.setdefault("kind", resource.kind)
    if api_version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({api_version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    if kind != resource.kind:
        raise bad_request(
            f"the kind in the data ({kind}) does not match the expected kind ({resource.kind})"
        )
    metadata = content.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        raise bad_request("metadata is not an object")
    if not resource.namespaced:
        metadata.pop("namespace", None)
    elif metadata.setdefault("namespace", namespace) != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    return content


def stamp_new(metadata: JsonObject, now: datetime, *, counts_generations: bool) -> None:
    """Give a new object its name, uid, birthday and first generation."""
    if metadata.get("resourceVersion"):
        raise ApiError(
            400, "BadRequest", "resourceVersion should not be set on objects to be created"
        )
    for name in (*_SERVER_OWNED, "resourceVersion", "selfLink"):
        metadata.pop(name, None)
    if not metadata.get("name") and (prefix := metadata.get("generateName")):
        suffix = "".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(5))
        metadata["name"] = f"{str(prefix)[:_PREFIX_LIMIT]}{suffix}"
    metadata["uid"] = str(uuid4())
    metadata["creationTimestamp"] = timestamp(now)
    if counts_generations:
        metadata["generation"] = 1


def carry_over(resource: Resource, old: JsonObject, new: JsonObject) -> None:
    """Give a changed object what only the server may write; raises ApiError for a stale one.

    The name in the body must be the object's, and a uid or resourceVersion that is given must be
    the present one: that is how clients avoid overwriting each other.
    """
    before, after = old["metadata"], new["metadata"]
    name = before["name"]
    if after.setdefault("name", name) != name:
        raise bad_request(
            f"the name of the object ({after['name']}) does not match the name on the URL ({name})"
        )
    version = after.get("resourceVersion")
    if version and version != before["resourceVersion"]:
        raise conflict(resource, name, MODIFIED)
    check_uid(resource, before, after)
    for field in _SERVER_OWNED:
        after.pop(field, None)
        if field in before:
            after[field] = before[field]
    after["resourceVersion"] = before["resourceVersion"]
    if "managedFields" in before:
        after.setdefault("managedFields", before["managedFields"])
    after.pop("selfLink", None)


def check_uid(resource: Resource, metadata: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raise a Conflict unless the uid, where one is given, is the object's."""
    wanted, actual = asked.get("uid"), metadata["uid"]
    if wanted and wanted != actual:
        why = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {actual}"
        raise conflict(resource, metadata["name"], why)


def check_delete_preconditions(
    resource: Resource, metadata: Mapping[str, Any], asked: Mapping[str, Any]
) -> None:
    """Raise a Conflict unless uid and resourceVersion, where asked for, are the object's."""
    for field, label, happened in (
        ("uid", "UID", "deleted and then recreated"),
        ("resourceVersion", "ResourceVersion", "modified"),
    ):
        wanted, actual = asked.get(field), metadata[field]
        if wanted and wanted != actual:
            why = (
                f"the {label} in the precondition ({wanted}) does not match the {label} in record "
                f"({actual}). The object might have been {happened}"
            )
            raise conflict_of_kind(resource, metadata["name"], why)


def set_condition(status: JsonObject, kind: str, value: str, now: str) -> None:
    """Set a condition of a status, keeping when it last changed."""
    conditions: list[JsonObject] = status.get("conditions") or []
    present: JsonObject = next((each for each in conditions if each.get("type") == kind), {})
    changed = now if present.get("status") != value else present.get("lastTransitionTime")
    condition = {
        "type": kind,
        "status": value,
        "lastProbeTime": None,
        "lastTransitionTime": changed,
    }
    status["conditions"] = [*(each for each in conditions if each is not present), condition]
