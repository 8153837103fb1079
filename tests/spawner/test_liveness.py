"""Is the pod still there, and where does it answer?"""

from __future__ import annotations

from typing import Any

import pytest
from studiolo_spawner.liveness import address_of, exit_code


def pod(phase: str | None, **state: Any) -> dict[str, Any]:
    statuses = [{"name": "sidecar", "state": {"terminated": {"exitCode": 9}}}]
    statuses += [{"name": "notebook", "state": state}] if state else []
    return {"status": {"phase": phase, "containerStatuses": statuses}}


@pytest.mark.parametrize(
    ("found", "code"),
    [
        pytest.param(pod("Running", running={}), None, id="runs"),
        pytest.param(pod("Running", terminated={"exitCode": 3}), 3, id="ended"),
        pytest.param(pod("Succeeded", terminated={"exitCode": 0}), 0, id="ended well"),
        pytest.param(pod("Running", waiting={"reason": "CrashLoopBackOff"}), None, id="waits"),
        pytest.param({"status": {"phase": "Pending"}}, None, id="pending"),
        pytest.param({"status": {"phase": "Running"}}, None, id="running without statuses"),
        pytest.param({"status": {"phase": "Failed"}}, 1, id="evicted"),
        pytest.param({"status": {"phase": "Unknown"}}, None, id="node not heard of"),
        pytest.param({"status": {}}, None, id="no phase"),
        pytest.param({}, None, id="no status"),
        pytest.param(pod("Running", terminated={}), 0, id="no exit code"),
    ],
)
def test_exit_code(found: dict[str, Any], code: int | None) -> None:
    assert exit_code(found) == code


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://10.0.0.7:8888/user/ana/", ("10.0.0.7", 8888)),
        ("https://pod.svc", ("pod.svc", 443)),
        ("http://[fd00::7]:8888", ("fd00::7", 8888)),
        ("http://pod", ("pod", 80)),
    ],
)
def test_address(url: str, address: tuple[str, int]) -> None:
    assert address_of(url) == address
