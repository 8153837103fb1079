"""Whether the workspace is at work, told to Jupyter's own mechanism. Mostly pure; reads /proc.

Jupyter counts a kernel's and a terminal's output as activity, and nothing else: a cell that trains
for hours without a word looks idle. What counts here as well: a kernel that is busy, a terminal
with a program running in it, a GPU that computes. Each is written as a time of its own to the
server's `last_activity_times`, so that whatever culls this server (JupyterHub's report of activity
and jupyter_server's own shutdown) sees it.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from jupyterlab_studiolo.devices import Reading

CHECK_SECONDS: Final = 30.0
GPU: Final = "studiolo_gpu"
KERNELS: Final = "studiolo_kernels"
TERMINALS: Final = "studiolo_terminals"

log = logging.getLogger("jupyterlab_studiolo")


def gpu_is_busy(reading: Reading, threshold_percent: float) -> bool:
    """Whether any GPU computes at or above the threshold.

    A device without the figure (a MIG slice) does not count: its kernel or terminal does.
    """
    return any(
        sample.figures.utilisation_percent is not None
        and sample.figures.utilisation_percent >= threshold_percent
        for sample in reading.samples
    )


def kernel_is_busy(kernels: Iterable[Mapping[str, Any]]) -> bool:
    """Whether any kernel executes; `kernels` as `MappingKernelManager.list_kernels` gives them."""
    return any(kernel.get("execution_state") == "busy" for kernel in kernels)


def has_children(pid: int, *, proc: Path = Path("/proc")) -> bool:
    """Whether a process has a child, which is what a shell has while a program runs in it.

    https://www.kernel.org/doc/html/latest/filesystems/proc.html#proc-pid-task-tid-children
    """
    try:
        lists = [path.read_text("ascii") for path in (proc / str(pid) / "task").glob("*/children")]
    except OSError:  # it has ended meanwhile
        return False
    return any(text.strip() for text in lists)


def terminal_pids(terminal_manager: Any) -> list[int]:
    """The process of each open terminal; none where terminals are switched off."""
    terminals = getattr(terminal_manager, "terminals", None) or {}
    return [terminal.ptyproc.pid for terminal in list(terminals.values())]


class ActivityReporter:
    """Writes to a server's `last_activity_times`, on its event loop only."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        threshold_percent: float,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self._settings = settings
        self._threshold = threshold_percent
        self._now = now

    def on_reading(self, loop: asyncio.AbstractEventLoop, reading: Reading) -> None:
        """For the sampler's thread: hands a busy GPU over to the event loop."""
        if gpu_is_busy(reading, self._threshold):
            try:
                loop.call_soon_threadsafe(self._mark, GPU)
            except RuntimeError:  # the server has ended
                log.debug("GPU activity came after the server's end.")

    def check(self) -> None:
        """Looks at kernels and terminals once. Takes microseconds."""
        if kernel_is_busy(self._settings["kernel_manager"].list_kernels()):
            self._mark(KERNELS)
        pids = terminal_pids(self._settings.get("terminal_manager"))
        if any(has_children(pid) for pid in pids):
            self._mark(TERMINALS)

    def _mark(self, source: str) -> None:
        self._settings["last_activity_times"][source] = self._now()
