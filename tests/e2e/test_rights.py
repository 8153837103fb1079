"""The hub's service account may do what it does, and nothing more. Runs after all other tests."""

from __future__ import annotations

import json

import pytest

from tests.e2e import audit
from tests.e2e.cluster import SingleNode
from tests.e2e.release import NAME, NAMESPACE, Release

pytestmark = pytest.mark.e2e

YOUNG_SECONDS = 15
HUB = f"system:serviceaccount:{NAMESPACE}:{NAME}-hub"


def test_every_right_was_used_and_none_was_missing(node: SingleNode, installed: Release) -> None:
    assert installed
    grants = audit.granted(
        json.loads(node.kubectl("get", kind, name, "-o", "json", *where))
        for kind, name, where in (
            ("role", f"{NAME}-hub", ("-n", NAMESPACE)),
            ("clusterrole", f"{NAMESPACE}-{NAME}-hub", ()),
        )
    )
    made = list(audit.calls(node.paths / "logs/audit.log", HUB))
    assert made, "the hub was not recorded"
    settled = [call for call in made if not any(near(call.at, start) for start in node.api_starts)]
    refused = {str(call.right) for call in settled if not call.allowed}
    assert not refused, "asked for without a right"
    used = {audit.by_which(call.right, grants) for call in made if call.allowed}
    assert None not in used, "allowed by something else than the chart's roles"
    unused = sorted(str(right) for right in grants - used)
    assert not unused, "granted and never used"


def near(moment: float, start: float) -> bool:
    """Whether an API server is so young that it does not know the roles yet and refuses all."""
    return abs(moment - start) < YOUNG_SECONDS


def test_nothing_else_of_ours_asks_the_api(node: SingleNode) -> None:
    log = (node.paths / "logs/audit.log").read_text().splitlines()
    users = {json.loads(line)["user"]["username"] for line in log}
    assert users == {HUB}
