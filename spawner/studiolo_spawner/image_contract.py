"""Whether an image can work here, by what its configuration says: its labels and its environment.

Pure. Says no only where the image itself states something that does not fit; what it does not state
counts as fine, since most images state nothing. The labels are those of images/README.md; the
environment's ``NVIDIA_REQUIRE_*`` are what the NVIDIA container runtime checks when it starts a
container: https://github.com/NVIDIA/libnvidia-container
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from packaging.version import InvalidVersion, Version

from studiolo_spawner.causes import Cause, cause

JUPYTERHUB_LABEL: Final = "dev.studiolo.jupyterhub"

# Longer operators first, or ">=" would be read as ">"
_CONSTRAINT = re.compile(r"(cuda|driver|arch|brand)(>=|<=|!=|=|>|<)([A-Za-z0-9.]{1,32})")
_COMPARE: Final[Mapping[str, Callable[[Version, Version], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "!=": operator.ne,
}
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_MAX_TEXT: Final = 4096


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an image has to fit; None where it is not known, or where there is no GPU."""

    hub: str | None = None
    """The hub's version of JupyterHub."""
    driver: str | None = None
    """The lowest version of the GPU driver on the profile's machines: GPU feature discovery's label
    nvidia.com/cuda.driver-version.full."""
    cuda: str | None = None
    """The lowest CUDA version that these drivers support: nvidia.com/cuda.runtime-version.full."""


ANYWHERE: Final = Surroundings()


def broken_contract(
    labels: Mapping[str, str], environment: Mapping[str, str], surroundings: Surroundings
) -> Cause | None:
    """Why the image cannot work in these surroundings, or None."""
    server, hub = _version(labels.get(JUPYTERHUB_LABEL)), _version(surroundings.hub)
    # JupyterHub keeps hub and server compatible within one major version and with newer servers
    if server is not None and hub is not None and server.major < hub.major:
        return cause("singleuser_too_old")
    if not fits_gpu(environment, surroundings):
        return cause("driver_too_old")
    return None


def fits_gpu(environment: Mapping[str, str], surroundings: Surroundings) -> bool:
    """Whether every ``NVIDIA_REQUIRE_*`` of the image may hold with these drivers."""
    if environment.get("NVIDIA_DISABLE_REQUIRE", "").lower() in _TRUE:
        return True
    known = {"cuda": _version(surroundings.cuda), "driver": _version(surroundings.driver)}
    return all(
        _may_hold(value[:_MAX_TEXT], known)
        for name, value in environment.items()
        if name.startswith("NVIDIA_REQUIRE_")
    )


def _may_hold(requirement: str, known: Mapping[str, Version | None]) -> bool:
    """Alternatives are separated by spaces, what one of them demands together by commas."""
    alternatives = requirement.split()
    return not alternatives or any(
        all(_may_be(constraint, known) for constraint in alternative.split(","))
        for alternative in alternatives
    )


def _may_be(constraint: str, known: Mapping[str, Version | None]) -> bool:
    """False only for what is known not to hold; GPU models and brands are for the runtime."""
    read = _CONSTRAINT.fullmatch(constraint)
    if read is None:
        return True
    ours, wanted = known.get(read[1]), _version(read[3])
    return ours is None or wanted is None or _COMPARE[read[2]](ours, wanted)


def _version(text: str | None) -> Version | None:
    if not text:
        return None
    try:
        return Version(text[:64])
    except InvalidVersion:
        return None
