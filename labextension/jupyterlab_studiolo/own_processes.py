"""Which processes are this workspace's own, and what they are. I/O: reads /proc.

A process is our own when it is in our control group or one below it, and either this PID namespace
is a container's, or the process descends from the Jupyter server. So neighbours stay unseen with
`hostPID`, with `shareProcessNamespace`, and on a plain machine.

A number that a GPU driver gives may be a thread's, or of another PID namespace (NVIDIA's drivers
give the host's numbers up to 5xx, and the caller's later on). /proc answers for threads; a number
that means nothing here is nobody's; and `uses_nvidia` tells a process of ours from a stranger whose
number on the host happens to be ours here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

INITIAL_PID_NAMESPACE: Final = 4026531836
"""The host's: PROC_PID_INIT_INO in the kernel's include/linux/proc_ns.h."""
CUDA_DEVICE: Final = "/dev/nvidia-uvm"
"""What a program with CUDA holds open, and one that only looks at the driver does not."""
_DEVICES: Final = "/dev/nvidia"
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_KEPT: Final = 4096


class Stat(NamedTuple):
    """What changes of a process; `cpu_seconds` since its start, `started` in clock ticks."""

    command: str
    parent: int
    cpu_seconds: float
    started: int


class OwnProcess(NamedTuple):
    """A process of this workspace. `name` is for people; `ancestors` begins with its parent."""

    pid: int
    name: str
    ancestors: tuple[int, ...]
    cpu_percent: float | None = None


class OwnProcesses:
    """Knows what it has looked at once, as long as the process lives.

    `contained`: whether this PID namespace is a container's; found out when it is not said.
    """

    def __init__(
        self,
        *,
        server: int | None = None,
        contained: bool | None = None,
        proc: Path = Path("/proc"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server or os.getpid()
        self._proc = proc
        self._clock = clock
        self._group = self._text("self/cgroup")
        self._contained = self._in_container() if contained is None else contained
        self._known: dict[tuple[int, int], OwnProcess | None] = {}
        self._cpu: dict[int, tuple[float, float]] = {}

    def find(self, number: int) -> OwnProcess | None:
        """The process that has this number or a thread of this number; None if it is not ours."""
        found = self.stat(number) if number > 0 else None
        if found is None:
            return None
        key = (number, found.started)
        if key not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = self._look_at(number, found.command)
        known = self._known[key]
        if known is None:
            return None
        stat = found if known.pid == number else self.stat(known.pid)
        return known._replace(cpu_percent=self._cpu_percent(known.pid, stat))

    def _look_at(self, number: int, command: str) -> OwnProcess | None:
        """What stays as it is. Also the ancestors: who was started by a notebook belongs to it."""
        leader = self._leader(number)
        ancestors = tuple(self.ancestors(leader))
        if not self._is_own(leader, ancestors):
            return None
        return OwnProcess(leader, self._name(leader, command), ancestors)

    def stat(self, pid: int) -> Stat | None:
        """None once it has ended. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""
        text = self._text(f"{pid}/stat")
        begin, end = text.find("("), text.rfind(")")
        fields = text[end + 2 :].split()
        if begin < 0 or len(fields) < 20:
            return None
        cpu = (int(fields[11]) + int(fields[12])) / _TICKS
        return Stat(text[begin + 1 : end], int(fields[1]), cpu, int(fields[19]))

    def ancestors(self, pid: int) -> Iterator[int]:
        """Its parent, that one's parent, and so on, as far as they can be seen."""
        for _ in range(64):
            found = self.stat(pid)
            if found is None or found.parent <= 0:
                return
            pid = found.parent
            yield pid

    def all(self) -> Iterator[int]:
        """Every process of our own."""
        for entry in os.listdir(self._proc):  # noqa: PTH208 - as below
            if entry.isdecimal() and self.find(int(entry)) is not None:
                yield int(entry)

    def uses_nvidia(self, pid: int, device: str = _DEVICES) -> bool | None:
        """Whether it holds a file open whose name begins so; None where that cannot be seen."""
        folder = self._proc / str(pid) / "fd"
        try:
            for entry in os.listdir(folder):  # noqa: PTH208 - as below
                try:
                    if os.readlink(folder / entry).startswith(device):  # noqa: PTH115
                        return True
                except FileNotFoundError:  # closed meanwhile
                    continue
        except OSError:
            return None
        return False

    def cuda_users(self) -> list[OwnProcess]:
        """Our own processes that have CUDA open, for drivers that do not tell."""
        found = (self.find(pid) for pid in self.all() if self.uses_nvidia(pid, CUDA_DEVICE))
        return [process for process in found if process is not None]

    def _is_own(self, pid: int, ancestors: tuple[int, ...]) -> bool:
        groups = self._text(f"{pid}/cgroup")
        if not groups or not _within(groups, self._group):
            return False
        return self._contained or self._server in (pid, *ancestors)

    def _in_container(self) -> bool:
        try:
            namespace = os.readlink(self._proc / "self/ns/pid")  # noqa: PTH115
        except OSError:
            return False
        return namespace != f"pid:[{INITIAL_PID_NAMESPACE}]"

    def _leader(self, number: int) -> int:
        for line in self._text(f"{number}/status").splitlines():
            if line.startswith("Tgid:"):
                return int(line.split()[1])
        return number

    def _name(self, pid: int, command: str) -> str:
        return program_name(self._text(f"{pid}/cmdline").split("\0"), command)

    def _cpu_percent(self, pid: int, found: Stat | None) -> float | None:
        """Of one core, since it was last asked; None the first time."""
        if found is None:
            return None
        now = self._clock()
        before = self._cpu.get(pid)
        if len(self._cpu) >= _KEPT:
            self._cpu.clear()
        if before is None or now - before[0] >= 1 or found.cpu_seconds < before[1]:
            self._cpu[pid] = (now, found.cpu_seconds)
        if before is None or now <= before[0]:
            return None
        return max(0.0, 100 * (found.cpu_seconds - before[1]) / (now - before[0]))

    def _text(self, path: str) -> str:
        try:
            with open(self._proc / path, "rb") as file:  # noqa: PTH123 - the quick way, used often
                return file.read(65536).decode("utf-8", "replace")
        except OSError:  # it has ended, or is not ours to see
            return ""


def program_name(arguments: list[str], command: str) -> str:
    """A short name for people: of a script rather than of its interpreter."""
    words = [word for word in arguments if word]
    name = os.path.basename(words[0]) if words else command  # noqa: PTH119 - no path of ours
    if name.startswith("python"):
        name = _script(words[1:]) or name
    return "".join(char for char in name if char.isprintable())[:64] or "?"


def _script(words: list[str]) -> str:
    """What a Python interpreter with these arguments runs, if it is a module or a file."""
    for word, following in zip(words, [*words, ""][1:], strict=True):
        if word == "-c":
            return ""
        if word == "-m":
            return following
        if word.endswith(".py"):
            return os.path.basename(word)  # noqa: PTH119 - as above
    return ""


def _within(groups: str, own: str) -> bool:
    """Whether each control group in `groups` is the one in `own`, or below it.

    Lines of `/proc/PID/cgroup`: hierarchy, controllers, path. With a namespace of control groups a
    neighbour's path begins with `/../`.
    """
    ours = {line.rsplit(":", 1)[0]: line.rsplit(":", 1)[-1] for line in own.splitlines()}
    for line in groups.splitlines():
        hierarchy, _, path = line.rpartition(":")
        mine = ours.get(hierarchy)
        if mine is None or "/../" in f"{path}/":
            return False
        if path != mine and not path.startswith(mine.rstrip("/") + "/"):
            return False
    return True
