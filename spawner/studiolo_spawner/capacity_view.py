"""What browsers are told about free hardware and quotas (tests/contract/capacity.json). Pure.

One `Board` holds how things stand at one moment, for everybody. Each profile is put into JSON once,
and so is each combination of profiles and quotas that somebody may see: what a crowd of open pages
costs is one small look each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from studiolo_spawner.capacity import Free, free_words, state_of
from studiolo_spawner.catalogue import Catalogue, Profile
from studiolo_spawner.offer import Person, offer_to
from studiolo_spawner.quotas import Held, QuotaState, refusals, states

VERSION = 1


@dataclass(frozen=True)
class Board:
    """Capacity and holders at one moment."""

    catalogue: Catalogue
    capacity: Mapping[str, Free] | None
    held: Held
    at: datetime
    _profiles: dict[str, str] = field(default_factory=dict)
    _texts: dict[tuple[object, ...], str] = field(default_factory=dict)

    def text_for(self, person: Person, server: str = "") -> str:
        """The document for one person, as JSON; the same text for all who see the same.

        ``server``: the workspace that they choose for, whose own pod counts towards no refusal.
        """
        offered = offer_to(person, self.catalogue).profiles
        replacing = (person.name, server)
        refused = refusals(person, self.held, self.catalogue, offered, replacing=replacing)
        return self.text_of(
            tuple(offered),
            states(person, self.held, self.catalogue),
            tuple((name, each.text) for name, each in refused.items()),
        )

    def text_of(
        self,
        offered: tuple[str, ...],
        quotas: tuple[QuotaState, ...],
        refused: tuple[tuple[str, str], ...] = (),
    ) -> str:
        """The document with these profiles, quotas, and what a quota does not allow now."""
        key = (offered, quotas, refused)
        if key not in self._texts:
            profiles = ",".join(self._profile(name) for name in offered)
            told = json.dumps([quota_document(each) for each in quotas])
            self._texts[key] = (
                f'{{"version":{VERSION},"at":"{_stamp(self.at)}","profiles":{{{profiles}}},'
                f'"quotas":{told},"refused":{json.dumps(dict(refused))}}}'
            )
        return self._texts[key]

    def _profile(self, name: str) -> str:
        if name not in self._profiles:
            profile = self.catalogue.profiles_by_id[name]
            free = self.capacity.get(name) if self.capacity is not None else None
            document = profile_document(profile, free)
            self._profiles[name] = f"{json.dumps(name)}:{json.dumps(document)}"
        return self._profiles[name]


def profile_document(profile: Profile, free: Free | None) -> dict[str, object]:
    """One profile's figures; null for what is not known or not counted."""
    devices = profile.resource is not None
    told = free if devices else None
    return {
        "free": told.free if told else None,
        "total": told.total if told else None,
        "largest_block": told.largest_block if told else None,
        "unit": free.unit if free else ("gpu" if devices else None),
        "fits": free.fits if free else None,
        "waiting": free.waiting if free else 0,
        "machines": free.machines if free else 0,
        "text": free_words(free, profile.count),
        "state": state_of(free),
    }


def quota_document(quota: QuotaState) -> dict[str, object]:
    """One limit and what of it is in use."""
    return {
        "id": quota.id,
        "kind": quota.kind,
        "text": quota.text,
        "used": quota.used,
        "limit": quota.limit,
        "holders": list(quota.holders),
    }


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
