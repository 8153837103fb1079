"""Whose pod, home or namespace is it?  Pure.

Names of Kubernetes objects carry a short hash of the user's name, and two users can be made to
share one.  An object is therefore taken over, mounted or deleted only when its annotations name
exactly this user (and, for a pod, this server).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.pod_view import mapping, text
from studiolo_spawner.translation import translate as _

USERNAME = "hub.jupyter.org/username"
SERVERNAME = "hub.jupyter.org/servername"


class Owner(Enum):
    """Whose an object is."""

    OURS = "ours"
    ANOTHER = "another user's"
    UNKNOWN = "nobody's: it does not say"


def owner_of(item: Mapping[str, Any], username: str, servername: str | None = None) -> Owner:
    """Compare an object's annotations with a user, and with a server where one is given."""
    annotations = mapping(mapping(item.get("metadata")).get("annotations"))
    if USERNAME not in annotations:
        return Owner.UNKNOWN
    same = annotations[USERNAME] == username
    if servername is not None:
        same = same and text(annotations.get(SERVERNAME)) == servername
    return Owner.OURS if same else Owner.ANOTHER


def require_owner(
    kind: str, item: Mapping[str, Any], username: str, *, adopt_unowned: bool = False
) -> None:
    """Raise ClusterFault unless the object (``kind`` in plain words) is this user's."""
    owner = owner_of(item, username)
    if owner is Owner.OURS or (owner is Owner.UNKNOWN and adopt_unowned):
        return
    name = text(mapping(item.get("metadata")).get("name"))
    if owner is Owner.ANOTHER:
        raise ClusterFault(
            _(
                "The %(kind)s %(name)s belongs to another user, so nothing was started. "
                "Ask your administrator: two user names lead to the same name in the cluster."
            )
            % {"kind": kind, "name": name},
            reason="owned_by_another",
            status=409,
        )
    raise ClusterFault(
        _(
            "The %(kind)s %(name)s does not say whose it is, so nothing was started. "
            "If it is yours, ask your administrator to annotate it with %(annotation)s and your "
            "name."
        )
        % {"kind": kind, "name": name, "annotation": USERNAME},
        reason="owner_unknown",
        status=409,
    )
