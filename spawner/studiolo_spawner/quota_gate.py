"""Where every start passes the quotas, one after the other; keeps starts that have no pod yet.

No I/O but the hub's database, which knows who is in which group. Guarantees: between counting and
noting a start nothing else runs, so that of two starts that come together only as many pass as the
quota allows. What runs is known from the pods themselves, so nothing is lost when the hub restarts;
a start that was noted and never became a pod is forgotten after a while.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from jupyterhub import orm

from studiolo_spawner import quotas
from studiolo_spawner.catalogue import Catalogue, Profile
from studiolo_spawner.holders import Holder
from studiolo_spawner.offer import Person
from studiolo_spawner.quotas import Key, QuotaReached

ADMITTED_SECONDS = 120.0
"""So long a start may take from being allowed to beginning."""

SEEN_SECONDS = 60.0
"""So long a ready workspace counts without its pod having been seen."""

MEMBERS_SECONDS = 2.0
"""So long the members of groups are taken from memory."""


@dataclass(frozen=True, slots=True)
class _Noted:
    """A start: what it will hold, and until when it counts (None: until it is said to be over)."""

    holder: Holder
    until: float | None


class QuotaGate:
    """The starts under way of one hub."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._starts: dict[Key, _Noted] = {}
        self.changes = 0
        """Goes up when a start is noted or forgotten."""
        self._groups: tuple[float, frozenset[str], Mapping[str, frozenset[str]]] | None = None

    def holders(
        self, seen: Sequence[Holder], catalogue: Catalogue, session: Any
    ) -> tuple[Holder, ...]:
        """What is held: by pods that were seen and by starts under way, with their groups.

        ``session``: on the hub's database.
        """
        now = self._clock()
        self._starts = {
            key: noted
            for key, noted in self._starts.items()
            if noted.until is None or noted.until > now
        }
        # A start under way speaks for its workspace: its pod may still be the last one.
        pods = [each for each in seen if (each.user, each.server) not in self._starts]
        everybody = [*pods, *(noted.holder for noted in self._starts.values())]
        groups = self.members(catalogue, session)
        none: frozenset[str] = frozenset()
        return tuple(replace(each, groups=groups.get(each.user, none)) for each in everybody)

    def members(self, catalogue: Catalogue, session: Any) -> Mapping[str, frozenset[str]]:
        """Which of the groups that have quotas each user is in, as of the last two seconds."""
        names = quotas.quota_groups(catalogue)
        if not names:
            return {}
        kept, now = self._groups, self._clock()
        if kept is None or kept[0] <= now or kept[1] != names:
            rows = (
                session.query(orm.User.name, orm.Group.name)
                .join(orm.Group.users)
                .filter(orm.Group.name.in_(names))
            )
            found: defaultdict[str, set[str]] = defaultdict(set)
            for user, group in rows:
                found[user].add(group)
            groups = {user: frozenset(each) for user, each in found.items()}
            kept = self._groups = (now + MEMBERS_SECONDS, names, groups)
        return kept[2]

    def admit(
        self,
        person: Person,
        server: str,
        profile: Profile,
        *,
        seen: Sequence[Holder],
        catalogue: Catalogue,
        session: Any,
    ) -> None:
        """Note a start, or raise QuotaReached. Never waits in between."""
        key = (person.name, server)
        if catalogue.quotas:
            held = self.holders(seen, catalogue, session)
            refused = quotas.refusal(person, profile, held, catalogue, replacing=key)
            if refused is not None:
                raise QuotaReached(refused)
        self.note(key, profile)

    def note(self, key: Key, profile: Profile) -> None:
        """Count a start that needs no leave: one that an earlier hub process admitted."""
        holder = Holder(
            user=key[0],
            server=key[1],
            pod="",
            node="",
            resource=profile.resource,
            count=profile.count,
            profile=profile.id,
            phase="Pending",
            since=datetime.now(UTC),
        )
        self._starts[key] = _Noted(holder, self._clock() + ADMITTED_SECONDS)
        self.changes += 1

    def begun(self, key: Key) -> None:
        """A start that was admitted goes on, for however long."""
        if key in self._starts:
            self._starts[key] = replace(self._starts[key], until=None)

    @contextmanager
    def start_of(self, key: Key) -> Iterator[None]:
        """A start goes on inside; after it its pod speaks for itself, or there is none."""
        try:
            yield
        except BaseException:
            self.forget(key)
            raise
        noted = self._starts.get(key)
        if noted is not None:
            self._starts[key] = replace(noted, until=self._clock() + SEEN_SECONDS)

    def forget(self, key: Key) -> None:
        """A start failed, or a workspace is stopped."""
        if self._starts.pop(key, None) is not None:
            self.changes += 1
