"""What NVIDIA's driver says in bits and numbers, in words for people. Pure.

Clock event reasons: https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html
Xid errors: https://docs.nvidia.com/deploy/xid-errors/
"""

from __future__ import annotations

from typing import Final

from jupyterlab_studiolo.devices import Throttle

_HW_SLOWDOWN: Final = 0x8
_HW_CAUSES: Final = 0x40 | 0x80

# Bit 0 says that the GPU is idle, which holds nobody back.
_THROTTLES: Final = {
    0x2: Throttle("applications_clocks", "held to clocks that an administrator set"),
    0x4: Throttle("sw_power_cap", "slowed down: at its power limit"),
    _HW_SLOWDOWN: Throttle("hw_slowdown", "slowed down by its hardware: heat or power", "warning"),
    0x10: Throttle("sync_boost", "held in step with other GPUs"),
    0x20: Throttle("sw_thermal", "slowed down: hot", "warning"),
    0x40: Throttle("hw_thermal", "slowed down: too hot", "warning"),
    0x80: Throttle("hw_power_brake", "slowed down: its power supply asks for it", "warning"),
    0x100: Throttle("display_clocks", "held to clocks that a display set"),
}

_XIDS: Final = {
    13: "A program did something that the GPU cannot do.",
    31: "A program used GPU memory that it does not have.",
    43: "A program was ended after an error of its own.",
    45: "A program was ended, and its work on the GPU cleaned up.",
    48: "GPU memory failed beyond repair (double-bit ECC error).",
    61: "The GPU's microcontroller reports a fault.",
    62: "The GPU's microcontroller stopped.",
    63: "The GPU set a failing piece of its memory aside.",
    64: "The GPU could not set a failing piece of its memory aside.",
    74: "The link between GPUs (NVLink) failed.",
    79: "The GPU has fallen off the bus.",
    92: "The GPU corrects many memory errors.",
    94: "GPU memory failed; only the program that used it is hurt.",
    95: "GPU memory failed; every program on this GPU may be hurt.",
    119: "The GPU's system processor did not answer in time.",
    120: "The GPU's system processor failed.",
}


def throttles(bits: int) -> tuple[Throttle, ...]:
    """The reasons in a bit field of clock event reasons, the plainest ones only."""
    if bits & _HW_CAUSES:
        bits &= ~_HW_SLOWDOWN  # it is the sum of the other two
    return tuple(reason for bit, reason in _THROTTLES.items() if bits & bit)


def xid_text(code: int) -> str:
    """One sentence for an Xid."""
    return _XIDS.get(code, f"The driver reports error Xid {code}.")
