"""CPU, memory and home volume against what this workspace may use. I/O: reads /sys and /proc.

Guarantees: a figure that cannot be told is None and raises nothing; a home volume that does not
answer (a network file system that is away) blocks a thread of its own and nobody else.

Control groups: https://docs.kernel.org/admin-guide/cgroup-v2.html and
https://docs.kernel.org/admin-guide/cgroup-v1/. Used memory is without the file cache that the
kernel would give back, as Kubernetes counts it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

DISK_SECONDS: Final = 60.0
LIMITS_SECONDS: Final = 60.0


class Cpu(NamedTuple):
    """`percent` is of the limit, where there is one, else of the machine."""

    used_cores: float | None
    limit_cores: float | None
    percent: float | None
    source: str


class Memory(NamedTuple):
    """Beyond the limit the kernel ends programs."""

    used_bytes: int | None
    limit_bytes: int | None
    percent: float | None
    source: str


class Disk(NamedTuple):
    """A file system, as df tells it to its users."""

    path: str
    used_bytes: int
    total_bytes: int
    free_bytes: int
    percent: float


class Machine(NamedTuple):
    """All of it at one moment; `disk` is None until it is known."""

    cpu: Cpu
    memory: Memory
    disk: Disk | None

    def to_json(self) -> dict[str, Any]:
        """The wire format: `Machine` in openapi.json."""
        return {
            "cpu": self.cpu._asdict(),
            "memory": self.memory._asdict(),
            "disk": None if self.disk is None else self.disk._asdict(),
        }

    def history(self) -> dict[str, float | None]:
        """What is kept of it."""
        return {"cpu_percent": self.cpu.percent, "memory_used_bytes": self.memory.used_bytes}


class MachineReader:
    """Microseconds for each `read`; the load of the CPU is since the last one."""

    def __init__(
        self,
        *,
        home: str | None,
        environment: Mapping[str, str],
        root: Path = Path("/"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._clock = clock
        self._groups = find_groups(root)
        self._told = (_positive(environment, "CPU_LIMIT"), _positive(environment, "MEM_LIMIT"))
        self._limits: tuple[float | None, float | None] = (None, None)
        self._limits_at = float("-inf")
        self._before: tuple[float, float] | None = None
        self._disk = DiskWatch(home, clock=clock) if home else None

    def read(self) -> Machine:
        """What is used now."""
        now = self._clock()
        if now - self._limits_at >= LIMITS_SECONDS:
            self._limits_at = now
            self._limits = (self._cpu_limit(), self._memory_limit())
        disk = None if self._disk is None else self._disk.latest()
        return Machine(self._cpu(now, self._limits[0]), self._memory(self._limits[1]), disk)

    def _cpu(self, now: float, limit: float | None) -> Cpu:
        version, seconds = self._groups.version, self._cpu_seconds()
        before = self._before
        if seconds is None:
            return Cpu(None, limit, None, "none")
        if before is None or now - before[0] >= 0.2:
            self._before = (now, seconds)
        if before is None or now <= before[0] or seconds < before[1]:
            return Cpu(None, limit, None, version)
        used = (seconds - before[1]) / (now - before[0])
        cores = limit or float(os.cpu_count() or 1)
        return Cpu(round(used, 3), limit, round(100 * used / cores, 1), version)

    def _cpu_seconds(self) -> float | None:
        groups = self._groups
        if groups.version == "cgroup2":
            used = _field(f"{groups.cpu}/cpu.stat", "usage_usec")
            return None if used is None else used / 1e6
        if groups.version == "cgroup1":
            nanoseconds = _number(f"{groups.cpu_usage}/cpuacct.usage")
            return None if nanoseconds is None else nanoseconds / 1e9
        return None

    def _cpu_limit(self) -> float | None:
        groups, told = self._groups, self._told[0]
        quota = period = None
        if groups.version == "cgroup2":
            words = _text(f"{groups.cpu}/cpu.max").split()
            if len(words) == 2 and words[0].isdecimal() and words[1].isdecimal():
                quota, period = float(words[0]), float(words[1])
        elif groups.version == "cgroup1":
            quota = _number(f"{groups.cpu}/cpu.cfs_quota_us")
            period = _number(f"{groups.cpu}/cpu.cfs_period_us")
        limits = [told] if told else []
        if quota and period and quota > 0:
            limits.append(quota / period)
        return min(limits, default=None)

    def _memory(self, limit: float | None) -> Memory:
        groups, source = self._groups, self._groups.version
        used = cache = None
        if source == "cgroup2":
            used = _number(f"{groups.memory}/memory.current")
            cache = _field(f"{groups.memory}/memory.stat", "inactive_file")
        elif source == "cgroup1":
            used = _number(f"{groups.memory}/memory.usage_in_bytes")
            cache = _field(f"{groups.memory}/memory.stat", "total_inactive_file")
        if used is None:
            total = self._of_machine("MemTotal:")
            if not total:
                return Memory(None, None, None, "none")
            used, source = total - (self._of_machine("MemAvailable:") or 0), "host"
        used = max(0, int(used - (cache or 0)))
        percent = round(100 * used / limit, 1) if limit else None
        return Memory(used, int(limit) if limit else None, percent, source)

    def _memory_limit(self) -> float | None:
        groups, limit = self._groups, None
        if groups.version == "cgroup2":
            limit = _number(f"{groups.memory}/memory.max")
        elif groups.version == "cgroup1":
            limit = _number(f"{groups.memory}/memory.limit_in_bytes")
        limits = (limit, self._told[1], self._of_machine("MemTotal:"))
        return min((each for each in limits if each), default=None)

    def _of_machine(self, name: str) -> float | None:
        kib = _field(f"{self._root}/proc/meminfo", name)
        return None if kib is None else kib * 1024.0


class DiskWatch:
    """The file system of a folder, asked in a thread of its own each `DISK_SECONDS`."""

    def __init__(self, path: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._asked = float("-inf")
        self._thread: threading.Thread | None = None
        self._latest: Disk | None = None

    def latest(self) -> Disk | None:
        """What is known; asks anew for the next time where that is due."""
        under_way = self._thread is not None and self._thread.is_alive()
        if not under_way and self._clock() - self._asked >= DISK_SECONDS:
            self._asked = self._clock()
            self._thread = threading.Thread(target=self._ask, name="studiolo-disk", daemon=True)
            self._thread.start()
        return self._latest

    def _ask(self) -> None:
        try:
            self._latest = disk_of(self._path)
        except OSError:
            self._latest = None


def disk_of(path: str) -> Disk | None:
    """Blocks for as long as the file system does."""
    found = os.statvfs(path)
    block = found.f_frsize
    free = found.f_bavail * block
    used = (found.f_blocks - found.f_bfree) * block
    if used + free <= 0:
        return None
    return Disk(path, used, used + free, free, round(100 * used / (used + free), 1))


class Groups(NamedTuple):
    """Where our control group's files lie. `version`: cgroup2, cgroup1 or none."""

    version: str
    cpu: Path
    cpu_usage: Path
    memory: Path


def find_groups(root: Path = Path("/")) -> Groups:
    """From /proc/self/cgroup: below the mount by that path, or at its top within a namespace."""
    base = root / "sys/fs/cgroup"
    paths: dict[str, str] = {}
    for line in _text(f"{root}/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path.lstrip("/")

    def place(mount: Path, controller: str, file: str) -> Path:
        below = mount / paths.get(controller, "")
        return below if (below / file).exists() else mount

    if (base / "cgroup.controllers").exists():
        group = place(base, "", "memory.current")
        return Groups("cgroup2", group, group, group)
    memory = place(base / "memory", "memory", "memory.usage_in_bytes")
    if (memory / "memory.usage_in_bytes").exists():
        cpu = place(base / "cpu", "cpu", "cpu.cfs_quota_us")
        usage = place(base / "cpuacct", "cpuacct", "cpuacct.usage")
        return Groups("cgroup1", cpu, usage, memory)
    return Groups("none", base, base, base)


def _positive(environment: Mapping[str, str], name: str) -> float | None:
    """A limit that JupyterHub tells a server."""
    try:
        value = float(environment.get(name, ""))
    except ValueError:
        return None
    return value if value > 0 else None


def _text(path: str) -> str:
    # Not open(): what is read here is read often, and a fifth of the time matters.
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(file, 16384).decode("ascii", "replace")
    except OSError:
        return ""
    finally:
        os.close(file)


def _number(path: str) -> float | None:
    """None also for "max", which is no limit."""
    text = _text(path).strip()
    return float(text) if text.lstrip("-").isdecimal() else None


def _field(path: str, name: str) -> int | None:
    """The number behind a name at the beginning of a line."""
    text = f"\n{_text(path)}"
    _, found, rest = text.partition(f"\n{name} ")
    words = rest.split(None, 1) if found else []
    return int(words[0]) if words and words[0].isdecimal() else None
