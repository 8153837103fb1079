"""How much of their quotas people have in use, and what a quota refuses, in plain words. Pure.

Counted are workspaces that run, start or wait, and starts that have no pod yet; the workspace that
is about to be started itself is left out, so that starting it again never counts twice. Quotas bind
administrators like everybody else. Names of others are told only to members of the groups that a
quota is for, and to administrators.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from studiolo_spawner import spoken
from studiolo_spawner.catalogue import Catalogue, Profile, Quota
from studiolo_spawner.errors import StudioloError
from studiolo_spawner.holders import Holder
from studiolo_spawner.offer import Person
from studiolo_spawner.resource_words import counted, devices
from studiolo_spawner.translation import joined, translate_number
from studiolo_spawner.translation import translate as _

WORKSPACES = "workspaces"
"""The kind of a limit on workspaces; every other kind is a resource."""

Key = tuple[str, str]
"""A user's name and a server's."""

_NAMES = 6


@dataclass(frozen=True, slots=True)
class QuotaState:
    """One limit and what of it is in use."""

    id: str
    """The quota's."""
    kind: str
    """A resource, or `WORKSPACES`."""
    text: str
    used: int
    limit: int
    holders: tuple[str, ...]
    """Who holds it, as far as the reader may know."""


@dataclass(frozen=True, slots=True)
class QuotaRefusal:
    """Why a quota does not allow a start now."""

    quota: str
    kind: str
    message: str
    hint: str
    used: int
    limit: int
    holders: tuple[str, ...]

    @property
    def text(self) -> str:
        """Both sentences."""
        return joined(self.message, self.hint)


class QuotaReached(StudioloError):  # noqa: N818 - named for what happened
    """A quota of the catalogue does not allow this start now."""

    reason = "quota_reached"
    status = 403

    def __init__(self, refusal: QuotaRefusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class _Limit:
    """One limit of a quota, as it is for one person."""

    quota: Quota
    kind: str
    limit: int
    counted: tuple[Holder, ...]
    person: Person

    @property
    def used(self) -> int:
        if self.kind == WORKSPACES:
            return len({(each.user, each.server) for each in self.counted})
        return sum(each.count for each in self.counted if each.resource == self.kind)

    @property
    def holders(self) -> tuple[str, ...]:
        """Whom it may be told by name."""
        together, anybody = self.quota.scope == "together", self.quota.everyone
        if not together or (anybody and not self.person.admin):
            return ()
        held = (e for e in self.counted if self.kind in (WORKSPACES, e.resource))
        return tuple(sorted({each.user for each in held}))

    def things(self, count: int) -> str:
        """What is limited, in words."""
        if self.kind == WORKSPACES:
            return translate_number("workspace", "workspaces", count)
        return devices(self.kind, count)

    @property
    def in_use(self) -> str:
        """`2 of 4 GPUs of Students`, `1 of your 2 workspaces`."""
        things = self.things(self.limit)
        told = _("%(used)s of %(limit)s %(things)s of %(quota)s")
        if self.quota.scope == "each member":
            told = _("%(used)s of your %(limit)s %(things)s")
        return told % {
            "used": self.used,
            "limit": self.limit,
            "things": things,
            "quota": self.quota.display_name,
        }

    @property
    def by_whom(self) -> str:
        """` by ana and ben`; nothing where nobody is told."""
        if not self.holders:
            return ""
        return " " + _("by %(names)s") % {"names": spoken.listed(self.holders, limit=_NAMES)}


class Held:
    """All holders, sorted for asking about many people: each count is made once."""

    def __init__(self, holders: Sequence[Holder]) -> None:
        """``holders``: with their groups filled in."""
        self.holders = tuple(each for each in holders if each.user)
        self._by_user: dict[str, list[Holder]] = {}
        for each in self.holders:
            self._by_user.setdefault(each.user, []).append(each)
        self._together: dict[str, tuple[Holder, ...]] = {}

    def without(self, key: Key | None) -> Held:
        """The same without one workspace."""
        if key is None or not any(each.server == key[1] for each in self.of(key[0])):
            return self
        return Held([each for each in self.holders if (each.user, each.server) != key])

    def of(self, user: str) -> Sequence[Holder]:
        """What one person holds."""
        return self._by_user.get(user, ())

    def counted(self, quota: Quota, person: Person) -> tuple[Holder, ...]:
        """What counts towards a quota that binds the person."""
        if quota.scope == "each member":
            return tuple(each for each in self.of(person.name) if _is_of(quota, each))
        if quota.id not in self._together:
            self._together[quota.id] = tuple(
                each
                for each in self.holders
                if _is_of(quota, each) and binds(quota, each.user, each.groups)
            )
        others = self._together[quota.id]
        # Bound they are, so what they hold counts, whatever the groups of their pods say.
        missed = [e for e in self.of(person.name) if _is_of(quota, e) and e not in others]
        return (*others, *missed)


def _is_of(quota: Quota, holder: Holder) -> bool:
    return not quota.profiles or holder.profile in quota.profiles


def binds(quota: Quota, user: str, groups: frozenset[str]) -> bool:
    """Whether a quota is for this user."""
    return quota.everyone or user in quota.users or not groups.isdisjoint(quota.groups)


def quota_groups(catalogue: Catalogue) -> frozenset[str]:
    """Every group that a quota is for: whose members must be known to count."""
    return frozenset().union(*(quota.groups for quota in catalogue.quotas))


def states(
    person: Person, holders: Held | Sequence[Holder], catalogue: Catalogue
) -> tuple[QuotaState, ...]:
    """What of each of this person's quotas is in use, in the catalogue's order.

    ``holders``: with their groups filled in.
    """
    return tuple(
        QuotaState(
            id=each.quota.id,
            kind=each.kind,
            text=_("%(amount)s in use%(by)s") % {"amount": each.in_use, "by": each.by_whom},
            used=each.used,
            limit=each.limit,
            holders=each.holders,
        )
        for each in _limits(person, _held(holders), catalogue)
    )


def refusal(
    person: Person,
    profile: Profile,
    holders: Held | Sequence[Holder],
    catalogue: Catalogue,
    *,
    replacing: Key | None = None,
) -> QuotaRefusal | None:
    """Why this person may not start a workspace of this profile now; None when they may.

    ``replacing``: the workspace that the start is for, whose own pod does not count.
    """
    found = _too_large(person, profile, catalogue)
    if found is not None:
        return found
    others = _held(holders).without(replacing)
    for limit in _limits(person, others, catalogue, profile):
        wanted = 1 if limit.kind == WORKSPACES else profile.count
        if limit.used + wanted > limit.limit:
            return _refused(limit, wanted)
    return None


def refusals(
    person: Person,
    holders: Held | Sequence[Holder],
    catalogue: Catalogue,
    profiles: Mapping[str, Profile],
    *,
    replacing: Key | None = None,
) -> dict[str, QuotaRefusal]:
    """The same for several profiles: those that are refused, by their ids."""
    found: dict[str, QuotaRefusal] = {}
    if not catalogue.quotas:
        return found
    others = _held(holders).without(replacing)
    for name, profile in profiles.items():
        refused = refusal(person, profile, others, catalogue)
        if refused is not None:
            found[name] = refused
    return found


def _held(holders: Held | Sequence[Holder]) -> Held:
    return holders if isinstance(holders, Held) else Held(holders)


def _limits(
    person: Person,
    held: Held,
    catalogue: Catalogue,
    profile: Profile | None = None,
) -> Iterator[_Limit]:
    """Every limit for this person; with a profile, those that its start counts towards."""
    for quota in catalogue.quotas:
        if not binds(quota, person.name, person.groups):
            continue
        if profile is not None and quota.profiles and profile.id not in quota.profiles:
            continue
        counted_here = held.counted(quota, person)
        for kind, limit in quota.resources.items():
            if profile is None or kind == profile.resource:
                yield _Limit(quota, kind, limit, counted_here, person)
        if quota.workspaces is not None:
            yield _Limit(quota, WORKSPACES, quota.workspaces, counted_here, person)


def _too_large(person: Person, profile: Profile, catalogue: Catalogue) -> QuotaRefusal | None:
    """A workspace that is larger than all that a quota allows: waiting does not help."""
    kind, wanted = profile.resource, profile.count
    if kind is None:
        return None
    for quota in catalogue.quotas:
        if not binds(quota, person.name, person.groups):
            continue
        if quota.profiles and profile.id not in quota.profiles:
            continue
        bounds = [quota.largest.get(kind), quota.resources.get(kind)]
        limit = min((bound for bound in bounds if bound is not None), default=wanted)
        if wanted > limit:
            return QuotaRefusal(
                quota=quota.id,
                kind=kind,
                message=_too_large_words(quota, kind, limit, wanted),
                hint=_("Choose a smaller profile."),
                used=0,
                limit=limit,
                holders=(),
            )
    return None


def _too_large_words(quota: Quota, kind: str, limit: int, wanted: int) -> str:
    told = _(
        "%(quota)s may use at most %(allowed)s in one workspace, and this profile asks for "
        "%(wanted)s."
    )
    if not limit:
        told = _("%(quota)s may use no %(devices)s, and this profile asks for %(wanted)s.")
    return told % {
        "quota": quota.display_name,
        "allowed": counted(kind, limit),
        "devices": devices(kind, 0),
        "wanted": wanted,
    }


def _refused(limit: _Limit, wanted: int) -> QuotaRefusal:
    told = translate_number("%(amount)s is in use%(by)s", "%(amount)s are in use%(by)s", limit.used)
    message = told % {"amount": limit.in_use, "by": limit.by_whom}
    if limit.kind != WORKSPACES and limit.limit - limit.used:
        message += "; " + _("this workspace needs %(wanted)s") % {"wanted": wanted}
    return QuotaRefusal(
        quota=limit.quota.id,
        kind=limit.kind,
        message=f"{message}.",
        hint=_what_to_do(limit),
        used=limit.used,
        limit=limit.limit,
        holders=limit.holders,
    )


def _what_to_do(limit: _Limit) -> str:
    names = {
        each.server or _("the first one")
        for each in limit.counted
        if each.user == limit.person.name
    }
    own, devices_only = {"own": spoken.listed(sorted(names))}, limit.kind != WORKSPACES
    if names and devices_only:
        return _("Stop one of yours (%(own)s), or choose a profile of another kind.") % own
    if names:
        return _("Stop one of yours (%(own)s).") % own
    if devices_only:
        return _("Wait until one is given back, or choose a profile of another kind.")
    return _("Wait until one is given back.")
