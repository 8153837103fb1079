"""The other side of a bench, in a process of its own: the embedded API with a scripted kubelet.

Also an image registry for the image check, and a web server that answers as every workspace.
Prints one line of JSON once it listens and ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from studiolo_local.api import ApiServer, Store

from tests.bench.crowd import fill
from tests.fakes import pod_driver
from tests.fakes.hub_process import AnswersForPods
from tests.fakes.pod_driver import PodDriver
from tests.fakes.registry import FakeRegistry

TOKEN = "a-token-for-the-bench"


class TimingDriver(PodDriver):
    """Notes when each pod became ready, on the clock that all processes share."""

    def __init__(self, *arguments: Any, notes: Path) -> None:
        super().__init__(*arguments)
        self._notes = notes.open("w", buffering=1)

    async def set_status(self, pod: Any, status: Any) -> None:
        # Before the request, so that the API's own time counts as ours.
        name = pod["metadata"]["name"]
        self._notes.write(json.dumps([name, time.monotonic()]) + "\n")
        await super().set_status(pod, status)


async def serve(folder: Path, ready_after: float, crowd: int) -> None:
    store = Store()
    api = ApiServer(store, token=TOKEN)
    await api.start()
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(api.kubeconfig())
    fill(store, crowd)
    script = pod_driver.ready_after(ready_after) if ready_after >= 0 else lambda _pod: []
    driver = TimingDriver(api.url, TOKEN, script, notes=folder / "ready")
    answers = AnswersForPods()
    await answers.start()
    async with FakeRegistry() as registry:
        registry.image("workspace", "1")
        if not crowd:
            await driver.start()
        told = {
            "url": api.url,
            "kubeconfig": str(kubeconfig),
            "registry": registry.url,
            "port": answers.port,
        }
        print(json.dumps(told), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await driver.stop()
    await answers.stop()
    await api.stop()


def main() -> None:
    """Serve until the standard input is closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ready-after", type=float, default=-1)
    parser.add_argument("--crowd", type=int, default=0)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.folder, arguments.ready_after, arguments.crowd))


if __name__ == "__main__":
    main()
