"""CPU, memory and disk from made-up trees of control groups."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from jupyterlab_studiolo import machine as module
from jupyterlab_studiolo.machine import DiskWatch, Machine, MachineReader, disk_of

GIB = 1024**3
MEMINFO = "MemTotal:       16777216 kB\nMemFree: 1 kB\nMemAvailable:    12582912 kB\n"
V2 = {
    "proc/self/cgroup": "0::/\n",
    "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
    "sys/fs/cgroup/cpu.stat": "usage_usec 5000000\nuser_usec 1\n",
    "sys/fs/cgroup/cpu.max": "200000 100000\n",
    "sys/fs/cgroup/memory.current": f"{3 * GIB}\n",
    "sys/fs/cgroup/memory.max": f"{4 * GIB}\n",
    "sys/fs/cgroup/memory.stat": f"anon 1\ninactive_file {GIB}\n",
}
V1 = {
    "proc/self/cgroup": "4:memory:/pod/a\n2:cpu,cpuacct:/pod/a\n0::/\n",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/cpuacct/cpuacct.usage": "5000000000\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "999\n",
    "sys/fs/cgroup/memory/pod/a/memory.usage_in_bytes": f"{3 * GIB}\n",
    "sys/fs/cgroup/memory/pod/a/memory.limit_in_bytes": f"{4 * GIB}\n",
    "sys/fs/cgroup/memory/pod/a/memory.stat": f"cache 1\ntotal_inactive_file {GIB}\n",
}


class World:
    """A tree of files and a clock."""

    def __init__(self, root: Path, files: dict[str, str]) -> None:
        self.root = root
        self.now = 100.0
        for path, text in ({"proc/meminfo": MEMINFO} | files).items():
            self.write(path, text)

    def write(self, path: str, text: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "latin-1")

    def reader(self, **environment: str) -> MachineReader:
        return MachineReader(
            home=None, environment=environment, root=self.root, clock=lambda: self.now
        )


def after_two_seconds(world: World, path: str, text: str, **environment: str) -> Machine:
    reader = world.reader(**environment)
    assert reader.read().cpu.percent is None
    world.now += 2
    world.write(path, text)
    return reader.read()


def test_cgroup_v2(tmp_path: Path) -> None:
    world = World(tmp_path, V2)
    found = after_two_seconds(world, "sys/fs/cgroup/cpu.stat", "usage_usec 6000000\n")
    assert found.cpu == (0.5, 2.0, 25.0, "cgroup2")
    assert found.memory == (2 * GIB, 4 * GIB, 50.0, "cgroup2")


def test_cgroup_v1(tmp_path: Path) -> None:
    world = World(tmp_path, V1)
    usage = "sys/fs/cgroup/cpuacct/cpuacct.usage"
    found = after_two_seconds(world, usage, "5500000000\n")
    assert found.cpu == (0.25, 0.5, 50.0, "cgroup1")
    assert found.memory == (2 * GIB, 4 * GIB, 50.0, "cgroup1")


def test_without_limits_the_machine_is_the_limit(tmp_path: Path) -> None:
    free = {"sys/fs/cgroup/cpu.max": "max 100000\n", "sys/fs/cgroup/memory.max": "max\n"}
    found = World(tmp_path, V2 | free).reader().read()
    assert found.cpu.limit_cores is None
    assert found.memory.limit_bytes == 16 * GIB


def test_v1_says_no_limit_with_a_huge_number(tmp_path: Path) -> None:
    free = {
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/memory/pod/a/memory.limit_in_bytes": "9223372036854771712\n",
    }
    found = World(tmp_path, V1 | free).reader().read()
    assert found.cpu.limit_cores is None
    assert found.memory.limit_bytes == 16 * GIB


def test_takes_what_the_hub_tells_where_it_is_less(tmp_path: Path) -> None:
    reader = World(tmp_path, V2).reader(CPU_LIMIT="1.0", MEM_LIMIT=str(3 * GIB))
    found = reader.read()
    assert (found.cpu.limit_cores, found.memory.limit_bytes) == (1.0, 3 * GIB)


def test_without_control_groups_it_is_the_machines(tmp_path: Path) -> None:
    found = World(tmp_path, {}).reader().read()
    assert found.memory == (4 * GIB, 16 * GIB, 25.0, "host")
    assert found.cpu == (None, None, None, "none")


def test_without_anything_nothing_is_told(tmp_path: Path) -> None:
    found = MachineReader(home=None, environment={}, root=tmp_path).read()
    assert found.memory == (None, None, None, "none")
    assert found.history() == {"cpu_percent": None, "memory_used_bytes": None}


@pytest.mark.parametrize("text", ["", "max\n", "garbage\n", "\x00\xff"])
def test_a_file_that_makes_no_sense_is_no_error(tmp_path: Path, text: str) -> None:
    broken = dict.fromkeys(V2, text) | {"proc/self/cgroup": "0::/\n"}
    World(tmp_path, broken).reader().read()


def test_this_machine() -> None:
    reader = MachineReader(home=None, environment={})
    memory = reader.read().memory
    assert memory.used_bytes is not None
    assert 0 < memory.used_bytes < (memory.limit_bytes or 0)


def test_the_disk_is_told_as_df_does(tmp_path: Path) -> None:
    disk = disk_of(str(tmp_path))
    assert disk is not None
    assert disk.used_bytes + disk.free_bytes == disk.total_bytes
    assert 0 <= disk.percent <= 100


def test_a_home_that_does_not_answer_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    let, asked = threading.Event(), []

    def hang(path: str) -> None:
        asked.append(path)
        let.wait(20)

    monkeypatch.setattr(module, "disk_of", hang)
    now = [0.0]
    watch = DiskWatch("/home", clock=lambda: now[0])
    for _ in range(100):
        assert watch.latest() is None
        now[0] += 60
    let.set()
    assert asked == ["/home"]


def test_a_home_that_is_gone_is_no_error() -> None:
    watch = DiskWatch("/nowhere/at/all")
    watch.latest()
    assert watch._thread is not None
    watch._thread.join(10)
    assert watch.latest() is None
