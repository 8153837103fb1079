"""Commit the hub's database once for many spawners that have something to save; I/O.

All spawners of a hub share one session, so one commit writes what all of them changed, and each
commit stops the hub until the disk has it.  A commit that comes alone is made at once; when a
hundred workspaces start together there are a few instead of a hundred, so that at most a fifth of
the hub's time is spent with them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

REST = 4
"""How many times as long as a commit took no other one is made."""

LONGEST_REST = 0.1


@dataclass(slots=True)
class _Turns:
    """When a session may be committed again, and the commit to come."""

    free_at: float = float("-inf")
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
        loop.call_at(max(loop.time(), turns.free_at), _commit, session, turns)
    # One waiter's end must not be the others'.
    await asyncio.shield(turns.next)


def _commit(session: Any, turns: _Turns) -> None:
    done, turns.next = turns.next, None
    assert done is not None  # noqa: S101 - set by who called for this
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        session.commit()
    except Exception as error:  # noqa: BLE001 - handed on to everybody who waits
        session.rollback()
        done.set_exception(error)
    else:
        done.set_result(None)
    ended = clock()
    turns.free_at = ended + min(REST * (ended - began), LONGEST_REST)
