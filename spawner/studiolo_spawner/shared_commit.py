"""Commit the hub's database once for many spawners that have something to save; I/O.

All spawners of a hub share one session, so one commit writes what all of them changed.  When
a hundred workspaces start at once this is a few commits instead of a hundred.
"""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

GATHER_SECONDS = 0.01
"""How long others are waited for; lost once in a start that takes seconds."""

_pending: WeakKeyDictionary[Any, asyncio.Future[None]] = WeakKeyDictionary()


async def commit_soon(session: Any) -> None:
    """Return when what was changed in the session is written; raises what the commit raised."""
    done = _pending.get(session)
    if done is None:
        loop = asyncio.get_running_loop()
        done = _pending[session] = loop.create_future()
        # A commit that nobody waits for any more has told its failure to nobody: that is fine.
        done.add_done_callback(lambda future: future.cancelled() or future.exception())
        loop.call_later(GATHER_SECONDS, _commit, session, done)
    # One waiter's end must not be the others'.
    await asyncio.shield(done)


def _commit(session: Any, done: asyncio.Future[None]) -> None:
    del _pending[session]
    try:
        session.commit()
    except Exception as error:  # noqa: BLE001 - handed on to everybody who waits
        session.rollback()
        done.set_exception(error)
    else:
        done.set_result(None)
