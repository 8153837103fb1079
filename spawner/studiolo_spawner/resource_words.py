"""What kinds of device are called in sentences: GPUs, shares and slices of GPUs, others. Pure."""

from __future__ import annotations

_KINDS = {
    "nvidia.com/gpu": "GPU",
    "nvidia.com/gpu.shared": "GPU share",
    "amd.com/gpu": "AMD GPU",
    "gpu.intel.com/i915": "Intel GPU",
    "gpu.intel.com/xe": "Intel GPU",
}
_MIG = "nvidia.com/mig-"
_SHARED = ".shared"


def devices(resource: str, count: int) -> str:
    """`GPU`, `GPUs`, `GPU slices (1g.10gb)`; a kind that is not known goes by its resource."""
    plural = "" if count == 1 else "s"
    if resource in _KINDS:
        return f"{_KINDS[resource]}{plural}"
    if resource.startswith(_MIG):
        size = resource.removeprefix(_MIG)
        kind = "GPU slice share" if size.endswith(_SHARED) else "GPU slice"
        return f"{kind}{plural} ({size.removesuffix(_SHARED)})"
    if resource.endswith(_SHARED):
        return f"share{plural} of {resource.removesuffix(_SHARED)}"
    return f"device{plural} of the kind {resource}"


def counted(resource: str, count: int) -> str:
    """`1 GPU`, `4 GPUs`."""
    return f"{count} {devices(resource, count)}"
