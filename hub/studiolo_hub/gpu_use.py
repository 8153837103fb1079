"""What workspaces' GPUs do, as the workspaces themselves said last. Pure, in memory, bounded.

A workspace tells its hub about once a minute what its own sampler has read. Shown is what was told
and when; what is old is forgotten and never guessed. It comes from within a workspace, so it is
checked like anybody's input and believed only about that workspace.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from studiolo_spawner.spoken import number
from studiolo_spawner.translation import translate as _

from studiolo_hub.answers import Refused

MOST_DEVICES = 64
MOST_BYTES = 2**50
FRESH = timedelta(minutes=5)


@dataclass(frozen=True)
class GpuUse:
    """One device: how busy it is and how much of its memory is in use; None where not known."""

    index: int
    utilisation_percent: float | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None

    @property
    def words(self) -> str:
        """Such as “37 %, 12 of 80 GiB”."""
        told = []
        if self.utilisation_percent is not None:
            told.append(f"{self.utilisation_percent:.0f} %")
        if self.memory_used_bytes is not None and self.memory_total_bytes:
            used, total = _gib(self.memory_used_bytes), _gib(self.memory_total_bytes)
            told.append(_("%(used)s of %(total)s GiB") % {"used": used, "total": total})
        return ", ".join(told)


@dataclass(frozen=True)
class Use:
    """What a workspace said, and when."""

    at: datetime
    gpus: tuple[GpuUse, ...]


def read_use(body: Mapping[str, object], at: datetime) -> Use:
    """Read what a workspace sent. Raises Refused for what is no report."""
    gpus = body.get("gpus")
    if body.get("version") != 1 or not isinstance(gpus, list) or len(gpus) > MOST_DEVICES:
        raise _no_report()
    return Use(at, tuple(_device(each) for each in gpus))


class UseBook:
    """The last word of every workspace; the oldest make room."""

    def __init__(self, *, limit: int = 10_000) -> None:
        self._uses: OrderedDict[tuple[str, str], Use] = OrderedDict()
        self._limit = limit

    def __deepcopy__(self, _memo: object) -> Self:
        """Stay one: JupyterHub copies its configuration."""
        return self

    def note(self, user_name: str, server_name: str, use: Use) -> None:
        """Take note of a report."""
        self._uses.pop((user_name, server_name), None)
        self._uses[user_name, server_name] = use
        while len(self._uses) > self._limit:
            self._uses.popitem(last=False)

    def of(
        self, user_name: str, server_name: str, now: datetime, started: datetime | None
    ) -> Use | None:
        """Return the last word, unless it is old or of an earlier start."""
        use = self._uses.get((user_name, server_name))
        if use is None or now - use.at > FRESH or (started is not None and use.at < started):
            return None
        return use


def _device(value: object) -> GpuUse:
    if not isinstance(value, Mapping):
        raise _no_report()
    index = _number(value.get("index"), 1024)
    used, total = (_number(value.get(f"memory_{name}_bytes"), MOST_BYTES) for name in _AMOUNTS)
    return GpuUse(
        index=int(index or 0),
        utilisation_percent=_number(value.get("utilisation_percent"), 100),
        memory_used_bytes=None if used is None else int(used),
        memory_total_bytes=None if total is None else int(total),
    )


_AMOUNTS = ("used", "total")


def _number(value: object, most: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise _no_report()
    return float(value)


def _gib(value: int) -> str:
    gib = value / 2**30
    return number(round(gib)) if gib >= 10 else number(round(gib, 1))


def _no_report() -> Refused:
    return Refused(400, "bad_request", _("That is no report of what GPUs do."))
