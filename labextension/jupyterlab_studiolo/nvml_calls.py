"""Calls of NVML that may be missing. I/O: each can block.

Guarantees: what a driver or a device does not have is None and asked once only for each opening of
the driver, so that an old card does not cost an exception with every sample; every other failure
is raised.
"""

from __future__ import annotations

from typing import Any


class NvmlCalls:
    """`nvml` is the module pynvml; `key` names the device in `ask`."""

    def __init__(self, nvml: Any) -> None:
        self.nvml = nvml
        self._missing: set[tuple[str, str]] = set()
        self._never = (nvml.NVMLError_NotSupported, nvml.NVMLError_FunctionNotFound)
        self._not_now = (
            nvml.NVMLError_NoPermission,
            nvml.NVMLError_InvalidArgument,
            nvml.NVMLError_NotFound,
            nvml.NVMLError_ArgumentVersionMismatch,
        )

    def ask(self, key: str, call: str, *arguments: Any) -> Any:
        """The answer of the function of that name, or None where there is none.

        For a function that tells several things, `key` must tell them apart.
        """
        place = (key, call)
        if place in self._missing:
            return None
        try:
            return getattr(self.nvml, call)(*arguments)
        except self._never:
            self._missing.add(place)
            return None
        except self._not_now:
            return None
