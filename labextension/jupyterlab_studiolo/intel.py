"""Intel GPUs by what the kernel shows: files below /sys/class/drm and /proc. I/O: reads files.

No library and no privilege is needed. Clocks, temperature and power come from sysfs; load and
memory are the sums over this workspace's own programs, which tell them in fdinfo: so they are never
a neighbour's, and a card at which only others work is at 0 %. Whatever a kernel does not show is
None.

https://docs.kernel.org/gpu/drm-usage-stats.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from jupyterlab_studiolo.devices import (
    Figures,
    GpuProcess,
    GpuSample,
    Own,
    Reading,
    Sharing,
    State,
)
from jupyterlab_studiolo.own_processes import OwnProcess, OwnProcesses
from jupyterlab_studiolo.said import Said

INTEL: Final = "0x8086"
DRIVERS: Final = ("i915", "xe")


class Card(NamedTuple):
    """A card of Intel's; `address` is its place on the PCI bus, which fdinfo names, too."""

    number: int
    folder: Path
    address: str
    driver: str


class Usage(NamedTuple):
    """What one program uses of one card; `busy` in nanoseconds since it began, if told."""

    memory: int
    busy: int | None


class IntelReader:
    """A `GpuReader` over files."""

    def __init__(
        self,
        own: OwnProcesses,
        *,
        shared: bool = False,
        root: Path = Path("/"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own = own
        self._shared = shared
        self._root = root
        self._clock = clock
        self._busy: dict[tuple[str, int], tuple[float, int]] = {}
        self._energy: dict[str, tuple[float, float]] = {}

    def read(self, *, full: bool = True) -> Reading:
        """Reads every card's files; see `GpuReader`."""
        cards = find_cards(self._root)
        now = self._clock()
        processes: list[GpuProcess] = []
        used = {card.address: self._users(card, now) for card in cards}
        for users in used.values():
            processes += users
        samples = tuple(self._sample(card, used[card.address], now) for card in cards)
        self._forget({(each.device, each.pid) for each in processes})
        return Reading(
            state=State.OK if samples else State.NO_DEVICE,
            taken_at=time.time(),
            message="" if samples else Said("No GPU of Intel's is in this workspace."),
            driver_version=cards[0].driver if cards else None,
            samples=samples,
            processes=tuple(processes),
            full=full,
        )

    def close(self) -> None:
        """Nothing is kept open."""

    def _sample(self, card: Card, users: list[GpuProcess], now: float) -> GpuSample:
        loads = [each.utilisation_percent for each in users]
        load = None if None in loads else min(100.0, sum(each or 0.0 for each in loads))
        memory = sum(each.memory_bytes or 0 for each in users)
        total = _number(card.folder / "device/mem_info_vram_total")
        figures = Figures(
            utilisation_percent=load,
            memory_used_bytes=memory,
            memory_total_bytes=None if total is None else int(total),
            temperature_celsius=self._sensor(card, "temp1_input", 1000),
            power_watts=self._power(card, now),
            power_limit_watts=self._sensor(card, "power1_max", 1e6),
            clock_sm_mhz=_clock(card, ("gt_act_freq_mhz", "device/tile0/gt0/freq0/act_freq")),
            clock_sm_max_mhz=_clock(card, ("gt_max_freq_mhz", "device/tile0/gt0/freq0/max_freq")),
        )
        return GpuSample(
            id=card.address,
            name=f"Intel GPU {card.address} ({card.driver})",
            index=card.number,
            vendor="intel",
            shared=self._shared,
            sharing=Sharing.UNKNOWN if self._shared else None,
            figures=figures,
            of_card=_OF_CARD if self._shared else (),
            own=Own(load, memory) if self._shared else None,
        )

    def _users(self, card: Card, now: float) -> list[GpuProcess]:
        found = []
        for pid in self._own.all():
            usage = usage_of(self._root / "proc" / str(pid), card.address)
            process = self._own.find(pid) if usage is not None else None
            if usage is not None and process is not None:
                found.append(self._user(card, process, usage, now))
        return found

    def _user(self, card: Card, process: OwnProcess, usage: Usage, now: float) -> GpuProcess:
        key = (card.address, process.pid)
        before = self._busy.get(key)
        load = None
        if usage.busy is not None:
            self._busy[key] = (now, usage.busy)
            if before is not None and now > before[0]:
                passed = (now - before[0]) * 1e9
                load = round(min(100.0, max(0.0, 100 * (usage.busy - before[1]) / passed)), 1)
        return GpuProcess(
            card.address,
            process.pid,
            process.name,
            usage.memory,
            load,
            process.cpu_percent,
            process.ancestors,
        )

    def _sensor(self, card: Card, name: str, scale: float) -> float | None:
        for folder in sorted(card.folder.glob("device/hwmon/hwmon*")):
            value = _number(folder / name)
            if value is not None:
                return value / scale
        return None

    def _power(self, card: Card, now: float) -> float | None:
        """From the running total of energy, in microjoules."""
        joules = self._sensor(card, "energy1_input", 1e6)
        if joules is None:
            return None
        before = self._energy.get(card.address)
        self._energy[card.address] = (now, joules)
        if before is None or now <= before[0] or joules < before[1]:
            return None
        return round((joules - before[1]) / (now - before[0]), 1)

    def _forget(self, seen: set[tuple[str, int]]) -> None:
        self._busy = {key: value for key, value in self._busy.items() if key in seen}


_OF_CARD: Final = (
    "temperature_celsius",
    "power_watts",
    "power_limit_watts",
    "clock_sm_mhz",
    "clock_sm_max_mhz",
)


def find_cards(root: Path = Path("/")) -> list[Card]:
    """Intel's cards that this workspace can see."""
    cards = []
    for folder in sorted(root.glob("sys/class/drm/card[0-9]*")):
        number = folder.name.removeprefix("card")
        if not number.isdecimal() or _text(folder / "device/vendor") != INTEL:
            continue
        told = dict(
            line.split("=", 1)
            for line in _text(folder / "device/uevent").splitlines()
            if "=" in line
        )
        driver = told.get("DRIVER", "")
        if driver in DRIVERS:
            address = told.get("PCI_SLOT_NAME", folder.name)
            cards.append(Card(int(number), folder, address, driver))
    return cards


def usage_of(process: Path, address: str) -> Usage | None:
    """What a program uses of the card, from the files that it has open; None when nothing.

    One file that was duplicated is told with each number, under one `drm-client-id`.
    """
    clients: dict[str, Usage] = {}
    try:
        entries = list((process / "fdinfo").iterdir())
    except OSError:  # it has ended, or is not ours to see
        return None
    for entry in entries:
        told = dict(
            line.split(":", 1) for line in _text(entry).splitlines() if line.startswith("drm-")
        )
        if told.get("drm-pdev", "").strip() == address:
            clients[told.get("drm-client-id", entry.name)] = _client(told)
    if not clients:
        return None
    busy = [usage.busy for usage in clients.values() if usage.busy is not None]
    return Usage(sum(usage.memory for usage in clients.values()), sum(busy) if busy else None)


def _client(told: dict[str, str]) -> Usage:
    busy = None
    memory = 0
    for key, value in told.items():
        words = value.split()
        if not words or not words[0].isdecimal():
            continue
        number = int(words[0]) * {"KiB": 1024, "MiB": 1024**2}.get(words[-1], 1)
        if key.startswith(("drm-engine-render", "drm-engine-compute")) and words[-1] == "ns":
            busy = (busy or 0) + number
        elif key.startswith("drm-resident-"):
            memory += number
    return Usage(memory, busy)


def _clock(card: Card, names: tuple[str, ...]) -> int | None:
    for name in names:
        value = _number(card.folder / name)
        if value is not None:
            return int(value)
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> float | None:
    text = _text(path)
    return float(text) if text.isdecimal() else None
