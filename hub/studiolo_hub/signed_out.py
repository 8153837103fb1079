"""Workspaces that go on after their owner signed out, stopped as soon as they are idle. I/O.

One task looks at them, and only while there are any. Who signs in again takes theirs back. Kept in
the hub's memory: after a restart of the hub the profile's own idle policy holds, which is later but
not wrong. Bounded; what a round meets does not end the next ones.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from studiolo_hub.catalogue_link import CatalogueLink
from studiolo_hub.lifecycle import Policies, policies_of
from studiolo_hub.signout import ActiveWorkspace, Rule, is_over

log = logging.getLogger(__name__)

_LIMIT = 10_000


@dataclass(frozen=True)
class _Watched:
    """One workspace: the hub's own object for its owner, and which start of it is meant."""

    app: Any
    user: Any
    name: str
    started: datetime | None


class KnownPolicies:
    """The idle policies of the catalogue that is in effect; `unknown` as the culler has it."""

    def __init__(self, catalogue: CatalogueLink, unknown: timedelta) -> None:
        self._catalogue = catalogue
        self._unknown = unknown

    def now(self) -> Policies | None:
        """What is known of them; None while there is no catalogue."""
        catalogue = self._catalogue.snapshot
        return policies_of(catalogue, unknown=self._unknown) if catalogue else None

    async def known(self) -> Policies | None:
        """The same, after looking for the catalogue."""
        await self._catalogue.follow()
        return self.now()


class SignedOut:
    """Follows what was left behind."""

    def __init__(
        self,
        rule: Rule,
        policies: Callable[[], Policies | None],
        *,
        every: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._rule = rule
        self._policies = policies
        self._every = every
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], _Watched] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        # A pod may take its time to end; nobody else's waits for it.
        self._stopping: set[asyncio.Task[None]] = set()

    def __deepcopy__(self, _memo: object) -> Self:
        """Stay one: traitlets copies configuration, and what is followed must be found again."""
        return self

    def follow(self, app: Any, user: Any, names: Iterable[str]) -> None:
        """Stop these workspaces of `user` once they are idle."""
        for name in names:
            started = user.spawners[name].orm_spawner.started
            self._kept[user.name, name] = _Watched(app, user, name, started)
        while len(self._kept) > _LIMIT:
            self._kept.popitem(last=False)
        if self._kept and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._watch(), name="workspaces left at sign-out")

    def take_back(self, user_name: str) -> None:
        """The owner is here again: their profile's idle policy holds from now on."""
        for key in [key for key in self._kept if key[0] == user_name]:
            del self._kept[key]

    async def _watch(self) -> None:
        while self._kept:
            await asyncio.sleep(self._every)
            try:
                self.look()
            except Exception:
                log.exception("Looking at the workspaces that were left at sign-out failed")

    def look(self) -> None:
        """Begin to stop those that are idle by now, and forget those that are over."""
        policies = self._policies()
        for key, kept in list(self._kept.items()):
            spawner = kept.user.spawners.get(kept.name)
            if spawner is None or not _same_start(spawner, kept.started):
                self._kept.pop(key, None)
            elif (
                policies is not None
                and not spawner.pending
                and is_over(described(spawner), self._rule, policies, self._clock())
            ):
                self._kept.pop(key, None)
                log.info(
                    "Workspace %r of %r is stopped: its owner signed out and it is idle",
                    kept.name,
                    kept.user.name,
                )
                task = asyncio.create_task(_stop(kept), name="stop what was left at sign-out")
                self._stopping.add(task)
                task.add_done_callback(self._stopping.discard)


def described(spawner: Any) -> ActiveWorkspace:
    """Return what signing out needs to know of a live spawner."""
    row = spawner.orm_spawner
    return ActiveWorkspace(
        name=spawner.name,
        title=row.display_name or spawner.name,
        starting=spawner.pending in {"spawn", "check"},
        started=_utc(row.started),
        last_activity=_utc(row.last_activity),
        user_options=spawner.user_options or {},
    )


def _same_start(spawner: Any, started: datetime | None) -> bool:
    """Whether it still runs, and was not stopped and started again meanwhile."""
    now: datetime | None = spawner.orm_spawner.started
    return bool(spawner.active) and (started is None or now == started)


async def _stop(kept: _Watched) -> None:
    """As JupyterHub's handlers do, which can only do it within a request."""
    spawner = kept.user.spawners[kept.name]
    if spawner.pending:
        return
    # Before anything waits, so that nobody else begins; who wants to wait for it finds it.
    spawner._stop_pending = True  # noqa: SLF001
    spawner._stop_future = asyncio.current_task()  # noqa: SLF001
    try:
        await kept.app.proxy.delete_user(kept.user, kept.name)
        await kept.user.stop(kept.name)
    except Exception:
        log.exception("Workspace %r of %r could not be stopped", kept.name, kept.user.name)
    finally:
        spawner._stop_future = None  # noqa: SLF001
        spawner._stop_pending = False  # noqa: SLF001


def _utc(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value
