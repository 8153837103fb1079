"""What a URL's path means: the kind, namespace, name and subresource it addresses. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from studiolo_local.api import resources
from studiolo_local.api.entries import Key
from studiolo_local.api.resources import Resource


@dataclass(frozen=True, slots=True)
class Target:
    """What a request addresses; without a name it is the whole collection."""

    resource: Resource
    namespace: str | None
    name: str | None = None
    subresource: str = ""

    @property
    def key(self) -> Key:
        """The key of the one object that is addressed."""
        return Key(self.namespace or "", self.name or "")


def parse_path(path: str) -> Target | None:
    """Return what a decoded path below /api or /apis addresses, or None."""
    parts = path.strip("/").split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return None
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _OF_NAMESPACES:
        namespace, rest = rest[1], rest[2:]
    resource = resources.find(group, version, rest[0])
    if resource is None or len(rest) > 3 or (namespace is not None and not resource.namespaced):
        return None
    if namespace is None and resource.namespaced and len(rest) > 1:
        return None  # An object of a namespaced kind is never addressed without its namespace.
    subresource = rest[2] if len(rest) == 3 else ""
    if subresource and subresource not in resource.subresources:
        return None
    return Target(resource, namespace, rest[1] if len(rest) > 1 else None, subresource)


_OF_NAMESPACES = resources.NAMESPACES.subresources
