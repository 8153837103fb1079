"""The hub and the API server go away in the middle of things."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e import audit, gpus
from tests.e2e.cluster import SingleNode
from tests.e2e.hub import Hub
from tests.e2e.release import Release
from tests.e2e.test_rights import HUB
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e

Person = Callable[[str], str]
CPU_CHOICE = {"image": "minimal", "profile": "cpu"}
AWAY_SECONDS = 120
BACK_SECONDS = 5
HUB_LABELS = {"app.kubernetes.io/component": "hub"}


def test_a_hub_that_is_killed_goes_on_with_the_start_it_was_at(
    node: SingleNode, installed: Release, hub: Hub, person: Person
) -> None:
    name = person("karl")
    with gpus.held(node):
        assert hub.begin(name, {"image": "minimal", "profile": "gpu"}).status == 202
        assert any("in use" in event["message"] for event in hub.follow(name))
        (pod,) = installed.pods_of(name)
        kill_the_hub(node, installed)
        until(lambda: hub.story(name)["phase"] == "starting")
        assert [each["metadata"]["uid"] for each in installed.pods_of(name)] == [
            pod["metadata"]["uid"]
        ]
    until(lambda: hub.user(name)["servers"].get("", {}).get("ready"))
    (same,) = installed.pods_of(name)
    assert same["metadata"]["uid"] == pod["metadata"]["uid"]
    story = hub.story(name)
    assert story["resumed"] == 1
    assert [attempt["outcome"] for attempt in story["attempts"]] == ["running"]
    hub.stop(name)
    until(lambda: not installed.pods_of(name))


def kill_the_hub(node: SingleNode, installed: Release) -> None:
    """End the process of the hub's container as nobody can catch it, and wait for the next one."""
    (pod,) = installed.pods(**HUB_LABELS)
    (status,) = pod["status"]["containerStatuses"]
    os.kill(node.pid_of(status["containerID"]), signal.SIGKILL)

    def is_back() -> bool:
        (pod,) = installed.pods(**HUB_LABELS)
        (now,) = pod["status"]["containerStatuses"]
        again: bool = now["restartCount"] > status["restartCount"] and now["ready"]
        return again

    until(is_back)


def test_workspaces_go_on_while_the_api_server_is_away(
    node: SingleNode, installed: Release, hub: Hub, person: Person
) -> None:
    workspace, late_comer = person("wanda"), person("zoe")
    assert hub.start(workspace, CPU_CHOICE).ready
    (pod,) = installed.pods_of(workspace)
    assert "cluster" not in hub.alarms()
    node.stop_api_server()
    gone = time.time()
    try:
        ends = time.monotonic() + AWAY_SECONDS
        while time.monotonic() < ends:
            # By the proxy, from the workspace's own server, which asks the hub who it is.
            status = hub.must("GET", f"/user/{workspace}/api/status")
            assert status["started"]
            time.sleep(5)
        alarm = hub.alarms()["cluster"]
        assert alarm["level"] == "bad"
        assert alarm["title"] == "The Kubernetes API does not answer."
        refused = hub.start(late_comer, CPU_CHOICE)
        assert not refused.ready
        assert "The cluster does not answer." in refused.error
    finally:
        node.start_api_server()
    back = time.time()
    log = node.paths / "logs/audit.log"
    wanted = {"pods", "nodes", "events"}
    until(lambda: wanted <= set(watches_since(log, gone)), seconds=60)
    # From when the server says that it is ready; it may be asked a little earlier.
    waits = {resource: at - back for resource, at in watches_since(log, gone).items()}
    assert {name: wait for name, wait in waits.items() if wait > BACK_SECONDS} == {}
    until(lambda: "cluster" not in hub.alarms())
    (same,) = installed.pods_of(workspace)
    assert same["metadata"]["uid"] == pod["metadata"]["uid"]
    (status,) = same["status"]["containerStatuses"]
    assert status["restartCount"] == 0
    # And the next start is one.
    assert hub.start(late_comer, CPU_CHOICE).ready


def watches_since(log: Path, moment: float) -> dict[str, float]:
    """When the hub began to watch again after a moment, by what it watches."""
    found: dict[str, float] = {}
    for call in audit.calls(log, HUB):
        if call.right.verb == "watch" and call.allowed and call.at > moment:
            found.setdefault(call.right.resource, call.at)
    return found
