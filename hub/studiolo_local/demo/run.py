"""The demo from its start to Ctrl-C. I/O: processes, files, the terminal.

Guarantees: SIGINT, SIGTERM and SIGHUP stop everything in order; a second one, at once. When `run`
has returned no process is left; what people made stays in the folder.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp

from studiolo_local.demo.folder import DemoFolder, FolderInUseError, FolderLock
from studiolo_local.demo.hub_settings import Addresses
from studiolo_local.demo.parts import NotSetUpError, parts, tool
from studiolo_local.demo.words import progress, summary
from studiolo_local.gpu.build import build
from studiolo_local.ports import first_free, remembered
from studiolo_local.signin.users import LocalUser, UsersError, parse_users
from studiolo_local.supervisor import PartFailedError, Supervisor

Say = Callable[[str], None]

#: What can keep a demo from starting; each error's text says what to do.
EXPECTED = (NotSetUpError, PartFailedError, UsersError, OSError)


def main(port: int, root: Path, *, neighbours: bool = False) -> int:
    """Run the demo in the foreground; gives the exit status."""
    if not sys.platform.startswith("linux"):
        print_line(
            "The demo needs Linux: its cluster uses Linux's processes and loopback addresses."
        )
        return 1
    folder = DemoFolder(root.absolute(), neighbours=neighbours)
    return asyncio.run(run(port, folder, print_line, here=Path.cwd()))


def print_line(text: str) -> None:
    """Show a line at once, also when the output is a pipe."""
    print(text, flush=True)


async def run(port: int, folder: DemoFolder, say: Say, *, here: Path) -> int:
    """Run the demo in its folder, until a signal; gives the exit status."""
    began = time.monotonic()

    def step(text: str) -> None:
        say(progress(time.monotonic() - began, text))

    try:
        lock = folder.lock()
    except (FolderInUseError, OSError) as error:
        say(str(error))
        return 1
    supervisor = Supervisor(folder.root, say=step)
    asked_to_stop = _on_signals(supervisor)
    starting = asyncio.create_task(_start(port, folder, lock, supervisor, step))
    waiting = asyncio.create_task(asked_to_stop.wait())
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            say(summary(*starting.result(), kubectl=tool("kubectl"), here=here))
            await waiting
    except EXPECTED as error:
        say(f"\n{error}\n")
        return 1
    else:
        return 0
    finally:
        for task in (starting, waiting):
            task.cancel()
        await asyncio.gather(starting, waiting, return_exceptions=True)
        step("Stopping everything, workspaces too (Ctrl-C once more: at once)")
        await supervisor.stop()
        lock.release()
        step(f"Stopped. Files are kept in {folder.root}")


async def _start(
    port: int, folder: DemoFolder, lock: FolderLock, supervisor: Supervisor, step: Say
) -> tuple[str, DemoFolder, tuple[LocalUser, ...]]:
    """Bring everything up; gives the address, and what there is to say about it."""
    folder.make()
    users = parse_users(folder.users.read_text(encoding="utf-8"), source=str(folder.users))
    if left := await asyncio.to_thread(supervisor.end_leftovers):
        step(f"Ended {left} processes that an earlier demo had left")
    at = _addresses(port, folder)
    if at.public_port != port:
        step(f"Port {port} is taken: using {at.public_port}")
    lock.describe(at.public)
    gpu = await asyncio.to_thread(build, folder.root / "gpu")
    if gpu.library is None:
        step(gpu.reason)
    async with aiohttp.ClientSession() as session:
        for stage in parts(folder, at, session, gpu.library):
            step(f"Starting {', '.join(f'the {part.name}' for part in stage)}")
            await supervisor.start(stage)
    return at.public, folder, users


def _addresses(port: int, folder: DemoFolder) -> Addresses:
    public = first_free(port)
    names = ("hub", "proxy_api", "signin", "registry")
    ports = remembered(folder.ports, names, taken={public})
    return Addresses(public_port=public, **{f"{name}_port": ports[name] for name in names})


def _on_signals(supervisor: Supervisor) -> asyncio.Event:
    """Give an event that the first signal sets; the second one hurries the supervisor."""
    asked = asyncio.Event()

    def on_signal() -> None:
        if asked.is_set():
            supervisor.hurry()
        asked.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, on_signal)
    return asked
