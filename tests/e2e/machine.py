"""What a cluster changes on this machine beside its folder, and how it is taken back. I/O, root.

One cluster at a time: a second one waits. What a run left that was killed is taken away by the
next one, so that no run depends on how the last one ended.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e import outside
from tests.e2e.commands import attempt, run
from tests.e2e.node_files import (
    CONTAINERD_SOCKET,
    INTERFACE,
    NODE_ADDRESS,
    POD_NETWORK,
    SERVICE_NETWORK,
)

RUN = CONTAINERD_SOCKET.parent
_LOCK = RUN.with_suffix(".lock")
_NAMESPACES = Path("/run/netns")
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_CHAINS = "KUBE-"
_SETS = ("KUBE-SRC-", "KUBE-DST-")


@contextmanager
def prepared(folder: Path) -> Iterator[None]:
    """The node's interface, and room for its pods' packets, until the block ends.

    Raises AssertionError with what a command said that failed.
    """
    with _LOCK.open("a+") as lock:
        _take(lock.fileno())
        lock.seek(0)
        if left := lock.read().splitlines():
            _take_back(*left)
        forwarding = _FORWARDING.read_text().strip()
        lock.truncate(0)
        lock.write(f"{folder}\n{forwarding}\n")
        lock.flush()
        try:
            _FORWARDING.write_text("1")
            _add_interface()
            outside.add()
            yield
        finally:
            _take_back(str(folder), forwarding)
            lock.truncate(0)


def _take(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another cluster of these tests runs on this machine: waiting for it …", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)


def _add_interface() -> None:
    """The address of the node, on an interface without a cable.

    What goes to a pod or service that is no more ends there, too, and not on the machine's network.
    """
    run("ip", "link", "add", INTERFACE, "type", "bridge")
    run("ip", "address", "add", f"{NODE_ADDRESS}/32", "dev", INTERFACE)
    run("ip", "link", "set", INTERFACE, "up")
    for network in (POD_NETWORK, SERVICE_NETWORK):
        run("ip", "route", "add", network, "dev", INTERFACE)


def _take_back(folder: str, forwarding: str) -> None:
    """Remove what a cluster of this folder made, whatever of it there is, and route as before."""
    _FORWARDING.write_text(forwarding)
    _end_shims()
    for path in _mounted_below(folder):
        attempt("umount", "--lazy", path)
    _remove_pod_networks()
    for program in ("iptables", "ip6tables"):
        for table in ("filter", "nat", "mangle"):
            _remove_rules(program, "-w", "-t", table)
    _remove_sets()
    outside.take_back()
    if Path(f"/sys/class/net/{INTERFACE}").exists():
        run("ip", "link", "delete", INTERFACE)
    shutil.rmtree(RUN, ignore_errors=True)


def _end_shims() -> None:
    """End the parents of containers that were started through our containerd's socket.

    They outlive it by design; the socket in their command line tells them from anybody else's.
    """
    mine = str(CONTAINERD_SOCKET).encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if mine in words and b"containerd-shim" in words[0]:
                for child in _children(int(process.name)):
                    os.kill(child, signal.SIGKILL)
                os.kill(int(process.name), signal.SIGKILL)


def _children(parent: int) -> list[int]:
    words = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(word) for word in words]


def _remove_pod_networks() -> None:
    """Remove what pods were connected by: an address of theirs must not lead there next time."""
    for path in _NAMESPACES.glob("cni-*"):
        if attempt("ip", "-netns", path.name, "route", "show", "root", POD_NETWORK).strip():
            run("ip", "netns", "delete", path.name)


def _remove_rules(*iptables: str) -> None:
    """Take away the chains that the cluster's parts leave, and what leads into them."""
    # Comments have spaces, so they are read as a shell would.
    lines = [shlex.split(line) for line in attempt(*iptables, "-S").splitlines()]
    chains = [words[1] for words in lines if words[0] == "-N" and words[1].startswith(_CHAINS)]
    leading = [
        words
        for words in lines
        if words[0] == "-A" and words[1] not in chains and set(words) & set(chains)
    ]
    orders = [["-D", *words[1:]] for words in leading]
    orders += [["-F", chain] for chain in chains] + [["-X", chain] for chain in chains]
    for order in orders:
        attempt(*iptables, *order)


def _remove_sets() -> None:
    """Remove the sets of addresses that network policies are made of; rules name them no more."""
    for name in attempt("ipset", "list", "-name").split():
        if name.startswith(_SETS):
            attempt("ipset", "destroy", name)


def _mounted_below(folder: str) -> list[str]:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return sorted((path for path in mounts if path.startswith(f"{folder}/")), reverse=True)
