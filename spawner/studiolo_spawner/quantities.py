"""Durations (`90s`, `12h`) and Kubernetes memory quantities (`32Gi`). Pure.

Each parser takes the one spelling that the catalogue allows, matched as a whole, and raises
ValueError with a sentence that says what to write instead.
"""

import re
from datetime import timedelta

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
_LONGEST = timedelta(days=366)

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_OCTETS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_MEMORY = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))?(Ki|Mi|Gi|Ti|k|M|G|T|)", re.ASCII)

DURATION_PATTERN = "^[0-9]{1,9}[smhd]$"
MEMORY_PATTERN = r"^[0-9]{1,15}(\.[0-9]{1,3})?(Ki|Mi|Gi|Ti|k|M|G|T)?$"


def parse_duration(text: str) -> timedelta:
    """`90s`, `30m`, `12h` or `7d`: longer than nothing and at most a year."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("a duration is a number and a unit: 90s, 30m, 12h or 7d")
    value = timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    if not timedelta() < value <= _LONGEST:
        raise ValueError("a duration is longer than nothing and at most 366d")
    return value


def format_duration(value: timedelta) -> str:
    """The shortest spelling that parse_duration reads as the same value."""
    seconds = int(value.total_seconds())
    for unit in ("d", "h", "m"):
        if seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def parse_memory(text: str) -> int:
    """`32Gi`, `512Mi`, `1.5G`: the number of octets."""
    match = _MEMORY.fullmatch(text)
    if match is None:
        raise ValueError("a size is a number and a unit: 512Mi or 32Gi")
    whole, fraction, unit = match.groups()
    octets = int(whole) * _OCTETS[unit]
    if fraction:
        octets += int(fraction) * _OCTETS[unit] // 10 ** len(fraction)
    if octets < 1:
        raise ValueError("a size is more than nothing")
    return octets
