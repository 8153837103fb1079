"""A spawner's way through the quota gate, and what its person may know of their quotas; I/O.

Counting needs every workspace's pod: a hub that has just begun waits until the first list is there,
and a start is refused with the cluster's cause while it cannot be had.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import inspect

from studiolo_spawner import quotas
from studiolo_spawner.catalogue import Profile
from studiolo_spawner.causes import cause
from studiolo_spawner.cluster_api import fault_of
from studiolo_spawner.holders import Holder
from studiolo_spawner.offer import offer_to
from studiolo_spawner.quotas import Key, QuotaReached, QuotaRefusal, QuotaState
from studiolo_spawner.shared_parts import SharedParts

if TYPE_CHECKING:
    from studiolo_spawner.spawner import WorkspaceSpawner


@dataclass(frozen=True, slots=True)
class QuotaView:
    """What a person is told before they choose."""

    states: tuple[QuotaState, ...]
    refusals: dict[str, QuotaRefusal]
    """Profiles that a quota does not allow them now, for this workspace."""


def key_of(spawner: WorkspaceSpawner) -> Key:
    """Whose start it is, and which."""
    return (spawner.user.name, spawner.name)


async def admit(spawner: WorkspaceSpawner, parts: SharedParts, profile: Profile) -> None:
    """Note the start at the gate; raises QuotaReached, or ClusterFault where nobody can count."""
    catalogue = parts.catalogue.snapshot
    seen = await _seen(spawner, parts) if catalogue.quotas else ()
    parts.gate.admit(
        spawner.person(),
        spawner.name,
        profile,
        seen=seen,
        catalogue=catalogue,
        session=inspect(spawner.orm_spawner).session,
    )


async def check(spawner: WorkspaceSpawner, parts: SharedParts, profile: Profile) -> None:
    """Raise QuotaReached if a start with the profile would not be admitted now."""
    catalogue = parts.catalogue.snapshot
    if catalogue.quotas:
        held = await _held(spawner, parts)
        person, own = spawner.person(), key_of(spawner)
        refused = quotas.refusal(person, profile, held, catalogue, replacing=own)
        if refused is not None:
            raise QuotaReached(refused)


async def quota_view(spawner: WorkspaceSpawner, parts: SharedParts) -> QuotaView:
    """The quotas of the spawner's person and what they do not allow now."""
    catalogue = parts.catalogue.snapshot
    if not catalogue.quotas:
        return QuotaView((), {})
    held, person = await _held(spawner, parts), spawner.person()
    profiles = offer_to(person, catalogue).profiles
    return QuotaView(
        quotas.states(person, held, catalogue),
        quotas.refusals(person, held, catalogue, profiles, replacing=key_of(spawner)),
    )


async def _held(spawner: WorkspaceSpawner, parts: SharedParts) -> tuple[Holder, ...]:
    seen = await _seen(spawner, parts)
    session = inspect(spawner.orm_spawner).session
    return parts.gate.holders(seen, parts.catalogue.snapshot, session)


async def _seen(spawner: WorkspaceSpawner, parts: SharedParts) -> tuple[Holder, ...]:
    cluster = parts.cluster
    if cluster is None or not await cluster.pods_known(spawner.k8s_api_request_retry_timeout):
        raise fault_of(cause("api_away"))
    return cluster.holders()
