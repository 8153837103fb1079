"""Run the two sides of a bench as processes of their own and read what they say."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Side = Literal["ours", "peer"]
"""This project's code, or unmodified KubeSpawner."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster process."""

    folder: Path
    kubeconfig: Path
    registry: str
    port: int

    def ready_times(self) -> dict[str, float]:
        """When each pod became ready, by name, on the machine's monotonic clock."""
        lines = (self.folder / "ready").read_text().splitlines()
        return dict(json.loads(line) for line in lines)


@asynccontextmanager
async def cluster(
    folder: Path, *, ready_after: float = 0, crowd: int = 0
) -> AsyncIterator[Cluster]:
    """Have a cluster whose pods become ready so many seconds after they were made."""
    folder.mkdir(parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.cluster_process", str(folder)),
        *(f"--ready-after={ready_after}", f"--crowd={crowd}"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        line = await process.stdout.readline()
        if not line:
            raise RuntimeError("the cluster of the bench did not start")
        told = json.loads(line)
        yield Cluster(folder, Path(told["kubeconfig"]), told["registry"], told["port"])
    finally:
        process.stdin.close()
        await process.wait()


async def worker(cluster_: Cluster, task: str, side: Side, **options: object) -> Any:
    """Run one task of ``worker`` against the cluster; return what it found."""
    told = {
        "task": task,
        "side": side,
        "folder": str(cluster_.folder),
        "registry": cluster_.registry,
        **options,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.worker", json.dumps(told)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "KUBECONFIG": str(cluster_.kubeconfig)},
    )
    out, errors = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{task} of {side} failed:\n{errors.decode()[-4000:]}")
    return json.loads(out.splitlines()[-1])
