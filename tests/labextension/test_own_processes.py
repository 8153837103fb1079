"""Whose a process is: real ones, and made-up trees of /proc for containers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from jupyterlab_studiolo.own_processes import CUDA_DEVICE, OwnProcesses, program_name

SERVER = 10


class Proc:
    """A made-up /proc."""

    def __init__(self, root: Path, own_group: str = "0::/pod/a\n") -> None:
        self.root = root
        self.add(SERVER, 1, "0::/pod/a\n", ["python", "-m", "jupyterhub.singleuser"])
        (root / "self").mkdir()
        (root / "self" / "cgroup").write_text(own_group)

    def add(
        self,
        pid: int,
        parent: int,
        group: str,
        arguments: list[str],
        *,
        tgid: int | None = None,
        files: tuple[str, ...] = (),
    ) -> None:
        folder = self.root / str(pid)
        (folder / "fd").mkdir(parents=True)
        name = arguments[0].rpartition("/")[2]
        rest = " ".join(["S", str(parent), *["0"] * 9, "100", "50", *["0"] * 6, str(pid * 7)])
        (folder / "stat").write_text(f"{pid} ({name}) {rest} 0 0\n")
        (folder / "cgroup").write_text(group)
        (folder / "cmdline").write_text("\0".join(arguments) + "\0")
        (folder / "status").write_text(f"Name:\t{name}\nTgid:\t{tgid or pid}\nPid:\t{pid}\n")
        for number, target in enumerate(files):
            (folder / "fd" / str(number)).symlink_to(target)

    def own(self, *, contained: bool) -> OwnProcesses:
        return OwnProcesses(server=SERVER, contained=contained, proc=self.root)


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    made = Proc(tmp_path)
    made.add(20, SERVER, "0::/pod/a\n", ["python3", "-m", "ipykernel_launcher", "-f", "k.json"])
    made.add(21, 20, "0::/pod/a/below\n", ["/usr/bin/python3.11", "-u", "/home/a/train.py", "-x"])
    made.add(22, 1, "0::/pod/a\n", ["nohup-ed"])
    made.add(30, 1, "0::/pod/b\n", ["neighbour"])
    made.add(31, SERVER, "0::/../b\n", ["neighbour with a namespace of groups"])
    made.add(32, 1, "0::/pod/abc\n", ["neighbour of a similar name"])
    made.add(40, SERVER, "0::/pod/a\n", ["python3"], tgid=20)  # a thread of 20
    return made


@pytest.mark.parametrize(
    ("contained", "own"),
    [
        pytest.param(True, [10, 20, 20, 21, 22], id="in a container"),
        pytest.param(False, [10, 20, 20, 21], id="on a plain machine"),
    ],
)
def test_own_are_those_of_our_group(proc: Proc, contained: bool, own: list[int]) -> None:
    processes = proc.own(contained=contained)
    found = [processes.find(pid) for pid in (10, 20, 21, 22, 30, 31, 32, 40, 0, -1, 99999)]
    assert sorted(each.pid for each in found if each) == own


def test_names_and_ancestors(proc: Proc) -> None:
    found = proc.own(contained=True).find(21)
    assert found is not None
    assert (found.name, found.ancestors[:2]) == ("train.py", (20, SERVER))


def test_what_a_notebook_started_stays_its_own_when_the_parent_ends(proc: Proc) -> None:
    processes = proc.own(contained=True)
    processes.find(21)
    stat = proc.root / "21" / "stat"
    stat.write_text(stat.read_text().replace("S 20 ", "S 1 "))
    found = processes.find(21)
    assert found is not None
    assert 20 in found.ancestors


def test_a_number_that_is_used_again_is_another_process(proc: Proc) -> None:
    processes = proc.own(contained=True)
    assert processes.find(21) is not None
    stat = proc.root / "21" / "stat"
    stat.write_text(stat.read_text().replace("147 0 0", "999 0 0"))
    (proc.root / "21" / "cgroup").write_text("0::/pod/b\n")
    assert processes.find(21) is None


@pytest.mark.parametrize(
    ("files", "device", "uses"),
    [
        ((), "/dev/nvidia", False),
        (("/dev/null", "/dev/nvidia0"), "/dev/nvidia", True),
        (("/dev/nvidiactl", "/dev/nvidia0"), CUDA_DEVICE, False),
        (("/dev/nvidia-uvm",), CUDA_DEVICE, True),
    ],
)
def test_tells_who_uses_a_gpu_by_open_files(
    proc: Proc, files: tuple[str, ...], device: str, uses: bool
) -> None:
    proc.add(50, SERVER, "0::/pod/a\n", ["python3", "a.py"], files=files)
    processes = proc.own(contained=True)
    assert processes.uses_nvidia(50, device) is uses
    assert [each.pid for each in processes.cuda_users()] == ([50] if "uvm" in str(files) else [])


def test_files_that_are_not_ours_to_see(proc: Proc) -> None:
    assert proc.own(contained=True).uses_nvidia(99999) is None


def test_this_process_and_its_threads() -> None:
    own = OwnProcesses(contained=False)
    let, numbers = threading.Event(), []

    def stay() -> None:
        numbers.append(threading.get_native_id())
        let.wait(10)

    thread = threading.Thread(target=stay)
    thread.start()
    while not numbers:
        pass
    found = own.find(numbers[0])
    let.set()
    thread.join()
    assert found is not None
    assert found.pid == os.getpid()
    assert own.find(1) is None


def test_tells_the_load_of_a_program() -> None:
    now = [0.0]
    own = OwnProcesses(contained=False, clock=lambda: now[0])
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time\nwhile time.process_time() < 0.4: pass\nprint()\ninput()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as busy:
        first = own.find(busy.pid)
        assert busy.stdout is not None
        busy.stdout.readline()
        now[0] = 2.0
        second = own.find(busy.pid)
        busy.communicate(b"\n")
    assert first is not None
    assert second is not None
    assert first.cpu_percent is None
    assert second.cpu_percent is not None
    assert 5 <= second.cpu_percent <= 50


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["/usr/bin/python3", "-m", "torch.distributed.run", "a.py"], "torch.distributed.run"),
        (["python", "/a/b/train.py"], "train.py"),
        (["python3.12", "-W", "error", "x.py"], "x.py"),
        (["python", "-c", "import x"], "python"),
        (["python"], "python"),
        (["python", "-m"], "python"),
        (["/opt/bin/blender", "-b"], "blender"),
        ([], "comm"),
        (["evil\x1b[31m\nname"], "evil[31mname"),
        (["x" * 500], "x" * 64),
    ],
)
def test_names_for_people(arguments: list[str], name: str) -> None:
    assert program_name(arguments, "comm") == name


def test_an_interpreter_that_is_about_to_begin_or_has_ended_has_no_arguments() -> None:
    assert program_name([], "python3") == "python3"
