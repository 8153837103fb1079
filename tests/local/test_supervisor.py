"""The demo's supervisor with real processes: what comes up, comes back and goes away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from studiolo_local.kubelet.leftovers import marked
from studiolo_local.supervisor import DEMO_MARK, Part, PartFailedError, Pauses, Supervisor

pytestmark = pytest.mark.cluster

# Says that it is up by making a file; its child has a session of its own, as the hub's services do.
SERVER = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"],
                         start_new_session=True)
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("serving", flush=True)
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""


class Scene:
    """A supervisor, what it said, and parts for it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.said: list[str] = []
        self.supervisor = Supervisor(data, say=self.said.append, pauses=Pauses(first=0.05, most=1))

    def part(self, name: str, *words: str, code: str = SERVER, seconds: float = 20) -> Part:
        up = self.data / f"{name}.up"

        async def ready() -> bool:
            return up.exists() and len(up.read_text().split()) == 2

        return Part(
            name=name,
            command=[sys.executable, "-S", "-c", code, str(up), *words],
            ready=ready,
            start_seconds=seconds,
            stop_seconds=20,
        )

    def pids(self, name: str) -> list[int]:
        return [int(word) for word in (self.data / f"{name}.up").read_text().split()]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.supervisor.hurry()
    await scene.supervisor.stop()
    assert marked({DEMO_MARK: str(tmp_path)}) == []


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def test_parts_come_up_and_leave_nothing_behind(scene: Scene) -> None:
    await scene.supervisor.start([scene.part("cluster"), scene.part("proxy")])
    await scene.supervisor.start([scene.part("hub")])
    pids = [pid for name in ("cluster", "proxy", "hub") for pid in scene.pids(name)]
    assert all(psutil.pid_exists(pid) for pid in pids)
    assert scene.supervisor.pid_of("hub") == scene.pids("hub")[0]

    await scene.supervisor.stop()
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
    assert sorted(scene.said[:2]) == ["The cluster answers", "The proxy answers"]
    assert scene.said[2:] == ["The hub answers"]
    assert "serving" in (scene.data / "logs" / "hub.log").read_text()


async def test_a_part_that_is_killed_comes_back_without_its_old_children(scene: Scene) -> None:
    await scene.supervisor.start([scene.part("hub")])
    first = scene.pids("hub")
    (scene.data / "hub.up").unlink()

    os.kill(first[0], signal.SIGKILL)
    await until(lambda: len(scene.said) == 3)

    second = scene.pids("hub")
    assert set(first).isdisjoint(second)
    assert [pid for pid in first if psutil.pid_exists(pid)] == []
    assert scene.said == [
        "The hub answers",
        "The hub ended (killed by signal 9); starting it again in 0.05 s",
        "The hub answers",
    ]


async def test_a_part_that_ends_at_once_is_named_with_the_end_of_its_log(scene: Scene) -> None:
    code = "import sys; print('the port is taken'); sys.exit(3)"
    with pytest.raises(PartFailedError) as failed:
        await scene.supervisor.start([scene.part("cluster"), scene.part("proxy", code=code)])
    words = str(failed.value)
    assert "The proxy ended at once (exit status 3)" in words
    assert "\n    the port is taken" in words
    assert str(scene.data / "logs" / "proxy.log") in words


async def test_a_part_that_never_answers_is_named(scene: Scene) -> None:
    code = "import time; print('thinking', flush=True); time.sleep(600)"
    with pytest.raises(PartFailedError, match=r"The hub did not answer within 1 s"):
        await scene.supervisor.start([scene.part("hub", code=code, seconds=0.6)])


async def test_a_command_that_is_not_there_is_named(scene: Scene) -> None:
    part = Part("hub", ["/nowhere/hub"], ready=scene.part("hub").ready)
    with pytest.raises(PartFailedError, match="/nowhere/hub"):
        await scene.supervisor.start([part])


async def test_hurrying_ends_a_part_that_does_not_listen(scene: Scene) -> None:
    await scene.supervisor.start([scene.part("hub", "deaf")])
    stopping = asyncio.create_task(scene.supervisor.stop())
    await asyncio.sleep(0.2)
    assert not stopping.done()
    scene.supervisor.hurry()
    async with asyncio.timeout(5):
        await stopping
    assert [pid for pid in scene.pids("hub") if psutil.pid_exists(pid)] == []


async def test_what_is_to_be_done_before_the_end_is_done_while_the_part_answers(
    scene: Scene,
) -> None:
    seen: list[bool] = []

    async def before_stop() -> None:
        seen.append(psutil.pid_exists(scene.pids("cluster")[0]))

    await scene.supervisor.start([replace(scene.part("cluster"), before_stop=before_stop)])
    await scene.supervisor.stop()
    assert seen == [True]


@pytest.mark.parametrize("hurried", [False, True])
async def test_a_part_ends_though_what_comes_before_fails_or_takes_for_ever(
    scene: Scene, hurried: bool
) -> None:
    async def before_stop() -> None:
        if hurried:
            await asyncio.Event().wait()
        raise OSError("the API is away")

    await scene.supervisor.start([replace(scene.part("cluster"), before_stop=before_stop)])
    if hurried:
        scene.supervisor.hurry()
    async with asyncio.timeout(10):
        await scene.supervisor.stop()
    assert [pid for pid in scene.pids("cluster") if psutil.pid_exists(pid)] == []
    said = scene.said[-1]
    assert said == (
        "The cluster answers" if hurried else "The cluster is stopped all the same: the API is away"
    )


async def test_being_called_off_while_parts_come_up_leaves_nothing(scene: Scene) -> None:
    code = SERVER.replace("open(sys.argv[1]", "open(sys.argv[1] + '.late'")
    starting = asyncio.create_task(scene.supervisor.start([scene.part("hub", code=code)]))
    await until(lambda: (scene.data / "hub.up.late").exists())
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting
    await scene.supervisor.stop()
    assert marked({DEMO_MARK: str(scene.data)}) == []


async def test_all_parts_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    script = f"""
import asyncio, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from tests.local.test_supervisor import Scene

async def main():
    scene = Scene(Path({str(tmp_path)!r}))
    await scene.supervisor.start([scene.part("hub"), scene.part("proxy")])
    print("up", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"up\n"
    scene = Scene(tmp_path)
    pids = [*scene.pids("hub"), *scene.pids("proxy")]
    process.kill()
    await process.wait()
    await until(lambda: not any(psutil.pid_exists(pid) for pid in pids))
    await until(lambda: marked({DEMO_MARK: str(tmp_path)}) == [])


@pytest.mark.parametrize(
    ("pause", "ran", "expected"),
    [
        pytest.param(None, 0.1, 1, id="the first time"),
        pytest.param(1, 0.1, 2, id="again at once"),
        pytest.param(16, 0.1, 20, id="never longer than the longest"),
        pytest.param(16, 60, 1, id="after it ran steadily"),
    ],
)
def test_pauses_grow_and_are_forgotten(pause: float | None, ran: float, expected: float) -> None:
    assert Pauses(first=1, most=20, steady=60).after(pause, ran) == expected
