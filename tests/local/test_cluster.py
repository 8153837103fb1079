"""The whole embedded cluster: it goes on where it stopped, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from studiolo_local.client import ApiClient, ApiError
from studiolo_local.cluster import NAMESPACE, AlreadyRunning, Cluster
from studiolo_local.kubelet.leftovers import DATA_MARK, marked

from tests.local.running_cluster import (
    READY,
    SERVE,
    Running,
    claim,
    container_of,
    is_ready,
    pod,
    running_cluster,
    with_home,
)

pytestmark = pytest.mark.cluster

STUBBORN = (
    "setsid sh -c 'trap \"\" TERM HUP; sleep 300 & wait' & "
    "(nohup sleep 300 >/dev/null 2>&1 &) ; trap '' TERM; while :; do sleep 0.1; done"
)


def processes_of(data_dir: Path) -> list[int]:
    return marked({DATA_MARK: str(data_dir.resolve() / "kubelet")})


async def test_a_pod_that_ran_comes_back_after_a_stop(tmp_path: Path) -> None:
    async with running_cluster(tmp_path) as cluster:
        await cluster.create("persistentvolumeclaims", claim("claim-alice"))
        body = pod("web", SERVE, readinessProbe=READY, **with_home("claim-alice"))
        await cluster.create("pods", body)
        before = await cluster.until("web", is_ready)
        token, url = cluster.cluster.token, cluster.cluster.api_url
    assert processes_of(tmp_path) == []
    async with running_cluster(tmp_path) as cluster:
        after = await cluster.until(
            "web", lambda it: is_ready(it) and container_of(it)["restartCount"] == 1
        )
        assert (cluster.cluster.token, cluster.cluster.api_url) == (token, url)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["status"]["podIP"] == before["status"]["podIP"]
    lost = container_of(after)["lastState"]["terminated"]
    assert (lost["exitCode"], lost["reason"]) == (255, "Unknown")


async def test_a_pod_whose_end_counts_as_success_comes_back_too(tmp_path: Path) -> None:
    async with running_cluster(tmp_path) as cluster:
        body = pod("polite", command=[])
        script = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
        body["spec"]["containers"][0]["command"] = ["sh", "-c", script]
        await cluster.create("pods", body)
        await cluster.until("polite", is_ready)
    async with running_cluster(tmp_path) as cluster:
        await cluster.until(
            "polite", lambda it: is_ready(it) and container_of(it)["restartCount"] == 1
        )


async def test_gpus_stay_with_their_pod_over_a_restart(tmp_path: Path) -> None:
    ledger = tmp_path / "kubelet" / "ledger.json"
    async with running_cluster(tmp_path) as cluster:
        body = pod(
            "gpu",
            ["sleep", "100"],
            resources={"limits": {"nvidia.com/gpu": "1"}},
            spec={"tolerations": [{"operator": "Exists"}]},
        )
        await cluster.create("pods", body)
        found = await cluster.until("gpu", is_ready)
        uid = found["metadata"]["uid"]
        before = json.loads(ledger.read_text())["pods"][uid]
    async with running_cluster(tmp_path) as cluster:
        await cluster.until(
            "gpu", lambda it: is_ready(it) and container_of(it)["restartCount"] == 1
        )
        assert json.loads(ledger.read_text())["pods"][uid] == before


@contextmanager
def own_process(data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The cluster as `studiolo-local cluster` runs it; killed at the end of the block."""
    code = "import sys; from studiolo_local.cluster import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen([sys.executable, "-c", code, "--data", str(data_dir)])
    try:
        description = data_dir / "cluster.json"
        deadline = time.monotonic() + 30
        while not _describes(description, process.pid):
            assert process.poll() is None, "the cluster did not start"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


def _describes(path: Path, pid: int) -> bool:
    return path.is_file() and json.loads(path.read_text())["pid"] == pid


async def run_stubborn(data_dir: Path) -> None:
    """Start a pod whose processes do all they can to stay."""
    cluster = Cluster(data_dir)
    cluster.token = (data_dir / "token").read_text()
    cluster.api_url = json.loads((data_dir / "cluster.json").read_text())["api_url"]
    async with (
        ApiClient(cluster.api_url, cluster.token) as client,
        Running(cluster, client).watching() as running,
    ):
        body = pod("stubborn", command=[])
        body["spec"]["containers"][0]["command"] = ["sh", "-c", STUBBORN]
        await running.create("pods", body)
        await running.until("stubborn", is_ready)
        async with asyncio.timeout(20):
            while len(processes_of(data_dir)) < 5:
                await asyncio.sleep(0.02)


async def test_a_killed_cluster_leaves_no_process(tmp_path: Path) -> None:
    with own_process(tmp_path) as process:
        await run_stubborn(tmp_path)
        process.kill()
        process.wait()
        async with asyncio.timeout(15):
            while processes_of(tmp_path):
                await asyncio.sleep(0.05)


async def test_what_even_the_shims_left_goes_at_the_next_start(tmp_path: Path) -> None:
    with own_process(tmp_path) as process:
        await run_stubborn(tmp_path)
        everything = processes_of(tmp_path)
        shims = [
            pid for pid in everything if b"shim.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        for pid in shims:
            os.kill(pid, signal.SIGSTOP)
        os.kill(process.pid, signal.SIGKILL)
        for pid in shims:
            os.kill(pid, signal.SIGKILL)
        process.wait()
    left = set(processes_of(tmp_path))
    assert left
    async with running_cluster(tmp_path) as cluster:
        await cluster.until(
            "stubborn", lambda it: is_ready(it) and container_of(it)["restartCount"] == 1
        )
        assert not left & set(processes_of(tmp_path))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_a_stop_ends_every_container_first(tmp_path: Path, number: signal.Signals) -> None:
    with own_process(tmp_path) as process:
        await run_stubborn(tmp_path)
        process.send_signal(number)
        assert await asyncio.to_thread(process.wait, 30) == 0
        assert processes_of(tmp_path) == []
        assert not (tmp_path / "cluster.json").exists()


async def test_a_deletion_that_was_under_way_is_finished(tmp_path: Path) -> None:
    with own_process(tmp_path) as process:
        await run_stubborn(tmp_path)
        description = json.loads((tmp_path / "cluster.json").read_text())
        async with ApiClient(description["api_url"], (tmp_path / "token").read_text()) as client:
            found = await client.get("pods", NAMESPACE, "stubborn")
            uid = found["metadata"]["uid"]
            await client.delete("pods", NAMESPACE, "stubborn", uid=uid, grace=60)
        process.kill()
        process.wait()
    async with running_cluster(tmp_path) as cluster:
        await cluster.until_gone("stubborn")


async def test_one_process_for_each_directory(tmp_path: Path) -> None:
    async with running_cluster(tmp_path):
        with pytest.raises(AlreadyRunning, match="Stop it first, or name another"):
            async with Cluster(tmp_path):
                pass
        assert (tmp_path / "cluster.json").exists()


async def test_clients_files_are_for_their_owner_only(tmp_path: Path) -> None:
    async with running_cluster(tmp_path):
        for name in ("kubeconfig", "cluster.json", "token", "registry-password"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name
        assert json.loads((tmp_path / "cluster.json").read_text())["pid"] == os.getpid()
    assert not (tmp_path / "cluster.json").exists()


async def test_the_api_wants_the_token(tmp_path: Path) -> None:
    async with running_cluster(tmp_path) as cluster:
        async with ApiClient(cluster.cluster.api_url, "not-the-token-at-all") as stranger:
            with pytest.raises(ApiError) as caught:
                await stranger.list("pods")
        assert caught.value.status == 401
