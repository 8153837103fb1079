"""Commit the hub's database once for many spawners that have something to save; I/O.

All spawners of a hub share one session, so one commit writes what all of them changed, and each
commit stops the hub until the disk has it.  A commit that comes alone is made at once; when a
hundred workspaces start together there is one every ``BETWEEN_SECONDS`` instead of a hundred.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

BETWEEN_SECONDS = 0.05


@dataclass(slots=True)
class _Turns:
    """When a session was committed last, and the commit to come."""

    last: float = float("-inf")
    next: asyncio.Future[None] | None = None


_turns: WeakKeyDictionary[Any, _Turns] = WeakKeyDictionary()


async def commit_soon(session: Any) -> None:
    """Return when what was changed in the session is written; raises what the commit raised."""
    turns = _turns.setdefault(session, _Turns())
    if turns.next is None:
        loop = asyncio.get_running_loop()
        turns.next = loop.create_future()
        # A failure that nobody waits for any more is nobody's: it is not to be logged as lost.
        turns.next.add_done_callback(lambda future: future.cancelled() or future.exception())
        loop.call_at(max(loop.time(), turns.last + BETWEEN_SECONDS), _commit, session, turns)
    # One waiter's end must not be the others'.
    await asyncio.shield(turns.next)


def _commit(session: Any, turns: _Turns) -> None:
    done, turns.next = turns.next, None
    assert done is not None  # noqa: S101 - set by who called for this
    try:
        session.commit()
    except Exception as error:  # noqa: BLE001 - handed on to everybody who waits
        session.rollback()
        done.set_exception(error)
    else:
        done.set_result(None)
    turns.last = asyncio.get_running_loop().time()
