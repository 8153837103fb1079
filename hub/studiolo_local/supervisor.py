"""Keeps the parts of the demo running, as a cluster's Deployments would. I/O: processes.

Guarantees: parts start in the given stages, each once those before it answer; a part that ends by
itself is started again, with growing pauses; when ``stop`` has returned no process of any part is
left; when the supervisor itself is killed, even with SIGKILL, every part and all below it end
within seconds. What a part prints goes to a rotated log.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from studiolo_local.kubelet.leftovers import end_marked
from studiolo_local.kubelet.process import ContainerProcess, Exit, Order, StartFailure

DEMO_MARK = "STUDIOLO_DEMO_DATA"
POLL_SECONDS = 0.1
LAST_LINES = 15

Ready = Callable[[], Awaitable[bool]]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """One process of the demo: what to run and how to tell that it answers."""

    name: str
    command: Sequence[str]
    ready: Ready
    environment: Mapping[str, str] = field(default_factory=dict)
    before_stop: Callable[[], Awaitable[None]] | None = None
    """What is to be done while it still answers; it counts towards `stop_seconds`."""
    start_seconds: float = 60.0
    stop_seconds: float = 10.0


@dataclass(frozen=True)
class Pauses:
    """How long to wait before a part is started again: doubled each time, from `first` to `most`.

    After `steady` seconds of running the next pause is the first one again.
    """

    first: float = 0.5
    most: float = 30.0
    steady: float = 60.0

    def after(self, pause: float | None, ran: float) -> float:
        """Give the next pause, from the last one and the seconds that the part ran."""
        if pause is None or ran >= self.steady:
            return self.first
        return min(pause * 2, self.most)


class PartFailedError(Exception):
    """A part did not come up; the text says which, why and where its log is."""


class Supervisor:
    """Runs parts and keeps them running until it is stopped."""

    def __init__(self, data: Path, *, say: Say, pauses: Pauses | None = None) -> None:
        self._logs = data / "logs"
        self._marks = {DEMO_MARK: str(data)}
        self._say = say
        self._pauses = pauses or Pauses()
        self._running: dict[str, tuple[Part, ContainerProcess]] = {}
        self._stages: list[list[str]] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._in_a_hurry = asyncio.Event()

    def end_leftovers(self) -> int:
        """End what a run that was itself killed may have left; gives how many processes."""
        return end_marked(self._marks)

    def log_of(self, part: Part) -> Path:
        """Tell where a part's output goes."""
        return self._logs / f"{part.name}.log"

    def pid_of(self, name: str) -> int | None:
        """Tell the process id of a part while it runs."""
        running = self._running.get(name)
        return running[1].pid if running else None

    async def start(self, stage: Sequence[Part]) -> None:
        """Start parts that need not wait for each other; raises PartFailedError for the first."""
        self._stages.append([part.name for part in stage])
        await _all_or_first_failure([self._bring_up(part) for part in stage])
        for part in stage:
            self._keepers.append(asyncio.create_task(self._keep(part), name=f"keep {part.name}"))

    def hurry(self) -> None:
        """Stop waiting for parts to end in order: from now on they are killed."""
        self._in_a_hurry.set()

    async def stop(self) -> None:
        """Stop every part, the last started stage first; returns when no process is left."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for names in reversed(self._stages):
            await asyncio.gather(*(self._end(name) for name in names))
        await asyncio.to_thread(end_marked, self._marks)

    async def _bring_up(self, part: Part) -> None:
        """Start a part and wait until it answers."""
        try:
            process = await ContainerProcess.start(self._order(part))
        except StartFailure as error:
            raise PartFailedError(f"{part.name}: {part.command[0]}: {error}") from error
        self._running[part.name] = part, process
        ended = asyncio.create_task(process.wait())
        answers = asyncio.create_task(_until(part.ready))
        try:
            await asyncio.wait(
                {ended, answers},
                timeout=part.start_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if ended.done():
                raise PartFailedError(
                    self._failure(part, f"ended at once ({_words(ended.result())})")
                )
            if not answers.done():
                raise PartFailedError(
                    self._failure(part, f"did not answer within {part.start_seconds:.0f} s")
                )
            answers.result()
            self._say(f"The {part.name} answers")
        finally:
            ended.cancel()
            answers.cancel()
            await asyncio.gather(ended, answers, return_exceptions=True)

    async def _keep(self, part: Part) -> None:
        """Start a part again whenever it ends by itself."""
        pause: float | None = None
        while True:
            began = time.monotonic()
            end = await self._running[part.name][1].wait()
            pause = self._pauses.after(pause, time.monotonic() - began)
            self._say(f"The {part.name} ended ({_words(end)}); starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            try:
                await self._bring_up(part)
            except PartFailedError as error:
                self._say(str(error))
                await self._end(part.name)

    async def _end(self, name: str) -> None:
        running = self._running.get(name)
        if running is None:
            return
        part, process = running
        hurry = asyncio.create_task(self._in_a_hurry.wait())
        stopping = asyncio.create_task(self._stop_gently(part, process))
        await asyncio.wait({stopping, hurry}, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if not stopping.done():
            stopping.cancel()
            await process.stop(0)
        await asyncio.gather(stopping, return_exceptions=True)

    async def _stop_gently(self, part: Part, process: ContainerProcess) -> None:
        if part.before_stop is not None:
            try:
                async with asyncio.timeout(part.stop_seconds):
                    await part.before_stop()
            except Exception as error:  # noqa: BLE001  # whatever it was, the part must still end
                self._say(
                    f"The {part.name} is stopped all the same: {error or type(error).__name__}"
                )
        await process.stop(part.stop_seconds)

    def _order(self, part: Part) -> Order:
        program = shutil.which(part.command[0]) or part.command[0]
        return Order(
            container_id=part.name,
            program=Path(program),
            arguments=list(part.command),
            environment=part.environment,
            directory=self._logs.parent,
            log=self.log_of(part),
            marks=self._marks,
        )

    def _failure(self, part: Part, what: str) -> str:
        log = self.log_of(part)
        lines = [f"The {part.name} {what}. The end of its log ({log}):"]
        with suppress(OSError):
            text = log.read_text(encoding="utf-8", errors="replace").splitlines()
            # Each line begins with time, stream and tag, which only the file's reader needs
            lines += [f"    {line.split(' ', 3)[-1]}" for line in text[-LAST_LINES:]]
        return "\n".join(lines)


async def _all_or_first_failure(works: Sequence[Coroutine[None, None, None]]) -> None:
    """Do all at once; the first failure calls the others off and is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until(ready: Ready) -> None:
    # Nobody tells when another process begins to answer: it has to be asked.
    while True:
        if await ready():
            return
        await asyncio.sleep(POLL_SECONDS)


def _words(end: Exit) -> str:
    return f"killed by signal {end.signal}" if end.signal else f"exit status {end.code}"
