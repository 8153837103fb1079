"""What a pod asks a machine for, as Kubernetes' scheduler adds it up. Pure.

All amounts are whole thousandths of a resource's unit, rounded up, so that they are exact where it
matters (`500m` processors, one GPU) and quick to add. What cannot be read counts as nothing: a pod
of somebody else's making must not stop the counting.

https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from studiolo_spawner.pod_view import Json, mapping, mappings, number, text

Amounts = dict[str, int]
"""Thousandths by resource."""

ONE = 1000
"""A whole unit."""

_QUANTITY = re.compile(r"([+-]?[0-9.]{1,40})(?:([numkKMGTPE]i?)|[eE]([+-]?[0-9]{1,3}))?", re.ASCII)
_UNITS: Mapping[str, Decimal] = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}


def thousandths(quantity: object) -> int:
    """A Kubernetes quantity (`4`, `500m`, `16Gi`, `1e3`) in thousandths, rounded up."""
    if isinstance(quantity, str):
        return _thousandths(quantity)
    return number(quantity) * ONE


@lru_cache(maxsize=4096)
def _thousandths(quantity: str) -> int:
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        return 0
    digits, unit, exponent = match.groups()
    try:
        value = Decimal(digits) * ONE
    except InvalidOperation:
        return 0
    if unit is not None:
        if unit not in _UNITS:
            return 0
        value *= _UNITS[unit]
    elif exponent is not None:
        value = value.scaleb(int(exponent))
    whole = int(value)
    return whole + 1 if value > whole else whole


def amounts(quantities: object) -> Amounts:
    """A mapping of quantities, such as a node's `allocatable`, in thousandths."""
    return {name: thousandths(quantity) for name, quantity in mapping(quantities).items()}


def requests_of(pod: Json) -> Amounts:
    """What a pod keeps of its machine: its containers together or its largest step before them.

    Init containers that stay (`restartPolicy: Always`) run beside all that comes after them.
    Requests of the pod as a whole stand above those of its containers; the overhead of its runtime
    class comes on top. The pod itself takes one of the machine's places for pods.
    """
    spec = mapping(pod.get("spec"))
    staying: Amounts = {}
    peak: Amounts = {}
    for container in mappings(spec.get("initContainers")):
        asked = _asked(container)
        if text(container.get("restartPolicy")) == "Always":
            add(staying, asked)
            _raise_to(peak, staying)
        else:
            _raise_to(peak, added(staying, asked))
    total = dict(staying)
    for container in mappings(spec.get("containers")):
        add(total, _asked(container))
    _raise_to(total, peak)
    total.update(_asked(spec))
    add(total, amounts(spec.get("overhead")))
    total["pods"] = ONE
    return total


def add(to: Amounts, more: Mapping[str, int], times: int = 1) -> None:
    """Add amounts in place; ``times`` -1 takes them away again."""
    for name, amount in more.items():
        to[name] = to.get(name, 0) + times * amount


def added(one: Mapping[str, int], other: Mapping[str, int]) -> Amounts:
    """The sum of two."""
    total = dict(one)
    add(total, other)
    return total


def _asked(holder: Json) -> Amounts:
    """The requests of a container or of a pod as a whole; a limit alone is a request, too."""
    resources = mapping(holder.get("resources"))
    return {**amounts(resources.get("limits")), **amounts(resources.get("requests"))}


def _raise_to(to: Amounts, other: Mapping[str, int]) -> None:
    for name, amount in other.items():
        if amount > to.get(name, 0):
            to[name] = amount
