"""Whether a pod that once started is still there, and where it answers; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from studiolo_spawner.pod_view import MAIN_CONTAINER, mapping, mappings, number, text

_PORTS = {"http": 80, "https": 443}


def exit_code(pod: Mapping[str, Any]) -> int | None:
    """None while the workspace is there; how it ended once it has, 1 when nobody knows.

    A pod whose kubelet has not said more than its phase is there, unless that phase is an end: an
    evicted pod is "Failed" and has no container statuses.
    """
    status = mapping(pod.get("status"))
    for item in mappings(status.get("containerStatuses")):
        ended = mapping(item.get("state")).get("terminated")
        if item.get("name") == MAIN_CONTAINER and isinstance(ended, Mapping):
            return number(ended.get("exitCode"))
    return 1 if text(status.get("phase")) in {"Failed", "Succeeded"} else None


def address_of(url: str) -> tuple[str, int]:
    """Host and port of a URL, the scheme's own port where none is written."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 80)
