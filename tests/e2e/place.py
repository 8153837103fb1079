"""Where the registry is and where Studiolo is reached: on our own node, or as the environment says.

With a cluster of one's own (KUBECONFIG), these tell what nobody can find out by asking it:

    STUDIOLO_E2E_PUSH    the registry as this machine pushes to it, without TLS: localhost:5001
    STUDIOLO_E2E_PULL    the same as the nodes name it: localhost:5001, registry.lab.example
    STUDIOLO_E2E_CHECK   the same as the hub's pod asks it: http://kind-registry:5000
    STUDIOLO_E2E_URL     port 30080 of a node as this machine reaches it: http://172.18.0.2:30080
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.node_files import NODE_ADDRESS, REGISTRY, REGISTRY_PORT

PORT = 30080
_HERE = f"{NODE_ADDRESS}:{REGISTRY_PORT}"


@dataclass(frozen=True)
class Place:
    """What a cluster cannot tell about itself."""

    kubeconfig: Path | None
    """Of a cluster that is there already; None: one is started."""
    push: str
    pull: str
    check: str
    url: str


def place_of(environment: Mapping[str, str]) -> Place:
    """The place that the environment names; what it does not is our own node's."""
    given = environment.get("KUBECONFIG")
    return Place(
        Path(given) if given else None,
        environment.get("STUDIOLO_E2E_PUSH", _HERE),
        environment.get("STUDIOLO_E2E_PULL", REGISTRY),
        environment.get("STUDIOLO_E2E_CHECK", f"http://{_HERE}"),
        environment.get("STUDIOLO_E2E_URL", f"http://{NODE_ADDRESS}:{PORT}"),
    )


HERE = place_of(os.environ)
