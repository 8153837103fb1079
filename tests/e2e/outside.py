"""What lies outside the cluster: a network namespace of our own where all that pods send out ends.

Whatever a pod sends to an address that is none of the cluster's comes here and nowhere else, so no
probe leaves the machine, even when a policy fails. Stand-ins answer at a few addresses; the rest is
silent. The machine's own traffic goes its way as before. I/O, root.

    python -m tests.e2e.outside    # the stand-ins: says "here" to whoever connects
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.commands import attempt, run
from tests.e2e.node_files import INTERFACE, POD_NETWORK
from tests.e2e.processes import Processes

NAMESPACE = "studiolo-e2e-outside"
#: The stand-ins. The metadata service of clouds (https://www.rfc-editor.org/rfc/rfc3927), a
#: database in a private network, and a public server, which has an address for documentation.
METADATA = "169.254.169.254"
DATABASE = "10.20.30.40"
PUBLIC = "203.0.113.10"
PORTS = (80, 443, 5432)
_CABLE = f"{INTERFACE}-o"
_NEAR, _FAR = "203.0.113.1", "203.0.113.2"
_TABLE = "19818"
#: Before the machine's own table, where its way to the Internet stands.
_RULES: Sequence[Sequence[str]] = (
    ("priority", "19818", "from", POD_NETWORK, "to", POD_NETWORK, "lookup", "main"),
    ("priority", "19819", "from", POD_NETWORK, "lookup", _TABLE),
)


def add() -> None:
    """Make the namespace and lead there what pods send out."""
    run("ip", "netns", "add", NAMESPACE)
    run("ip", "link", "add", _CABLE, "type", "veth", "peer", "name", "e2e", "netns", NAMESPACE)
    run("ip", "address", "add", f"{_NEAR}/30", "dev", _CABLE)
    run("ip", "link", "set", _CABLE, "up")
    inside = ("ip", "-netns", NAMESPACE)
    for address in (f"{_FAR}/30", *(f"{each}/32" for each in (METADATA, DATABASE, PUBLIC))):
        run(*inside, "address", "add", address, "dev", "e2e")
    run(*inside, "link", "set", "lo", "up")
    run(*inside, "link", "set", "e2e", "up")
    run(*inside, "route", "add", POD_NETWORK, "via", _NEAR)
    run("ip", "route", "add", "default", "via", _FAR, "table", _TABLE)
    for rule in _RULES:
        run("ip", "rule", "add", *rule)


def take_back() -> None:
    """Remove all of it, whatever there is."""
    for rule in _RULES:
        attempt("ip", "rule", "del", *rule)
    if Path("/run/netns", NAMESPACE).exists():
        run("ip", "netns", "delete", NAMESPACE)
    # The namespace takes its end of the cable along in its own time.
    attempt("ip", "link", "delete", _CABLE)


def start(processes: Processes) -> None:
    """Start the stand-ins and wait until they answer."""
    words = ["ip", "netns", "exec", NAMESPACE, sys.executable, "-m", __name__]
    processes.start("outside", words)
    processes.until("outside", lambda: "ready" in processes.end_of_log("outside"))


async def _serve() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"here")
        writer.close()

    for port in PORTS:
        await asyncio.start_server(answer, "0.0.0.0", port)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
