"""What the panel's server side costs, beside its peers on the same server with the same driver.

Each extension runs alone in a Jupyter server of its own; what the same server takes without any is
taken off. The driver is the stand-in, which counts its calls and can be made slow.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from studiolo_local.gpu import build

from tests.bench.measures import Figures, Goal, measure
from tests.browser.running_lab import PEERS, ROOT

GPUS = 8
CLIENTS = 10
OURS = "jupyterlab_studiolo"
NVDASHBOARD = "jupyterlab_nvdashboard"
RESOURCE_USAGE = "jupyter_resource_usage"
NOTHING = ""
SITE = PEERS / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
CHARTS = ("gpu_utilization", "gpu_usage", "gpu_resource")
TURNS = 3


@dataclass
class Server:
    """A Jupyter server with one extension, and what it has used."""

    url: str
    pid: int
    counter: Path

    @property
    def cpu(self) -> float:
        """Seconds of CPU, of all its threads, also those that have ended.

        The kernel's clock of a process, MAKE_PROCESS_CPUCLOCK in include/linux/posix-timers.h.
        """
        return time.clock_gettime((~self.pid << 3) | 2)

    @property
    def calls(self) -> int:
        """Calls of the driver so far."""
        return int.from_bytes(self.counter.read_bytes()[:8].ljust(8, b"\0"), sys.byteorder)


def _environment(folder: Path, fault: str) -> dict[str, str]:
    made = build(ROOT / "build" / "bench-nvml")
    if made.library is None:
        raise RuntimeError(made.reason)
    if not (SITE / NVDASHBOARD).is_dir():
        raise RuntimeError("the peers are not installed; run `make bench`, which installs them")
    workspace = json.loads((ROOT / "tests" / "contract" / "workspace.json").read_text("utf-8"))
    gpus = [
        {"uuid": f"GPU-{n}", "name": "NVIDIA A100 80GB (simulated)", "memory_mib": 81920}
        for n in range(GPUS)
    ]
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("JUPYTER", "STUDIOLO", "NVIDIA"))
    }
    return inherited | {
        "HOME": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder),
        "JUPYTER_NO_CONFIG": "1",
        "PYTHONPATH": str(SITE),
        "LD_LIBRARY_PATH": str(made.library.parent),
        "STUDIOLO_WORKSPACE": json.dumps(workspace["whole GPU"]),
        "STUDIOLO_SIMULATED_GPUS": json.dumps(gpus),
        "STUDIOLO_SIMULATED_FAULT": fault,
        "STUDIOLO_SIMULATED_COUNTER": str(folder / "calls"),
    }


@asynccontextmanager
async def serving(folder: Path, extension: str, *, fault: str = "") -> AsyncIterator[Server]:
    """A server with this extension alone."""
    home = folder / f"{extension or 'nothing'}-{time.monotonic_ns()}"
    home.mkdir(parents=True)
    environment = _environment(home, fault)
    (home / "calls").write_bytes(bytes(8))
    (home / "jupyter_server_config.py").write_text(
        "c.IdentityProvider.token = ''\nc.ServerApp.disable_check_xsrf = True\n"
        f"c.ServerApp.jpserver_extensions = {{{extension!r}: True}} if {extension!r} else {{}}\n"
        "c.ServerApp.open_browser = False\nc.ServerApp.allow_root = True\n"
        "c.ServerApp.ip = '127.0.0.1'\nc.ServerApp.port = 0\n"
    )
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server"),
                f"--config={home / 'jupyter_server_config.py'}",
                f"--ServerApp.root_dir={home}",
            ],
            env=environment,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        url = await _address(process, home)
        yield Server(url, process.pid, home / "calls")
    finally:
        process.terminate()
        process.wait(20)


async def _address(process: subprocess.Popen[bytes], home: Path) -> str:
    async with asyncio.timeout(60):
        while True:
            if process.poll() is not None:
                raise RuntimeError((home / "log").read_text("utf-8", "replace"))
            for path in home.glob("jpserver-*.json"):
                text = path.read_text("utf-8")
                if text:
                    url: str = json.loads(text)["url"]
                    try:
                        async with aiohttp.ClientSession() as session, session.get(url + "api"):
                            return url
                    except aiohttp.ClientError:
                        pass
            await asyncio.sleep(0.05)


# ---- clients --------------------------------------------------------------------------------


async def _ours(session: aiohttp.ClientSession, server: Server) -> None:
    """A panel: everything, each second."""
    url = server.url + "jupyterlab_studiolo/api/v1/stream?interval=1"
    async with session.get(url) as response:
        response.raise_for_status()
        async for _ in response.content.iter_any():
            pass


async def _nvdashboard(session: aiohttp.ClientSession, server: Server) -> None:
    """Three charts; its server sends to each of them each second."""

    async def chart(name: str) -> None:
        url = f"{server.url}nvdashboard/{name}".replace("http:", "ws:")
        async with session.ws_connect(url) as socket:
            async for _ in socket:
                pass

    await asyncio.gather(*(chart(name) for name in CHARTS))


async def _resource_usage(session: aiohttp.ClientSession, server: Server) -> None:
    """The status bar's figures, each second."""
    while True:
        began = time.monotonic()
        async with session.get(server.url + "api/metrics/v1") as response:
            response.raise_for_status()
            await response.read()
        await asyncio.sleep(max(0.0, 1 - (time.monotonic() - began)))


LOOKS: dict[str, Callable[[aiohttp.ClientSession, Server], Awaitable[None]]] = {
    OURS: _ours,
    NVDASHBOARD: _nvdashboard,
    RESOURCE_USAGE: _resource_usage,
}


@asynccontextmanager
async def looking(server: Server, extension: str, clients: int) -> AsyncIterator[None]:
    """So many people with the panel open."""
    timeout = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        tasks = [asyncio.ensure_future(LOOKS[extension](session, server)) for _ in range(clients)]
        await asyncio.sleep(3)
        early = [task for task in tasks if task.done()]
        if early:
            early[0].result()
            raise RuntimeError(f"{extension} ended a client's connection")
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _cpu_of(servers: list[Server], seconds: float) -> list[float]:
    """Milliseconds of CPU in each second, of servers side by side."""
    before, began = [server.cpu for server in servers], time.monotonic()
    await asyncio.sleep(seconds)
    passed = time.monotonic() - began
    return [1000 * (server.cpu - cpu) / passed for server, cpu in zip(servers, before, strict=True)]


# ---- benches --------------------------------------------------------------------------------


async def _cpu_with_clients(folder: Path, *extensions: str) -> list[float]:
    """What each extension takes for all its clients, without what the bare server takes.

    All in the same moments: what the machine does besides weighs on each alike.
    """
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving(folder, NOTHING))]
        for extension in extensions:
            server = await stack.enter_async_context(serving(folder, extension))
            await stack.enter_async_context(looking(server, extension, CLIENTS))
            servers.append(server)
        turns = [await _cpu_of(servers, 8) for _ in range(TURNS + 2)]
    return [
        statistics.median(turn[place] - turn[0] for turn in turns)
        for place in range(1, len(servers))
    ]


@measure(
    "panel_cpu",
    f"CPU of the server while {CLIENTS} clients look at {GPUS} GPUs each second; the peer is "
    "jupyterlab-nvdashboard with three charts",
    unit="ms/s",
    goal=Goal(part_of_peer=0.5),
)
async def panel_cpu(folder: Path) -> Figures:
    ours, nvdashboard, resource_usage = await _cpu_with_clients(
        folder, OURS, NVDASHBOARD, RESOURCE_USAGE
    )
    print(f"     {RESOURCE_USAGE}: {resource_usage:.1f} ms/s", flush=True)
    return Figures(ours, nvdashboard)


async def _growth(folder: Path, extension: str) -> float:
    """How many times as many driver calls for all clients as for one."""
    async with serving(folder, extension) as server:
        rates = []
        for clients in (1, CLIENTS):
            async with looking(server, extension, clients):
                before = server.calls
                await asyncio.sleep(10)  # twice as long as what is asked seldom is kept
                rates.append(server.calls - before)
        return rates[1] / rates[0]


@measure(
    "panel_calls",
    f"driver calls for {CLIENTS} clients, in those for one; the peer is jupyterlab-nvdashboard",
    unit="times",
    goal=Goal(at_most=1.15),
)
async def panel_calls(folder: Path) -> Figures:
    return Figures(await _growth(folder, OURS), await _growth(folder, NVDASHBOARD))


@measure(
    "panel_asleep",
    f"CPU that the server takes for the panel of {GPUS} GPUs while nobody looks",
    unit="ms/s",
    goal=Goal(at_most=0.1),
)
async def panel_asleep(folder: Path) -> Figures:
    async with serving(folder, NOTHING) as bare, serving(folder, OURS) as ours:
        await asyncio.sleep(5)
        # As long as it takes for all that happens unasked to have happened.
        turns = [await _cpu_of([bare, ours], 60) for _ in range(2)]
    for idle, used in turns:
        print(f"     {used:.3f} ms/s, without the panel {idle:.3f} ms/s", flush=True)
    return Figures(statistics.median(used - idle for idle, used in turns))


async def _p99(server: Server) -> float:
    """Of the server's own /api/status, in milliseconds."""
    took: list[float] = []
    end = time.monotonic() + 15  # a server that is held up answers few of them
    async with aiohttp.ClientSession() as session:
        while len(took) < 300 and (time.monotonic() < end or len(took) < 5):
            began = time.perf_counter()
            async with session.get(server.url + "api/status") as response:
                response.raise_for_status()
                await response.read()
            took.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(0.01)
    return statistics.quantiles(took, n=100)[98]


async def _slower(folder: Path, extension: str) -> float:
    async with (
        serving(folder, NOTHING) as bare,
        serving(folder, extension, fault="slow:20") as server,
        looking(server, extension, 3),
    ):
        ratios = []
        for _ in range(TURNS):
            without = await _p99(bare)
            ratios.append(await _p99(server) / without)
        return statistics.median(ratios)


@measure(
    "panel_block",
    "p99 of /api/status while 3 clients look and every driver call takes 20 ms, in that of a "
    "server without the panel; the peer is jupyterlab-nvdashboard",
    unit="times",
    goal=Goal(at_most=2),
)
async def panel_block(folder: Path) -> Figures:
    return Figures(await _slower(folder, OURS), await _slower(folder, NVDASHBOARD))


_IMPORT = """
import time
import jupyter_server.serverapp, jupyter_server.auth.decorator, pynvml, json, asyncio
pynvml.nvmlInit()
began = time.perf_counter()
import {modules}
print(1000 * (time.perf_counter() - began))
"""

_MODULES = {
    OURS: "jupyterlab_studiolo.extension, jupyterlab_studiolo.nvml",
    NVDASHBOARD: "jupyterlab_nvdashboard, jupyterlab_nvdashboard.handlers",
}


def _python(folder: Path, script: str) -> float:
    (folder / "calls").write_bytes(bytes(8))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=_environment(folder, ""),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def _imports(folder: Path, extension: str) -> float:
    """The least of some, from compiled files: others are the machine's doing."""
    script = _IMPORT.format(modules=_MODULES[extension])
    return min(_python(folder, script) for _ in range(9))


@measure(
    "panel_import",
    "import of the panel's server side into a Jupyter server that has nvidia-ml-py; the peer is "
    "jupyterlab-nvdashboard",
    unit="ms",
    goal=Goal(at_most=10),
)
async def panel_import(folder: Path) -> Figures:
    return Figures(_imports(folder, OURS), _imports(folder, NVDASHBOARD))


_MEMORY = """
import asyncio, datetime, gc, json, sys, tracemalloc, types
import jupyter_server.serverapp, jupyter_server.auth.decorator, tornado.httpclient, pynvml, psutil
from jupyter_core.utils import ensure_async

def own():
    gc.collect()
    traced = tracemalloc.is_tracing()
    return tracemalloc.get_traced_memory()[0] if traced else psutil.Process().memory_full_info().uss

class Kernels:
    last_kernel_activity = None
    def list_kernels(self): return []
    def list_kernel_ids(self): return []

async def main():
    pynvml.nvmlInit()
    # The interpreter's table of names doubles at once, at whoever's import that happens: before.
    names = [sys.intern(f"a name of nobody's {number}") for number in range(20_000)]
    del names
    {trace}
    for _ in range(3): own()
    before = own()
{body}
    print((own() - before) / 2**20)

asyncio.run(main())
"""

_USED = {
    OURS: """
    from jupyterlab_studiolo import extension
    settings = {"kernel_manager": Kernels(), "last_activity_times": {}, "base_url": "/",
                "started": datetime.datetime.now(datetime.timezone.utc)}
    added = []
    app = types.SimpleNamespace(log=__import__("logging").getLogger(),
        io_loop=types.SimpleNamespace(asyncio_loop=asyncio.get_running_loop()),
        web_app=types.SimpleNamespace(settings=settings,
            add_handlers=lambda host, routes: added.extend(routes)))
    extension.load(app)
    panel = added[0][2]["panel"]
    reading = await panel.reading()
    for step in range(1900):  # an hour, and more
        panel.history.add(reading._replace(taken_at=1e9 + 2 * step), {"cpu_percent": 1.0})
    for _ in range(5):
        json.dumps(await panel.state(1))
        await asyncio.sleep(1)
    json.dumps(panel.past(0, points=360))
""",
    NVDASHBOARD: """
    import jupyterlab_nvdashboard, jupyterlab_nvdashboard.handlers
""",
}


@measure(
    "panel_memory",
    f"memory of the panel's server side with an hour of {GPUS} GPUs, beside nvidia-ml-py; the "
    "peer is jupyterlab-nvdashboard, which keeps nothing",
    unit="MiB",
    goal=Goal(at_most=1.5),
)
async def panel_memory(folder: Path) -> Figures:
    return Figures(_memory(folder, OURS), _memory(folder, NVDASHBOARD))


def _memory(folder: Path, extension: str) -> float:
    """What a process grew by, or what was allocated if there was room for it: the larger.

    Each in processes of its own: keeping account of what is allocated takes memory itself.
    """
    script = _MEMORY.replace("{body}", _USED[extension])
    return max(
        statistics.median(_python(folder, script.replace("{trace}", trace)) for _ in range(TURNS))
        for trace in ("", "tracemalloc.start(1)")
    )
