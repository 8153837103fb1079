"""Whether an image can work here, by what its configuration says: its labels and its environment.

Pure. Says no only where the image itself states something that does not fit; what it does not state
counts as fine, since most images state nothing. Where machines differ, it is enough that one fits:
what happens on the others is seen when it happens. The labels are those of images/README.md; the
environment's ``NVIDIA_REQUIRE_*`` are what the NVIDIA container runtime checks when it starts a
container: https://github.com/NVIDIA/libnvidia-container
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from packaging.version import InvalidVersion, Version

from studiolo_spawner.causes import Cause, cause
from studiolo_spawner.registry_manifest import Platform
from studiolo_spawner.translation import translate as _

JUPYTERHUB_LABEL: Final = "dev.studiolo.jupyterhub"
NO_JUPYTERHUB: Final = "none"
"""What the label says of an image that cannot be a workspace."""

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
_REQUIRE: Final = "NVIDIA_REQUIRE_"
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_MAX_TEXT: Final = 4096


@dataclass(frozen=True, slots=True)
class Host:
    """A kind of machine; None where it does not say, or where no NVIDIA GPU is handed out."""

    platform: Platform | None = None
    driver: str | None = None
    """The version of its NVIDIA driver."""
    cuda: str | None = None
    """The CUDA version that this driver supports."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an image has to fit, as far as it is known."""

    hub: str | None = None
    """The hub's version of JupyterHub."""
    hosts: frozenset[Host] = frozenset()
    """The kinds of machines that the workspace may run on; empty: none is known."""
    nvidia: bool = False
    """Whether the workspace gets an NVIDIA GPU."""
    platforms: tuple[Platform, ...] = ()
    """The platforms of these machines, the most frequent one first; empty: not known."""


ANYWHERE: Final = Surroundings()


def broken_contract(
    labels: Mapping[str, str], environment: Mapping[str, str], surroundings: Surroundings
) -> Cause | None:
    """Why the image cannot work in these surroundings, or None."""
    stated = labels.get(JUPYTERHUB_LABEL, "").strip()
    if stated.lower() == NO_JUPYTERHUB:
        return cause("no_singleuser")
    server, hub = _version(stated), _version(surroundings.hub)
    # JupyterHub keeps hub and server compatible within one major version and with newer servers
    if server is not None and hub is not None and server.major < hub.major:
        return cause("singleuser_too_old")
    hosts = surroundings.hosts
    if hosts and not any(fits_gpu(environment, host) for host in hosts):
        return cause("driver_too_old")
    return None


def not_checked(environment: Mapping[str, str], surroundings: Surroundings) -> str:
    """What of the image's own demands nobody could check, in a sentence; empty when all was."""
    if not surroundings.nvidia or fits_gpu(environment, _OLDEST):
        return ""
    if any(host.driver or host.cuda for host in surroundings.hosts):
        return ""
    return _(
        "The image asks for a certain GPU driver; no machine of this profile says which one it "
        "has, so this was not checked."
    )


def fits_gpu(environment: Mapping[str, str], host: Host) -> bool:
    """Whether every ``NVIDIA_REQUIRE_*`` of the image may hold on this machine."""
    if environment.get("NVIDIA_DISABLE_REQUIRE", "").lower() in _TRUE:
        return True
    demands = [value for name, value in environment.items() if name.startswith(_REQUIRE)]
    if not demands:
        return True
    known = {"cuda": _version(host.cuda), "driver": _version(host.driver)}
    return all(_may_hold(value[:_MAX_TEXT], known) for value in demands)


# What no demand for a driver holds on: tells whether an image has one.
_OLDEST: Final = Host(driver="0", cuda="0")


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
    return _parsed(text[:64]) if text else None


# At every start the same few texts are read. Bounded, since images bring theirs along.
@lru_cache(maxsize=1024)
def _parsed(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
