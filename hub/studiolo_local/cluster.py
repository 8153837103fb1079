"""The embedded cluster in one process: API, storage, scheduler, kubelet and registry. I/O.

For a first look, development and tests: it isolates no user from another. Guarantees: one process
for each data directory; clients' files (kubeconfig, cluster.json) appear when everything answers,
whole and readable by their owner only; when it is asked to stop, every container has ended before
the process does; the next start goes on with the same objects, ports and files.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import logging
import os
import secrets
import signal
import sys
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

from studiolo_local import neighbours
from studiolo_local.api.server import ApiServer
from studiolo_local.api.store import Store
from studiolo_local.client import ApiClient, ApiError
from studiolo_local.kubelet.backoff import Timing
from studiolo_local.kubelet.kubelet import Kubelet
from studiolo_local.nodes import DEMO_NODES, SimulatedNode
from studiolo_local.ports import remembered
from studiolo_local.private_files import read_or_make, write_private
from studiolo_local.registry.access import Access
from studiolo_local.registry.demo_images import REGISTRY_HOST, seed
from studiolo_local.registry.server import LocalRegistry
from studiolo_local.scheduler import Scheduler
from studiolo_local.storage import LocalStorage

log = logging.getLogger(__name__)

NAMESPACE: Final = "studiolo"
_PUSH_USER: Final = "studiolo"


class AlreadyRunning(Exception):  # noqa: N818 - a state of the machine
    """Another process runs the cluster of this directory."""


@dataclass(frozen=True, slots=True)
class ClusterPorts:
    """Ports of 127.0.0.1; 0 takes the one of last time, or any."""

    api: int = 0
    api_tls: int = 0
    registry: int = 0


class Cluster:
    """An embedded cluster over one directory. An async context manager: started on entry."""

    def __init__(
        self,
        data_dir: Path,
        *,
        ports: ClusterPorts | None = None,
        nodes: Sequence[SimulatedNode] = DEMO_NODES,
        timing: Timing | None = None,
        gpu_library: Path | None = None,
        neighbours: bool = False,
    ) -> None:
        """`neighbours`: pods of another team hold some of the devices."""
        self.data_dir = data_dir.resolve()
        self._wanted = ports or ClusterPorts()
        self._nodes = nodes
        self._timing = timing
        self._gpu_library = gpu_library
        self._neighbours = neighbours
        self._stack = contextlib.AsyncExitStack()
        self._parts: list[asyncio.Task[None]] = []
        self.token = ""
        self.api_url = ""
        self.registry: LocalRegistry

    @property
    def kubeconfig(self) -> Path:
        """The file for kubectl and the hub."""
        return self.data_dir / "kubeconfig"

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def broken(self) -> None:
        """Wait until a part has failed, which none should, and raise its error."""
        done, _ = await asyncio.wait(self._parts, return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            part.result()

    async def _start(self) -> None:
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._stack.enter_context(_only_one(self.data_dir / "lock"))
        description = self.data_dir / "cluster.json"
        description.unlink(missing_ok=True)
        self._stack.callback(description.unlink, missing_ok=True)
        self.token = read_or_make(self.data_dir / "token", lambda: secrets.token_urlsafe(32))
        ports = self._choose_ports()
        await self._start_registry(ports.registry)
        server = await self._start_api(ports)
        await self._provide_namespace()
        storage = LocalStorage(self.data_dir)
        kubelet = self._kubelet(storage)
        server.provide_logs(kubelet.read_log)
        self._begin(storage.run(self.api_url, self.token), "storage")
        self._begin(Scheduler(self.api_url, self.token).run(), "scheduler")
        self._begin(kubelet.run(), "kubelet")
        await self._until(kubelet.ready)
        if self._neighbours:
            await neighbours.settle(self.api_url, self.token)
        text = {"api_url": self.api_url, "registry_url": self.registry.url, "pid": os.getpid()}
        write_private(description, json.dumps(text))

    def _choose_ports(self) -> ClusterPorts:
        wanted = self._wanted
        given = [port for port in (wanted.api, wanted.api_tls, wanted.registry) if port]
        names = ("api", "api_tls", "registry")
        kept = remembered(self.data_dir / "ports.json", names, taken=given)
        return ClusterPorts(
            wanted.api or kept["api"],
            wanted.api_tls or kept["api_tls"],
            wanted.registry or kept["registry"],
        )

    async def _start_registry(self, port: int) -> None:
        password = read_or_make(
            self.data_dir / "registry-password", lambda: secrets.token_urlsafe(24)
        )
        self.registry = LocalRegistry(
            self.data_dir / "registry", port, access=Access({_PUSH_USER: password})
        )
        await asyncio.to_thread(seed, self.registry.store)
        await self.registry.start()
        self._stack.push_async_callback(self.registry.stop)

    async def _start_api(self, ports: ClusterPorts) -> ApiServer:
        store = Store(self.data_dir / "cluster.sqlite")
        self._stack.callback(store.close)
        server = ApiServer(
            store,
            token=self.token,
            port=ports.api,
            tls_port=ports.api_tls,
            certificate=self.data_dir / "certificate.pem",
        )
        await server.start()
        self._stack.push_async_callback(server.stop)
        # Called before it: the parts end while the API still answers
        self._stack.push_async_callback(self._end_parts)
        self.api_url = server.url
        write_private(self.kubeconfig, server.kubeconfig(namespace=NAMESPACE))
        return server

    def _kubelet(self, storage: LocalStorage) -> Kubelet:
        return Kubelet(
            self.api_url,
            self.token,
            nodes=self._nodes,
            data_dir=self.data_dir / "kubelet",
            registry_endpoints={REGISTRY_HOST: self.registry.url},
            claims=storage.directory_of,
            gpu_library=self._gpu_library,
            timing=self._timing,
        )

    async def _provide_namespace(self) -> None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        async with ApiClient(self.api_url, self.token) as client:
            try:
                await client.create("namespaces", None, body)
            except ApiError as error:
                if not error.conflict:
                    raise

    def _begin(self, work: Coroutine[object, object, None], name: str) -> None:
        self._parts.append(asyncio.create_task(work, name=name))

    async def _until(self, ready: asyncio.Event) -> None:
        """Wait for `ready`, or for a part's failure."""
        waiting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait({waiting, *self._parts}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        for part in self._parts:
            if part.done():
                part.result()

    async def _end_parts(self) -> None:
        """The kubelet first: while it ends its containers, the others still serve."""
        for part in reversed(self._parts):
            part.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await part
        self._parts.clear()

    async def _stop(self) -> None:
        await self._stack.aclose()


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[TextIO]:
    """Hold the directory for this process; the system lets go of it, however the process ends."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunning(
                f"Another process already runs the embedded cluster of {path.parent}. Stop it "
                "first, or name another directory with --data."
            ) from error
        yield file


async def serve(cluster: Cluster) -> None:
    """Run a cluster until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with cluster:
        log.info("The embedded cluster is ready: export KUBECONFIG=%s", cluster.kubeconfig)
        stopped = asyncio.create_task(stop.wait())
        failed = asyncio.create_task(cluster.broken())
        try:
            await asyncio.wait({stopped, failed}, return_when=asyncio.FIRST_COMPLETED)
            if failed.done():
                failed.result()
        finally:
            stopped.cancel()
            failed.cancel()
        log.info("The embedded cluster stops.")


def main(argv: Sequence[str]) -> int:
    """Run the `cluster` subcommand; gives the exit status."""
    options = _parser().parse_args(argv)
    if not sys.platform.startswith("linux"):
        print("The embedded cluster needs Linux: it uses its loopback addresses and processes.")
        return 1
    ports = ClusterPorts(options.api_port, options.api_tls_port, options.registry_port)
    cluster = Cluster(
        options.data,
        ports=ports,
        gpu_library=options.gpu_library,
        neighbours=options.neighbours,
    )
    try:
        asyncio.run(serve(cluster))
    except (AlreadyRunning, OSError) as error:
        log.error("%s", error)  # noqa: TRY400 - for a person; a traceback would hide it
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="studiolo-local cluster",
        description="The embedded cluster: for a first look, development and tests.",
    )
    parser.add_argument("--data", type=Path, required=True, help="where everything is kept")
    parser.add_argument("--api-port", type=int, default=0, help="of plain HTTP, with the token")
    parser.add_argument("--api-tls-port", type=int, default=0, help="of HTTPS, for kubectl")
    parser.add_argument("--registry-port", type=int, default=0, help="of the image registry")
    parser.add_argument(
        "--gpu-library", type=Path, help="the stand-in for libnvidia-ml that workspaces load"
    )
    parser.add_argument(
        "--neighbours", action="store_true", help="pods of another team hold some of the devices"
    )
    return parser
