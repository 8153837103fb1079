"""What NVIDIA's driver says in bits and numbers, in words for people. Pure.

Clock event reasons: https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html
Xid errors: https://docs.nvidia.com/deploy/xid-errors/
"""

from __future__ import annotations

from typing import Final

from jupyterlab_studiolo.devices import Throttle
from jupyterlab_studiolo.said import Said

_HW_SLOWDOWN: Final = 0x8
_HW_CAUSES: Final = 0x40 | 0x80

# Bit 0 says that the GPU is idle, which holds nobody back.
_THROTTLES: Final = {
    0x2: Throttle("applications_clocks", Said("held to clocks that an administrator set")),
    0x4: Throttle("sw_power_cap", Said("slowed down: at its power limit")),
    _HW_SLOWDOWN: Throttle(
        "hw_slowdown", Said("slowed down by its hardware: heat or power"), "warning"
    ),
    0x10: Throttle("sync_boost", Said("held in step with other GPUs")),
    0x20: Throttle("sw_thermal", Said("slowed down: hot"), "warning"),
    0x40: Throttle("hw_thermal", Said("slowed down: too hot"), "warning"),
    0x80: Throttle("hw_power_brake", Said("slowed down: its power supply asks for it"), "warning"),
    0x100: Throttle("display_clocks", Said("held to clocks that a display set")),
}

_XIDS: Final = {
    13: Said("A program did something that the GPU cannot do."),
    31: Said("A program used GPU memory that it does not have."),
    43: Said("A program was ended after an error of its own."),
    45: Said("A program was ended, and its work on the GPU cleaned up."),
    48: Said("GPU memory failed beyond repair (double-bit ECC error)."),
    61: Said("The GPU's microcontroller reports a fault."),
    62: Said("The GPU's microcontroller stopped."),
    63: Said("The GPU set a failing piece of its memory aside."),
    64: Said("The GPU could not set a failing piece of its memory aside."),
    74: Said("The link between GPUs (NVLink) failed."),
    79: Said("The GPU has fallen off the bus."),
    92: Said("The GPU corrects many memory errors."),
    94: Said("GPU memory failed; only the program that used it is hurt."),
    95: Said("GPU memory failed; every program on this GPU may be hurt."),
    119: Said("The GPU's system processor did not answer in time."),
    120: Said("The GPU's system processor failed."),
}


def throttles(bits: int) -> tuple[Throttle, ...]:
    """The reasons in a bit field of clock event reasons, the plainest ones only."""
    if bits & _HW_CAUSES:
        bits &= ~_HW_SLOWDOWN  # it is the sum of the other two
    return tuple(reason for bit, reason in _THROTTLES.items() if bits & bit)


def xid_text(code: int) -> Said:
    """One sentence for an Xid."""
    return _XIDS.get(code, Said("The driver reports error Xid %1.", code))
