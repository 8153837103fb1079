"""Stands between the kubelet and one container's processes. A script of the standard library alone.

I/O only: processes, pipes and one log file. Guarantees, as long as it lives, that no descendant of
the container outlives the container's first process or the kubelet, not even one that left its
session with setsid or ignores SIGHUP: the shim adopts orphans (child subreaper), finds descendants
by their parents in /proc, and ends itself only when there is none left. If it is killed itself, its
first process dies with it, and the kubelet finds the others by a mark in their environment.

Protocol: one line of JSON on standard input says what to run (program, arguments, environment,
directory, log, log_bytes, log_files); afterwards a line ``stop SECONDS`` asks for the end, and
end-of-file means that the kubelet is gone. Reports go to standard output, one JSON object per line:
started, exec_failed, exited. Nothing secret stands in the shim's own arguments or environment. The
container's output goes to a log file in the format of the container runtime interface, rotated.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_ORPHAN_GRACE = 5.0
_KILL_AGAIN = 0.05
_LINE_LIMIT = 16 * 1024


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def descendants(root: int) -> list[int]:
    """Every process below `root`, by the parents that /proc gives."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib is not imported, for a fast start
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                stat = file.read()
        except OSError:
            continue
        # The second field is the program's name in brackets and may hold spaces and brackets
        parent = int(stat[stat.rindex(b")") + 2 :].split()[1])
        children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


class RotatingLog:
    """The container's output, each line with time and stream; at most `files` of `size` bytes."""

    def __init__(self, path: str, size: int, files: int) -> None:
        self._path, self._size, self._files = path, size, files
        self._file = open(path, "ab", buffering=0)  # noqa: PTH123, SIM115 - open for the process's life
        self._written = self._file.tell()

    def write(self, stream: str, tag: str, line: bytes) -> None:
        """Add one line; `tag` is F for a full line and P for a part of one."""
        now = time.time_ns()
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 1_000_000_000))
        record = f"{seconds}.{now % 1_000_000_000:09d}Z {stream} {tag} ".encode() + line + b"\n"
        try:
            if self._written + len(record) > self._size and self._written:
                self._rotate()
            self._file.write(record)
            self._written += len(record)
        except OSError:
            # A full disk must not stop the container: its output is lost, its work is not
            return

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._files - 1, 0, -1):
            older = self._path if number == 1 else f"{self._path}.{number - 1}"
            if os.path.exists(older):  # noqa: PTH110
                os.replace(older, f"{self._path}.{number}")  # noqa: PTH105
        self._file = open(self._path, "wb", buffering=0)  # noqa: PTH123, SIM115
        self._written = 0


class Stream:
    """One output pipe of the container, cut into lines."""

    def __init__(self, descriptor: int, name: str, log: RotatingLog) -> None:
        self.descriptor, self._name, self._log = descriptor, name, log
        self._rest = b""

    def read(self) -> bool:
        """Take what is there; False at the end."""
        try:
            data = os.read(self.descriptor, 65536)
        except BlockingIOError:
            return True
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._write(line, "F")
        if len(self._rest) > _LINE_LIMIT or (not data and self._rest):
            self._write(self._rest, "P" if data else "F")
            self._rest = b""
        return bool(data)

    def _write(self, line: bytes, last: str) -> None:
        while len(line) > _LINE_LIMIT:
            self._log.write(self._name, "P", line[:_LINE_LIMIT])
            line = line[_LINE_LIMIT:]
        self._log.write(self._name, last, line)


class Shim:
    """One container: starts it, passes on the order to stop, and ends with the last descendant."""

    def __init__(self, order: dict[str, object], commands: bytes = b"") -> None:
        self._order = order
        self._poll = select.poll()
        self._main = 0
        self._status: int | None = None
        self._kill_at: float | None = None
        self._commands = commands
        self._streams: dict[int, Stream] = {}

    def run(self) -> int:
        """Run the container to its end and give the status to leave with."""
        wake, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, self._on_signal)
        if not self._start():
            return 125
        self._poll.register(wake, select.POLLIN)
        self._poll.register(0, select.POLLIN)
        self._obey(b"")
        while True:
            for descriptor, _ in self._poll.poll(self._patience()):
                if descriptor == wake:
                    os.read(wake, 4096)
                elif descriptor == 0:
                    self._read_command()
                elif not self._streams[descriptor].read():
                    self._poll.unregister(descriptor)
                    del self._streams[descriptor]
            if not self._reap():
                break
            if self._kill_at is not None and time.monotonic() >= self._kill_at:
                self._kill_all()
        return self._finish()

    def _on_signal(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD:
            # From the kernel when the kubelet died, or from a person
            self._stop(_ORPHAN_GRACE)

    def _start(self) -> bool:
        """Fork and exec the container's first process. False when exec failed."""
        order = self._order
        log = RotatingLog(
            str(order["log"]), int(str(order["log_bytes"])), int(str(order["log_files"]))
        )
        problem, problem_write = os.pipe2(os.O_CLOEXEC)
        pipes = [os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)]
        self._main = os.fork()
        if self._main == 0:
            self._become_container(problem_write, [write for _, write in pipes])
        os.close(problem_write)
        for (read, write), name in zip(pipes, ("stdout", "stderr"), strict=True):
            os.close(write)
            fcntl.fcntl(read, fcntl.F_SETFL, os.O_NONBLOCK)
            self._streams[read] = Stream(read, name, log)
            self._poll.register(read, select.POLLIN)
        # End-of-file once exec has closed the child's end: the container runs
        words = b"".join(iter(lambda: os.read(problem, 4096), b""))
        os.close(problem)
        if words:
            os.waitpid(self._main, 0)
            _report(event="exec_failed", errno=int(words))
            return False
        _report(event="started", pid=self._main)
        return True

    def _become_container(self, problem: int, outputs: list[int]) -> None:
        """In the child: never returns."""
        try:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            signal.set_wakeup_fd(-1)
            for number in (
                signal.SIGPIPE,
                signal.SIGXFSZ,
                signal.SIGCHLD,
                signal.SIGTERM,
                signal.SIGINT,
                signal.SIGHUP,
            ):
                signal.signal(number, signal.SIG_DFL)
            # A session of its own: job control and terminals inside must not reach the shim
            os.setsid()
            nothing = os.open("/dev/null", os.O_RDONLY)
            os.dup2(nothing, 0)
            os.dup2(outputs[0], 1)
            os.dup2(outputs[1], 2)
            os.chdir(str(self._order["directory"]))
            arguments = self._order["arguments"]
            environment = self._order["environment"]
            if not isinstance(arguments, list) or not isinstance(environment, dict):
                os._exit(125)
            os.execve(str(self._order["program"]), arguments, environment)  # noqa: S606 - the shim's purpose
        except OSError as error:
            os.write(problem, str(error.errno or errno.EIO).encode())
        finally:
            os._exit(125)

    def _patience(self) -> int | None:
        """Milliseconds until there is something to do by the clock."""
        if self._kill_at is None:
            return None
        return max(10, int((self._kill_at - time.monotonic()) * 1000) + 1)

    def _read_command(self) -> None:
        data = os.read(0, 4096)
        if not data:
            self._poll.unregister(0)
            self._stop(_ORPHAN_GRACE)
            return
        self._obey(data)

    def _obey(self, data: bytes) -> None:
        *lines, self._commands = (self._commands + data).split(b"\n")
        for line in lines:
            word, _, seconds = line.partition(b" ")
            if word == b"stop":
                self._stop(float(seconds))

    def _stop(self, grace: float) -> None:
        """Ask the first process to end; after `grace` seconds nothing is asked any more."""
        deadline = time.monotonic() + grace
        first = self._kill_at is None
        self._kill_at = deadline if self._kill_at is None else min(deadline, self._kill_at)
        if first and self._status is None and grace > 0 and self._main:
            try:
                os.kill(self._main, signal.SIGTERM)
            except ProcessLookupError:
                return

    def _reap(self) -> bool:
        """Bury the dead; with the first process all must go. False when no child is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._main:
                self._status = status
                self._kill_at = time.monotonic()

    def _kill_all(self) -> None:
        for pid in descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        # Orphans become our children one by one and may have forked meanwhile
        self._kill_at = time.monotonic() + _KILL_AGAIN

    def _finish(self) -> int:
        for stream in self._streams.values():
            while stream.read() and self._has_more(stream.descriptor):
                pass
        status = self._status if self._status is not None else 0
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        code = 128 + killed if killed else os.WEXITSTATUS(status)
        _report(event="exited", code=code, signal=killed)
        return code

    @staticmethod
    def _has_more(descriptor: int) -> bool:
        return bool(select.select([descriptor], [], [], 0)[0])


def _report(**words: object) -> None:
    try:
        os.write(1, json.dumps(words).encode() + b"\n")
    except OSError:
        # The kubelet is gone; the order of the day is to end, which needs no listener
        return


def _read_order() -> tuple[dict[str, object], bytes]:
    """The first line of standard input, and what came behind it."""
    data = bytearray()
    while b"\n" not in data:
        more = os.read(0, 65536)
        if not more:
            raise SystemExit(125)
        data += more
    line, _, rest = bytes(data).partition(b"\n")
    order = json.loads(line)
    if not isinstance(order, dict):
        raise SystemExit(125)
    return order, rest


def main() -> int:
    """Run one container. The only argument is the kubelet's process id."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):
        return 125  # the kubelet died before its death could have been heard
    return Shim(*_read_order()).run()


if __name__ == "__main__":
    sys.exit(main())
