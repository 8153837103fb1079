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

from studiolo_local.api import ApiServer, Store
from studiolo_local.api.entries import Change, Key
from studiolo_local.api.resources import PODS

from tests.bench.crowd import fill
from tests.fakes import pod_driver
from tests.fakes.hub_process import AnswersForPods
from tests.fakes.registry import FakeRegistry

TOKEN = "a-token-for-the-bench"


class Kubelet:
    """Makes pods ready, and lets deleted ones go, without a detour over HTTP.

    Notes when each pod became ready, on the clock that all processes share.
    """

    def __init__(self, store: Store, ready_after: float, notes: Path) -> None:
        self._store = store
        self._ready_after = ready_after
        self._notes = notes.open("w", buffering=1)
        self._end = store.subscribe(self._heard)

    def close(self) -> None:
        self._end()
        self._notes.close()

    def _heard(self, change: Change) -> None:
        pod = change.after
        if pod is None or pod.resource is not PODS:
            return
        # The store is in the middle of a change: what follows from it comes after.
        loop = asyncio.get_running_loop()
        if change.before is None:
            loop.call_later(self._ready_after, self._make_ready, pod.key)
        elif b'"deletionTimestamp"' in pod.body:
            loop.call_soon(self._let_go, pod.key)

    def _make_ready(self, key: Key) -> None:
        found = self._store.get(PODS, key)
        if found is None:
            return
        # Before the change, so that the API's own time counts as ours.
        self._notes.write(json.dumps([key.name, time.monotonic()]) + "\n")
        content = found.content()
        content["status"] = pod_driver.running(ready=True)
        self._store.put(PODS, content)

    def _let_go(self, key: Key) -> None:
        if self._store.get(PODS, key) is not None:
            self._store.remove(PODS, key)


async def serve(folder: Path, ready_after: float, crowd: int) -> None:
    store = Store()
    api = ApiServer(store, token=TOKEN)
    await api.start()
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(api.kubeconfig())
    fill(store, crowd)
    kubelet = Kubelet(store, ready_after, folder / "ready")
    answers = AnswersForPods()
    await answers.start()
    async with FakeRegistry() as registry:
        registry.image("workspace", "1")
        told = {
            "url": api.url,
            "kubeconfig": str(kubeconfig),
            "registry": registry.url,
            "port": answers.port,
        }
        print(json.dumps(told), flush=True)
        await asyncio.to_thread(sys.stdin.read)
    kubelet.close()
    await answers.stop()
    await api.stop()


def main() -> None:
    """Serve until the standard input is closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ready-after", type=float, default=0)
    parser.add_argument("--crowd", type=int, default=0)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.folder, arguments.ready_after, arguments.crowd))


if __name__ == "__main__":
    main()
