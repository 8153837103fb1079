"""Granted rights against calls: what is missing must be found, and what is too much."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e import audit
from tests.e2e.audit import Right

pytestmark = pytest.mark.e2e

ROLES = [
    {
        "metadata": {"name": "hub", "namespace": "here"},
        "rules": [
            {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]},
            {
                "apiGroups": ["apps"],
                "resources": ["deployments"],
                "verbs": ["get"],
                "resourceNames": ["one"],
            },
        ],
    },
    {
        "metadata": {"name": "hub"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}],
    },
]
GRANTS = audit.granted(ROLES)


def test_what_roles_grant() -> None:
    assert {str(right) for right in GRANTS} == {
        "get pods in here",
        "list pods in here",
        "get pods/log in here",
        "list pods/log in here",
        "get deployments.apps “one” in here",
        "list pods cluster-wide",
    }


@pytest.mark.parametrize(
    ("asked", "by"),
    [
        (Right("here", "", "pods", "get", "mine"), Right("here", "", "pods", "get")),
        (Right("here", "", "pods", "list"), Right("here", "", "pods", "list")),
        (Right("", "", "pods", "list"), Right("", "", "pods", "list")),
        (Right("there", "", "pods", "list"), Right("", "", "pods", "list")),
        (Right("there", "", "pods", "get", "mine"), None),
        (Right("here", "", "pods", "delete", "mine"), None),
        (
            Right("here", "apps", "deployments", "get", "one"),
            Right("here", "apps", "deployments", "get", "one"),
        ),
        (Right("here", "apps", "deployments", "get", "two"), None),
    ],
    ids=[
        "to any object",
        "in a namespace before the whole cluster",
        "in the whole cluster",
        "in another namespace by the whole cluster's",
        "in another namespace",
        "another verb",
        "by name",
        "another name",
    ],
)
def test_which_grant_allows_a_call(asked: Right, by: Right | None) -> None:
    assert audit.by_which(asked, GRANTS) == by


def test_calls_are_read_from_the_log(tmp_path: Path) -> None:
    def event(user: str, decision: str, **at: str) -> str:
        return json.dumps(
            {
                "user": {"username": user},
                "verb": "get",
                "requestReceivedTimestamp": "2026-03-01T12:00:00.500000Z",
                "objectRef": at,
                "annotations": {"authorization.k8s.io/decision": decision},
            }
        )

    log = tmp_path / "audit.log"
    pod = {"resource": "pods", "namespace": "here", "name": "mine"}
    log.write_text(
        "\n".join(
            [
                event("hub", "allow", **pod, subresource="log"),
                event("other", "allow", **pod),
                event("hub", "forbid", **pod),
            ]
        )
    )
    first, second = audit.calls(log, "hub")
    assert first.at == 1772366400.5
    assert (str(first.right), first.allowed) == ("get pods/log “mine” in here", True)
    assert (str(second.right), second.allowed) == ("get pods “mine” in here", False)
