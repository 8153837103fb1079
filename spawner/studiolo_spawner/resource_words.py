"""What kinds of device are called in sentences: GPUs, shares and slices of GPUs, others. Pure."""

from __future__ import annotations

from studiolo_spawner.translation import translate_number

_MIG = "nvidia.com/mig-"
_SHARED = ".shared"


def devices(resource: str, count: int) -> str:
    """`GPU`, `GPUs`, `GPU slices (1g.10gb)`; a kind that is not known goes by its resource."""
    base = resource.removesuffix(_SHARED)
    if resource.startswith(_MIG):
        told = (
            translate_number("GPU slice (%(size)s)", "GPU slices (%(size)s)", count)
            if base == resource
            else translate_number(
                "GPU slice share (%(size)s)", "GPU slice shares (%(size)s)", count
            )
        )
        return told % {"size": base.removeprefix(_MIG)}
    match resource:
        case "nvidia.com/gpu":
            return translate_number("GPU", "GPUs", count)
        case "nvidia.com/gpu.shared":
            return translate_number("GPU share", "GPU shares", count)
        case "amd.com/gpu":
            return translate_number("AMD GPU", "AMD GPUs", count)
        case "gpu.intel.com/i915" | "gpu.intel.com/xe":
            return translate_number("Intel GPU", "Intel GPUs", count)
    if base != resource:
        return translate_number("share of %(kind)s", "shares of %(kind)s", count) % {"kind": base}
    told = translate_number("device of the kind %(kind)s", "devices of the kind %(kind)s", count)
    return told % {"kind": resource}


def counted(resource: str, count: int) -> str:
    """`1 GPU`, `4 GPUs`."""
    return f"{count} {devices(resource, count)}"
