"""Intel's figures from a made-up /sys and /proc."""

from __future__ import annotations

from pathlib import Path

import pytest
from jupyterlab_studiolo.devices import GpuSample, Reading, State
from jupyterlab_studiolo.intel import IntelReader, Usage, usage_of
from jupyterlab_studiolo.own_processes import OwnProcesses

from tests.labextension.test_own_processes import SERVER, Proc

ADDRESS = "0000:03:00.0"
MIB = 1024**2


class World:
    """One Intel card, one of another vendor, two programs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 100.0
        (root / "proc").mkdir()
        self.proc = Proc(root / "proc")
        self.proc.add(20, SERVER, "0::/pod/a\n", ["python3", "train.py"])
        self.proc.add(30, 1, "0::/pod/b\n", ["neighbour"])
        card = "sys/class/drm/card1"
        self.write(f"{card}/device/vendor", "0x8086\n")
        self.write(f"{card}/device/uevent", f"DRIVER=xe\nPCI_SLOT_NAME={ADDRESS}\n")
        self.write(f"{card}/device/tile0/gt0/freq0/act_freq", "1200\n")
        self.write(f"{card}/device/tile0/gt0/freq0/max_freq", "2400\n")
        self.write(f"{card}/device/hwmon/hwmon3/temp1_input", "54000\n")
        self.write(f"{card}/device/hwmon/hwmon3/energy1_input", "1000000\n")
        self.write(f"{card}/device/hwmon/hwmon3/power1_max", "190000000\n")
        self.write("sys/class/drm/card0/device/vendor", "0x10de\n")
        self.write("sys/class/drm/card1-DP-1/status", "connected\n")

    def write(self, path: str, text: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def uses(self, pid: int, file: int, busy_ns: int, mib: int, client: int = 1) -> None:
        self.write(
            f"proc/{pid}/fdinfo/{file}",
            f"pos:\t0\ndrm-driver:\txe\ndrm-pdev:\t{ADDRESS}\ndrm-client-id:\t{client}\n"
            f"drm-resident-vram0:\t{mib} MiB\ndrm-engine-compute:\t{busy_ns} ns\n"
            "drm-engine-video:\t999 ns\n",
        )

    def reader(self, *, shared: bool = False) -> IntelReader:
        own = OwnProcesses(server=SERVER, contained=True, proc=self.root / "proc")
        return IntelReader(own, shared=shared, root=self.root, clock=lambda: self.now)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def card(reading: Reading) -> GpuSample:
    (sample,) = reading.samples
    return sample


def test_tells_clocks_heat_and_power(world: World) -> None:
    reader = world.reader()
    reader.read()
    world.now += 2
    world.write("sys/class/drm/card1/device/hwmon/hwmon3/energy1_input", "101000000\n")
    sample = card(reader.read())
    figures = sample.figures
    assert (sample.id, sample.vendor, sample.index) == (ADDRESS, "intel", 1)
    assert (figures.clock_sm_mhz, figures.clock_sm_max_mhz) == (1200, 2400)
    assert (figures.temperature_celsius, figures.power_limit_watts) == (54, 190)
    assert figures.power_watts == 50


def test_load_and_memory_are_those_of_own_programs(world: World) -> None:
    reader = world.reader(shared=True)
    world.uses(20, 5, 0, 300)
    world.uses(20, 6, 0, 300)  # the same client by another number
    world.uses(30, 5, 0, 4000, client=2)
    first = card(reader.read())
    assert first.figures.utilisation_percent is None  # of one moment there is no load
    world.now += 2
    world.uses(20, 5, 10**9, 300)
    world.uses(20, 6, 10**9, 300)
    world.uses(30, 5, 2 * 10**9, 4000, client=2)
    reading = reader.read()
    sample = card(reading)
    assert sample.figures.utilisation_percent == 50
    assert sample.figures.memory_used_bytes == 300 * MIB
    assert sample.own is not None
    assert sample.own.utilisation_percent == 50
    assert [(each.pid, each.memory_bytes) for each in reading.processes or ()] == [(20, 300 * MIB)]


def test_a_card_at_which_nobody_of_ours_works_is_idle(world: World) -> None:
    assert card(world.reader().read()).figures.utilisation_percent == 0


def test_no_card(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    Proc(tmp_path / "proc")
    own = OwnProcesses(server=SERVER, contained=True, proc=tmp_path / "proc")
    reading = IntelReader(own, root=tmp_path).read()
    assert (reading.state, reading.samples) == (State.NO_DEVICE, ())


@pytest.mark.parametrize(
    ("text", "usage"),
    [
        ("", None),
        ("drm-pdev:\t0000:04:00.0\ndrm-engine-render:\t5 ns\n", None),
        (f"drm-pdev:\t{ADDRESS}\n", Usage(0, None)),
        (f"drm-pdev:\t{ADDRESS}\ndrm-engine-render:\tmany ns\n", Usage(0, None)),
        (
            f"drm-pdev:\t{ADDRESS}\ndrm-engine-render:\t5 ns\ndrm-resident-system0:\t7 KiB\n",
            Usage(7 * 1024, 5),
        ),
    ],
)
def test_reads_what_the_kernel_tells_of_a_file(
    tmp_path: Path, text: str, usage: Usage | None
) -> None:
    folder = tmp_path / "fdinfo"
    folder.mkdir()
    (folder / "3").write_text(text)
    assert usage_of(tmp_path, ADDRESS) == usage
