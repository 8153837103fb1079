"""What a cluster changes on this machine beside its folder, and how it is taken back. I/O, root.

One cluster at a time: a second one waits. What a run left that was killed is taken away by the
next one, so that no run depends on how the last one ended.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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
_CHAINS = "KUBE-"


@contextmanager
def prepared(folder: Path) -> Iterator[None]:
    """The node's interface, and room for its pods' packets, until the block ends.

    Raises AssertionError with what a command said that failed.
    """
    with _LOCK.open("a+") as lock:
        _take(lock.fileno())
        lock.seek(0)
        if left := lock.read().strip():
            _take_back(Path(left))
        lock.truncate(0)
        lock.write(str(folder))
        lock.flush()
        try:
            with _forwarding():
                _add_interface()
                yield
        finally:
            _take_back(folder)
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
    _command("ip", "link", "add", INTERFACE, "type", "bridge")
    _command("ip", "address", "add", f"{NODE_ADDRESS}/32", "dev", INTERFACE)
    _command("ip", "link", "set", INTERFACE, "up")
    for network in (POD_NETWORK, SERVICE_NETWORK):
        _command("ip", "route", "add", network, "dev", INTERFACE)


@contextmanager
def _forwarding() -> Iterator[None]:
    """Let this machine route between its pods, as it was before afterwards."""
    switch = Path("/proc/sys/net/ipv4/ip_forward")
    before = switch.read_text()
    switch.write_text("1")
    try:
        yield
    finally:
        switch.write_text(before)


def _take_back(folder: Path) -> None:
    """Remove what a cluster of this folder made, whatever of it there is."""
    _end_shims()
    for path in _mounted_below(folder):
        subprocess.run(["umount", "--lazy", path], check=False, capture_output=True)
    _remove_pod_networks()
    for program in ("iptables", "ip6tables"):
        for table in ("filter", "nat", "mangle"):
            _remove_rules([program, "-w", "-t", table])
    if Path(f"/sys/class/net/{INTERFACE}").exists():
        _command("ip", "link", "delete", INTERFACE)
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
        words = ["ip", "-netns", path.name, "route", "show", "root", POD_NETWORK]
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        if done.stdout.strip():
            _command("ip", "netns", "delete", path.name)


def _remove_rules(iptables: list[str]) -> None:
    """Take away the chains that the cluster's parts leave, and what leads into them."""
    done = subprocess.run([*iptables, "-S"], capture_output=True, text=True, check=False)
    lines = [line.split() for line in done.stdout.splitlines()]
    chains = [words[1] for words in lines if words[0] == "-N" and words[1].startswith(_CHAINS)]
    leading = [
        words
        for words in lines
        if words[0] == "-A" and words[1] not in chains and set(words) & set(chains)
    ]
    orders = [["-D", *words[1:]] for words in leading]
    orders += [["-F", chain] for chain in chains] + [["-X", chain] for chain in chains]
    for order in orders:
        subprocess.run([*iptables, *order], capture_output=True, check=False)


def _mounted_below(folder: Path) -> list[str]:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return sorted((path for path in mounts if path.startswith(f"{folder}/")), reverse=True)


def _command(*words: str) -> None:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stderr.strip()}")
