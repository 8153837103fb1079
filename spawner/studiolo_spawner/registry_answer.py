"""What an OCI registry said about one image reference, as a value.

Pure. ``detail`` and ``reason`` are our own words and labels; nothing that a registry sent
(bodies, headers, tokens) is kept but the image's own labels and environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType

NODES_ONLY = "nodes_only"
"""The reason beside FORBIDDEN where only the cluster's machines have credentials."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Outcome(Enum):
    """Six different things; the first is good, the last three are not the same as "missing"."""

    FOUND = "found"
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    UNREACHABLE = "unreachable"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class RegistryAnswer:
    """The answer for one reference and platform.

    digest       of what the reference names (the index where there is one): what the pod is to run
    size         compressed bytes that a machine without any layer has to fetch
    labels       of the image's configuration; empty when it was not read
    environment  of the image's configuration, the last of equal names wins
    reason       a label of ``causes.REASONS`` where ``WRONG`` needs one (platform, damage, format);
                 ``NODES_ONLY`` beside ``FORBIDDEN`` where that says nothing of the image
    detail       one line in our own words, for the log and the administrator
    created      when the image was built, as its configuration says
    """

    outcome: Outcome
    digest: str | None = None
    size: int | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    environment: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    detail: str = ""
    reason: str = ""
    checked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    created: datetime | None = None
