"""Whether something can be connected to from where a pod, or this node, stands. I/O."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import suppress

from tests.e2e.cluster import SingleNode

Target = tuple[str, int]

# Run in the pod by its own Python. `refused` also means that nobody listens, so whoever expects it
# has to show that somebody does.
_SCRIPT = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def reached(target):
    try:
        socket.create_connection(target, 4).close()
    except OSError:
        return False
    return True
targets = json.loads(sys.argv[1])
with ThreadPoolExecutor(32) as pool:
    print(json.dumps(dict(zip(targets, pool.map(reached, targets.values())))))
"""


def from_pod(
    cluster: SingleNode, namespace: str, pod: str, targets: Mapping[str, Target]
) -> dict[str, bool]:
    """Which targets a pod reaches, by their names."""
    told = cluster.kubectl(
        "-n", namespace, "exec", pod, "--", "python3", "-c", _SCRIPT, json.dumps(targets)
    )
    found: dict[str, bool] = json.loads(told)
    return found


def from_node(targets: Mapping[str, Target]) -> dict[str, bool]:
    """The same from the node, which every policy lets through, as kubelets must probe."""
    found = dict.fromkeys(targets, False)
    for name, target in targets.items():
        with suppress(OSError):
            socket.create_connection(target, 4).close()
            found[name] = True
    return found
