"""The demo as a process: what it finds again, what it says, and that nothing is left of it."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.running_demo import RunningDemo, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "workspace", "namespace": "studiolo"},
    "spec": {
        "containers": [
            {
                "name": "notebook",
                "image": "registry.studiolo.test/python:3.13",
                "command": ["sleep", "600"],
                "volumeMounts": [{"name": "home", "mountPath": "/home/jovyan"}],
            }
        ],
        "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "home"}}],
    },
}
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "home", "namespace": "studiolo"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder for a demo; no process that knows of it may be left."""
    yield tmp_path
    for process in psutil.process_iter(["cmdline"]):
        if str(tmp_path) in (process.info["cmdline"] or []) and "demo" in process.info["cmdline"]:
            process.kill()  # a test that failed half-way
    until(lambda: _left(tmp_path) == [], seconds=15, what="every process of the demo has ended")


def _left(folder: Path) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "cwd"])
        if str(folder) in " ".join([process.info["cwd"] or "", *(process.info["cmdline"] or [])])
    ]


def run_a_workspace(demo: RunningDemo) -> None:
    """Run something like a workspace."""
    for name, body in {"claim": CLAIM, "pod": POD}.items():
        manifest = demo.folder / f"{name}.json"
        manifest.write_text(json.dumps(body))
        demo.kubectl("apply", "-f", str(manifest))
    demo.kubectl("wait", "--for=condition=Ready", "pod/workspace", "--timeout=30s")


def test_a_second_run_finds_all_again_but_running_workspaces(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        first = RunningDemo.start(folder, port=taken)
    assert f"Port {taken} is taken: using {first.address.rpartition(':')[2]}" in "".join(first.said)

    kept_out = RunningDemo.begin(folder)
    assert kept_out.process.wait(20) == 1
    assert f"already runs from {folder}: {first.address}" in kept_out.finish()

    run_a_workspace(first)
    first.stop()
    assert first.said[-1].endswith(f"Files are kept in {folder}\n")

    second = RunningDemo.start(folder)
    assert second.kubectl("get", "pods", "-o", "name") == ""
    assert "persistentvolumeclaim/home" in second.kubectl("get", "pvc", "-o", "name")
    second.stop()


def test_no_secret_is_printed_or_logged(folder: Path) -> None:
    demo = RunningDemo.start(folder)
    demo.stop()
    secrets = {
        path: path.read_text().strip()
        for place in ("keys", "hub", "cluster")
        for path in (folder / place).iterdir()
        if path.is_file() and path.suffix not in {".json", ".sqlite", ".pid"}
        if not path.name.endswith(("-wal", "-shm")) and path.name not in {"kubeconfig", "lock"}
    }
    assert {"client-secret", "proxy-token", "cookie-secret", "token"} <= {p.name for p in secrets}
    printed = "".join(demo.said) + "".join(
        log.read_text(errors="replace") for log in (folder / "logs").iterdir()
    )
    assert "Running JupyterHub" in printed
    assert [path for path, secret in secrets.items() if secret in printed] == []


def test_nothing_outlives_a_killed_demo(folder: Path) -> None:
    demo = RunningDemo.start(folder)
    run_a_workspace(demo)
    assert len(_left(folder)) > 5
    demo.process.kill()
    demo.finish()


def test_a_second_signal_ends_everything_at_once(folder: Path) -> None:
    demo = RunningDemo.start(folder)
    run_a_workspace(demo)
    demo.process.send_signal(signal.SIGINT)
    demo.until_said("Ctrl-C once more")
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(10) == 0
    demo.finish()


def test_a_signal_while_it_starts_is_heeded(folder: Path) -> None:
    demo = RunningDemo.begin(folder)
    demo.until_said("Starting the hub")
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(30) == 0
    assert "Studiolo is ready" not in demo.finish()


def test_a_faulty_file_of_people_is_told_before_anything_starts(folder: Path) -> None:
    (folder / "users.yaml").write_text("version: 1\nusers: [{name: Ana}]\n")
    demo = RunningDemo.begin(folder)
    assert demo.process.wait(60) == 1
    words = demo.finish()
    assert "users.yaml: users[0].name" in words
    assert "users.yaml: users[0].email" in words
    assert "Starting" not in words
    assert "Traceback" not in words


def test_a_part_that_cannot_start_is_told_with_the_end_of_its_log(folder: Path) -> None:
    (folder / "hub").mkdir()
    (folder / "hub" / "hub.sqlite").write_text("this is no database")
    demo = RunningDemo.begin(folder)
    assert demo.process.wait(60) == 1
    words = demo.finish()
    assert "The hub ended at once" in words
    assert "not a database" in words
    assert str(folder / "logs" / "hub.log") in words
