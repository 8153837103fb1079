"""A pod as one row of kubectl's table. Pure.

The status column follows kubectl's own rule: the worst thing that a container has to say comes
before the phase.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from studiolo_local.api.durations import age
from studiolo_local.api.entries import JsonObject

Cells = list[Any]


def pod_cells(pod: JsonObject, now: datetime) -> Cells:
    """Return NAME READY STATUS RESTARTS AGE, then IP NODE NOMINATED-NODE READINESS-GATES."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    states = status.get("containerStatuses") or []
    ready = sum(bool(each.get("ready")) for each in states)
    return [
        metadata["name"],
        f"{ready}/{len(spec.get('containers') or ())}",
        pod_status(pod),
        _restarts(states, now),
        age(metadata.get("creationTimestamp"), now),
        status.get("podIP") or "<none>",
        spec.get("nodeName") or "<none>",
        status.get("nominatedNodeName") or "<none>",
        _gates(spec, status),
    ]


def pod_status(pod: JsonObject) -> str:
    """Return the word that describes the pod best."""
    status = pod.get("status") or {}
    word = status.get("reason") or status.get("phase") or "Unknown"
    starting = _starting_word(pod)
    if starting:
        word = starting
    else:
        running = False
        for each in reversed(status.get("containerStatuses") or []):
            state = each.get("state") or {}
            word = _state_word(state) or word
            running = running or ("running" in state and bool(each.get("ready")))
        if word == "Completed" and running:
            word = "Running" if _is_ready(status) else "NotReady"
    if pod["metadata"].get("deletionTimestamp"):
        word = "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return word


def _starting_word(pod: JsonObject) -> str | None:
    """Return what the first init container that has not finished says."""
    status = pod.get("status") or {}
    states = status.get("initContainerStatuses") or []
    for index, each in enumerate(states):
        state = each.get("state") or {}
        ended = state.get("terminated")
        if (ended and ended.get("exitCode") == 0) or each.get("started"):
            continue
        waiting = (state.get("waiting") or {}).get("reason")
        if ended:
            return f"Init:{_state_word(state)}"
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{index}/{len((pod.get('spec') or {}).get('initContainers') or ())}"
    return None


def _state_word(state: JsonObject) -> str | None:
    waiting, ended = state.get("waiting") or {}, state.get("terminated")
    if waiting.get("reason"):
        return str(waiting["reason"])
    if not ended:
        return None
    if ended.get("reason"):
        return str(ended["reason"])
    if ended.get("signal"):
        return f"Signal:{ended['signal']}"
    return f"ExitCode:{ended.get('exitCode', 0)}"


def _is_ready(status: JsonObject) -> bool:
    return any(
        each.get("type") == "Ready" and each.get("status") == "True"
        for each in status.get("conditions") or ()
    )


def _restarts(states: list[JsonObject], now: datetime) -> str:
    count = sum(int(each.get("restartCount") or 0) for each in states)
    ends = [
        finished
        for each in states
        if (finished := ((each.get("lastState") or {}).get("terminated") or {}).get("finishedAt"))
    ]
    return f"{count} ({age(max(ends), now)} ago)" if count and ends else str(count)


def _gates(spec: JsonObject, status: JsonObject) -> str:
    gates = spec.get("readinessGates") or []
    if not gates:
        return "<none>"
    true = {each["type"] for each in status.get("conditions") or () if each.get("status") == "True"}
    return f"{sum(gate.get('conditionType') in true for gate in gates)}/{len(gates)}"
