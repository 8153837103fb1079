"""Which NVIDIA devices there are: cards, or the MIG slices in place of a card that is cut up.

I/O: NVML calls. A card that is lost already is found, too, under the name it had before.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from jupyterlab_studiolo.devices import Condition, GpuSample, Kind, Sharing, is_simulated
from jupyterlab_studiolo.nvml_calls import NvmlCalls
from jupyterlab_studiolo.nvml_figures import NvmlDevice, figures_of_card
from jupyterlab_studiolo.said import Said

LOST: Final = Said(
    "The GPU does not answer any more (it has fallen off the bus). "
    "Save your work, stop the workspace and start it again."
)


class Found(NamedTuple):
    """A device; `handle` and `card` are None for one that is lost."""

    identity: GpuSample
    handle: Any
    card: Any
    card_id: str

    @property
    def device(self) -> NvmlDevice:
        """What is needed to ask for its figures."""
        return NvmlDevice(self.identity.id, self.handle, self.card, self.card_id)


def find_devices(
    calls: NvmlCalls, known: dict[int, GpuSample], *, shared: bool, mps: bool, driver: str
) -> tuple[Found, ...]:
    """All devices of this workspace. `known` keeps cards by index, for when they are lost."""
    finder = _Finder(calls, known, shared=shared, mps=mps, driver=driver)
    count = calls.nvml.nvmlDeviceGetCount()
    return tuple(device for index in range(count) for device in finder.find(index))


class _Finder:
    def __init__(
        self, calls: NvmlCalls, known: dict[int, GpuSample], *, shared: bool, mps: bool, driver: str
    ) -> None:
        self._calls = calls
        self._known = known
        self._shared = shared
        self._mps = mps
        self._driver = driver

    def find(self, index: int) -> list[Found]:
        """The card with this index, or its MIG slices where it is cut up."""
        nvml, ask = self._calls.nvml, self._calls.ask
        try:
            card = nvml.nvmlDeviceGetHandleByIndex(index)
            name, uuid = nvml.nvmlDeviceGetName(card), nvml.nvmlDeviceGetUUID(card)
        except nvml.NVMLError_GpuIsLost:
            unknown = GpuSample(f"gpu-{index}", f"GPU {index}", index, shared=self._shared)
            before = self._known.get(index, unknown)
            lost = before._replace(problem=LOST, condition=Condition.LOST)
            return [Found(lost, None, None, lost.id)]
        identity = GpuSample(
            uuid,
            name,
            index,
            shared=self._shared,
            sharing=self._sharing(card, uuid),
            simulated=self._simulated(name),
            of_card=figures_of_card(mig=False, shared=self._shared),
        )
        self._known[index] = identity
        mode = ask(uuid, "nvmlDeviceGetMigMode", card)
        if mode is None or mode[0] != nvml.NVML_DEVICE_MIG_ENABLE:
            return [Found(identity, card, card, uuid)]
        return self._slices(card, identity)

    def _slices(self, card: Any, parent: GpuSample) -> list[Found]:
        ask = self._calls.ask
        found = []
        for index in range(ask(parent.id, "nvmlDeviceGetMaxMigDeviceCount", card) or 0):
            key = f"{parent.id}/{index}"
            handle = ask(key, "nvmlDeviceGetMigDeviceHandleByIndex", card, index)
            if handle is None:  # an empty place, or a slice of another workspace
                continue
            name = ask(key, "nvmlDeviceGetName", handle) or parent.name
            sample = parent._replace(
                id=ask(key, "nvmlDeviceGetUUID", handle) or key,
                name=name,
                kind=Kind.MIG,
                parent=parent.id,
                simulated=self._simulated(name),
                of_card=figures_of_card(mig=True, shared=self._shared),
            )
            found.append(Found(sample, handle, card, parent.id))
        return found

    def _sharing(self, card: Any, uuid: str) -> Sharing | None:
        """How a shared card is shared: time slices need the driver's default compute mode."""
        if not self._shared:
            return None
        if self._mps:
            return Sharing.MPS
        mode = self._calls.ask(uuid, "nvmlDeviceGetComputeMode", card)
        default = mode == self._calls.nvml.NVML_COMPUTEMODE_DEFAULT
        return Sharing.TIME_SLICED if default else Sharing.UNKNOWN

    def _simulated(self, name: str) -> bool:
        return is_simulated(name) or is_simulated(self._driver)
