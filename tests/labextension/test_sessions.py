"""Kernels and terminals, and whose process is whose."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from jupyterlab_studiolo.activity import Activity
from jupyterlab_studiolo.devices import GpuProcess
from jupyterlab_studiolo.own_processes import OwnProcesses
from jupyterlab_studiolo.sessions import Kernel, Sessions, Terminal, owner_of
from jupyterlab_studiolo.watch import Watch, first_child

KERNEL = Kernel("k", "python3", "notebook", "a.ipynb", "w/a.ipynb", "idle", None, 0, 200)
ELSEWHERE = KERNEL._replace(id="far", pid=None)
TERMINAL = Terminal("1", 300)


@pytest.mark.parametrize(
    ("line", "kind", "text"),
    [
        pytest.param((200, 100), "notebook", "a.ipynb", id="the kernel itself"),
        pytest.param((210, 205, 200, 100), "notebook", "a.ipynb", id="a grandchild of a kernel"),
        pytest.param((310, 300, 100), "terminal", "Terminal 1", id="in a terminal"),
        pytest.param((220, 200, 300, 100), "notebook", "a.ipynb", id="the nearest counts"),
        pytest.param((100, 1), "server", "JupyterLab", id="the server"),
        pytest.param((150, 100, 1), "server", "JupyterLab", id="an extension's"),
        pytest.param((400, 1), "other", "", id="something else of ours"),
    ],
)
def test_tells_what_a_process_belongs_to(line: tuple[int, ...], kind: str, text: str) -> None:
    process = GpuProcess("g", line[0], "p", ancestors=line[1:])
    owner = owner_of(process, [ELSEWHERE, KERNEL], [TERMINAL], server=100)
    assert (owner["kind"], owner["text"]) == (kind, text)
    assert owner["kernel_id"] == ("k" if kind == "notebook" else None)


class Kernels:
    """As much of jupyter_server's kernel manager as is asked."""

    def __init__(self, **pids: int | None) -> None:
        self.pids = pids

    def list_kernel_ids(self) -> list[str]:
        return list(self.pids)

    def list_kernels(self) -> list[dict[str, Any]]:
        return [
            {
                "id": name,
                "name": "python3",
                "execution_state": "idle",
                "last_activity": "2026-03-01T09:30:00.000000Z",
                "connections": 1,
            }
            for name in self.pids
        ]

    def get_kernel(self, name: str) -> Any:
        return SimpleNamespace(provisioner=SimpleNamespace(pid=self.pids[name]))


class Named:
    """A session manager that counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.sessions: list[dict[str, Any]] = []

    async def list_sessions(self) -> list[dict[str, Any]]:
        self.asked += 1
        return self.sessions


async def test_names_kernels_and_asks_seldom() -> None:
    now = [100.0]
    kernels, named = Kernels(a=7), Named()
    named.sessions = [
        {"kernel": {"id": "a"}, "path": "w/n.ipynb", "name": "", "type": "notebook"},
        {"kernel": None},
    ]
    settings = {"kernel_manager": kernels, "session_manager": named}
    sessions = Sessions(settings, clock=lambda: now[0])
    for _ in range(10):
        await sessions.refresh()
    (kernel,) = sessions.kernels()
    assert (kernel.kind, kernel.title, kernel.path) == ("notebook", "n.ipynb", "w/n.ipynb")
    assert (kernel.pid, kernel.last_activity) == (7, 1772357400.0)
    assert named.asked == 1
    kernels.pids["b"] = None  # a new one is asked for at once
    await sessions.refresh()
    assert named.asked == 2
    assert [each.kind for each in sessions.kernels()] == ["notebook", "kernel"]
    await sessions.refresh()
    now[0] += 6
    await sessions.refresh()
    assert named.asked == 3


async def test_asks_nobody_where_no_kernel_runs() -> None:
    named = Named()
    await Sessions({"kernel_manager": Kernels(), "session_manager": named}).refresh()
    assert named.asked == 0


@pytest.mark.parametrize("manager", [None, SimpleNamespace(terminals={})])
def test_terminals_may_be_switched_off(manager: Any) -> None:
    assert Sessions({"kernel_manager": None, "terminal_manager": manager}).terminals() == []


async def test_one_bad_look_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    settings: dict[str, Any] = {"last_activity_times": {}, "kernel_manager": None}
    later = []
    loop = SimpleNamespace(call_later=lambda seconds, call: later.append(call))
    watch = Watch(
        Activity(settings, threshold_percent=5),
        Sessions(settings),
        OwnProcesses(),
        loop=loop,  # type: ignore[arg-type]
    )
    watch.start()
    assert later == [watch.start]
    assert len(caplog.records) == 1
    assert "Traceback" not in caplog.text


def test_a_shell_that_has_ended_has_no_program(tmp_path: Any) -> None:
    assert first_child(4711, proc=tmp_path) is None
