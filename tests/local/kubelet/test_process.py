"""A container's processes: they end together, whoever is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from studiolo_local.kubelet.leftovers import DATA_MARK, POD_MARK, end_marked, marked
from studiolo_local.kubelet.process import ContainerProcess, Exit, Order, StartFailure

SHELL = Path("/bin/sh")
# A first process with a child that left the session and ignores what it is told
TREE = (
    "setsid sh -c 'trap \"\" TERM HUP; sleep 300 & wait' & "
    "(nohup sleep 300 >/dev/null 2>&1 &) ; echo up; "
)


def order_for(tmp_path: Path, script: str, *, program: Path = SHELL, **environment: str) -> Order:
    return Order(
        container_id="c1",
        program=program,
        arguments=["sh", "-c", script],
        environment={"PATH": os.defpath, **environment},
        directory=tmp_path,
        log=tmp_path / "logs" / "c.log",
        marks={DATA_MARK: str(tmp_path), POD_MARK: "uid-1"},
    )


def marks_of(tmp_path: Path) -> dict[str, str]:
    return {DATA_MARK: str(tmp_path)}


async def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come about in time"
        await asyncio.sleep(0.02)


def log_of(tmp_path: Path) -> str:
    path = tmp_path / "logs" / "c.log"
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("exit 0", Exit(0)),
        ("exit 3", Exit(3)),
        ("kill -9 $$", Exit(137, 9)),
        ("kill -15 $$", Exit(143, 15)),
    ],
    ids=["success", "code", "killed", "terminated"],
)
async def test_the_exit_is_reported(tmp_path: Path, script: str, expected: Exit) -> None:
    process = await ContainerProcess.start(order_for(tmp_path, script))
    assert await process.wait() == expected
    assert marked(marks_of(tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("absent", "no such file or directory"), ("plain", "permission denied")],
)
async def test_a_program_that_cannot_be_executed(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "plain").write_text("no program")
    with pytest.raises(StartFailure, match=text):
        await ContainerProcess.start(order_for(tmp_path, "", program=tmp_path / name))


async def test_the_environment_is_what_the_order_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_PARENT", "hush")
    process = await ContainerProcess.start(order_for(tmp_path, "env; pwd", GREETING="hello\nworld"))
    await process.wait()
    log = log_of(tmp_path)
    assert "GREETING=hello" in log
    assert str(tmp_path) in log
    assert "SECRET_OF_THE_PARENT" not in log


async def test_the_log_has_the_form_of_the_runtime_interface(tmp_path: Path) -> None:
    process = await ContainerProcess.start(
        order_for(tmp_path, "echo out; echo err >&2; printf unfinished")
    )
    await process.wait()
    rows = [line.split(" ", 3) for line in log_of(tmp_path).splitlines()]
    assert sorted((stream, tag, text) for _, stream, tag, text in rows) == [
        ("stderr", "F", "err"),
        ("stdout", "F", "out"),
        ("stdout", "F", "unfinished"),
    ]
    assert all(time_.endswith("Z") and "T" in time_ for time_, *_ in rows)


async def test_the_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studiolo_local.kubelet.process.LOG_BYTES", 10_000)
    script = "i=0; while [ $i -lt 2000 ]; do echo line-$i; i=$((i+1)); done"
    process = await ContainerProcess.start(order_for(tmp_path, script))
    await process.wait()
    files = list((tmp_path / "logs").iterdir())
    assert len(files) == 3
    assert all(file.stat().st_size <= 10_000 for file in files)
    assert "line-1999" in log_of(tmp_path)


async def test_stop_asks_first(tmp_path: Path) -> None:
    process = await ContainerProcess.start(
        order_for(tmp_path, "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done")
    )
    await eventually(lambda: "up" in log_of(tmp_path))
    assert await process.stop(10) == Exit(5)
    assert "bye" in log_of(tmp_path)


async def test_stop_takes_what_does_not_listen(tmp_path: Path) -> None:
    process = await ContainerProcess.start(
        order_for(tmp_path, "trap '' TERM; " + TREE + "while :; do sleep 0.05; done")
    )
    await eventually(lambda: "up" in log_of(tmp_path))
    assert len(marked(marks_of(tmp_path))) >= 4
    assert await process.stop(0.2) == Exit(137, 9)
    assert marked(marks_of(tmp_path)) == []


async def test_descendants_go_with_the_first_process(tmp_path: Path) -> None:
    process = await ContainerProcess.start(order_for(tmp_path, TREE + "sleep 0.2; exit 0"))
    assert await process.wait() == Exit(0)
    assert marked(marks_of(tmp_path)) == []


async def test_nothing_survives_a_killed_shim(tmp_path: Path) -> None:
    process = await ContainerProcess.start(order_for(tmp_path, TREE + "sleep 300"))
    await eventually(lambda: "up" in log_of(tmp_path))
    os.kill(process._shim.pid, signal.SIGKILL)
    assert await process.wait() == Exit(137, 9)
    assert marked(marks_of(tmp_path)) == []


async def test_a_start_that_is_called_off_leaves_nothing(tmp_path: Path) -> None:
    task = asyncio.create_task(ContainerProcess.start(order_for(tmp_path, TREE + "sleep 300")))
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert marked(marks_of(tmp_path)) == []


KUBELET = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from studiolo_local.kubelet.process import ContainerProcess, Order
from studiolo_local.kubelet.leftovers import DATA_MARK
async def main():
    here = Path({here!r})
    await ContainerProcess.start(Order("c1", Path("/bin/sh"), ["sh", "-c", {script!r}],
        {{"PATH": "/usr/bin:/bin"}}, here, here / "logs" / "c.log", {{DATA_MARK: {here!r}}}))
    await asyncio.sleep(300)
asyncio.run(main())
"""


def start_kubelet(tmp_path: Path, script: str) -> subprocess.Popen[bytes]:
    text = KUBELET.format(tests=str(Path(__file__).parent), here=str(tmp_path), script=script)
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(text)])


async def test_nothing_survives_a_killed_kubelet(tmp_path: Path) -> None:
    with start_kubelet(
        tmp_path, "trap 'exit 0' TERM; " + TREE + "while :; do sleep 0.05; done"
    ) as kubelet:
        await eventually(lambda: "up" in log_of(tmp_path))
        kubelet.kill()
        kubelet.wait()
    await eventually(lambda: marked(marks_of(tmp_path)) == [])


async def test_leftovers_of_a_crash_are_found_by_their_mark(tmp_path: Path) -> None:
    with start_kubelet(tmp_path, TREE + "sleep 300") as kubelet:
        await eventually(lambda: "up" in log_of(tmp_path))
        pids = marked(marks_of(tmp_path))
        shim = min(pids)
        # Both at once: nobody is left to take the descendants along
        os.kill(shim, signal.SIGSTOP)
        os.kill(kubelet.pid, signal.SIGKILL)
        os.kill(shim, signal.SIGKILL)
        kubelet.wait()
    await eventually(lambda: shim not in marked(marks_of(tmp_path)))
    assert marked(marks_of(tmp_path))
    assert end_marked(marks_of(tmp_path)) > 0
    assert marked(marks_of(tmp_path)) == []


async def test_the_mark_of_another_directory_is_left_alone(tmp_path: Path) -> None:
    process = await ContainerProcess.start(order_for(tmp_path, "sleep 300"))
    assert end_marked({DATA_MARK: str(tmp_path.parent)}) == 0
    assert marked(marks_of(tmp_path))
    await process.stop(0)


def test_ending_everything_is_refused() -> None:
    with pytest.raises(ValueError, match="every process"):
        end_marked({})
