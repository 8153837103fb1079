"""The processes of a cluster: each with its log, ended by its own id, and none outlives the run."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
STOP_SECONDS = 20
_libc = ctypes.CDLL(None, use_errno=True)


class DidNotStart(Exception):  # noqa: N818 - what happened
    """A process ended, or did not come to answer; the message holds the end of its log."""


class Processes:
    """What was started, in order; stopped the other way round."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        logs.mkdir(parents=True, exist_ok=True)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self, name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a process; what it says goes to its log."""
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=_die_with_the_parent,
            )

    def until(self, name: str, answers: Callable[[], bool], *, seconds: float = 90) -> None:
        """Wait until a process answers; raises DidNotStart."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._running[name].poll() is not None:
                raise DidNotStart(
                    f"{name} ended with {self._running[name].returncode}:\n{self.end_of_log(name)}"
                )
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                if answers():
                    return
            time.sleep(0.2)
        raise DidNotStart(f"{name} does not answer after {seconds} s:\n{self.end_of_log(name)}")

    def end_of_log(self, name: str, *, lines: int = 30) -> str:
        """What a process said last."""
        text = (self._logs / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def __contains__(self, name: str) -> bool:
        return name in self._running

    def pid(self, name: str) -> int:
        """The process's id."""
        return self._running[name].pid

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """End one process and wait for it."""
        process = self._running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)

    def stop_all(self) -> None:
        """End all, the last one first."""
        for name in reversed(list(self._running)):
            self.stop(name)


def _die_with_the_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
