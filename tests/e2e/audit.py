"""What a service account asked of the API server, from its audit log, and what it may ask. Pure but
for reading the log.

https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Right:
    """One thing that may be done, or was."""

    namespace: str
    """Empty: in all of them, or to what is in none."""
    group: str
    resource: str
    verb: str
    name: str = ""
    """Empty: to any object of the resource."""

    def __str__(self) -> str:
        where = f"in {self.namespace}" if self.namespace else "cluster-wide"
        named = f" “{self.name}”" if self.name else ""
        return f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}{named} {where}"


@dataclass(frozen=True)
class Call:
    """One question to the API server, and whether the caller was allowed to ask it."""

    right: Right
    """With the name of the object that was asked for."""
    allowed: bool
    at: float
    """When, in seconds since 1970."""


def calls(log: Path, user: str) -> Iterator[Call]:
    """What a user asked for; questions about the API itself are everybody's and left out."""
    with log.open() as lines:
        for line in lines:
            event = json.loads(line)
            if event["user"]["username"] == user and "objectRef" in event:
                yield _call(event)


def _call(event: Object) -> Call:
    what = event["objectRef"]
    part = f"/{what['subresource']}" if what.get("subresource") else ""
    right = Right(
        what.get("namespace", ""),
        what.get("apiGroup", ""),
        what["resource"] + part,
        event["verb"],
        # The name of something that is to be created is not looked at.
        "" if event["verb"] == "create" else what.get("name", ""),
    )
    decision = event["annotations"].get("authorization.k8s.io/decision")
    at = datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp()
    return Call(right, decision == "allow", at)


def granted(roles: Iterable[Object]) -> set[Right]:
    """What Roles and ClusterRoles grant."""
    return {
        Right(role["metadata"].get("namespace", ""), group, resource, verb, name)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def by_which(right: Right, grants: set[Right]) -> Right | None:
    """The narrowest grant that allows it; None where there is none."""
    for namespace in dict.fromkeys((right.namespace, "")):
        for name in dict.fromkeys((right.name, "")):
            grant = Right(namespace, right.group, right.resource, right.verb, name)
            if grant in grants:
                return grant
    return None
