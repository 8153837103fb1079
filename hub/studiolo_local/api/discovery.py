"""What the API says about itself: versions, groups, kinds and what can be done to them. Pure."""

from __future__ import annotations

from functools import cache
from typing import Any

from studiolo_local.api import openapi
from studiolo_local.api.entries import encode
from studiolo_local.api.resources import RESOURCES, Resource

KUBERNETES_VERSION = "1.37"
"""The version whose behaviour is followed."""

_VERBS = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)
_SUB_VERBS = {
    "status": ("get", "patch", "update"),
    "finalize": ("update",),
    "binding": ("create",),
    "eviction": ("create",),
    "log": ("get",),
}
_SUB_KINDS = {"binding": "Binding", "eviction": "Eviction"}


@cache
def documents() -> dict[str, bytes]:
    """Return every fixed document by its path."""
    groups = sorted({(each.group, each.version) for each in RESOURCES})
    named = [(group, version) for group, version in groups if group]
    found: dict[str, Any] = {
        "/version": _version(),
        "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
        "/apis": {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [_group(*each) for each in named],
        },
        "/openapi/v3": {
            "paths": {
                _root(*each)[1:]: {"serverRelativeURL": f"/openapi/v3{_root(*each)}"}
                for each in groups
            }
        },
    }
    for group, version in groups:
        served = [each for each in RESOURCES if (each.group, each.version) == (group, version)]
        found[_root(group, version)] = _resource_list(group, version)
        found[f"/openapi/v3{_root(group, version)}"] = openapi.document(
            _root(group, version), served
        )
    for group, version in named:
        found[f"/apis/{group}"] = {"kind": "APIGroup", "apiVersion": "v1", **_group(group, version)}
    return {path: encode(document) for path, document in found.items()}


def _version() -> dict[str, str]:
    major, minor = KUBERNETES_VERSION.split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{KUBERNETES_VERSION}.0+studiolo.local",
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "",
    }


def _root(group: str, version: str) -> str:
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


def _group(group: str, version: str) -> dict[str, Any]:
    preferred = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [preferred], "preferredVersion": preferred}


def _resource_list(group: str, version: str) -> dict[str, Any]:
    listed = []
    for each in RESOURCES:
        if (each.group, each.version) == (group, version):
            listed.append(_described(each))
            listed += [_described_part(each, part) for part in each.subresources]
    name = f"{group}/{version}" if group else version
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": name,
        "resources": listed,
    }


def _described(resource: Resource) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(_VERBS),
    }
    if resource.short_names:
        described["shortNames"] = list(resource.short_names)
    if resource.categories:
        described["categories"] = list(resource.categories)
    return described


def _described_part(resource: Resource, part: str) -> dict[str, Any]:
    return {
        "name": f"{resource.plural}/{part}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": _SUB_KINDS.get(part, resource.kind),
        "verbs": list(_SUB_VERBS[part]),
    }
