"""One commit for all who save at the same time; failures reach everybody who waits."""

from __future__ import annotations

import asyncio

import pytest
from studiolo_spawner.shared_commit import commit_soon


class Session:
    """Counts what a hub's session is asked to do."""

    def __init__(self, error: Exception | None = None) -> None:
        self.commits = 0
        self.rollbacks = 0
        self.error = error

    def commit(self) -> None:
        self.commits += 1
        if self.error:
            raise self.error

    def rollback(self) -> None:
        self.rollbacks += 1


async def test_many_at_once_are_few_commits() -> None:
    session = Session()
    await asyncio.gather(*(commit_soon(session) for _ in range(50)))
    await asyncio.gather(*(commit_soon(session) for _ in range(50)))
    assert session.commits == 2


async def test_sessions_do_not_mix() -> None:
    one, two = Session(), Session()
    await asyncio.gather(commit_soon(one), commit_soon(two))
    assert (one.commits, two.commits) == (1, 1)


async def test_failure_is_rolled_back_and_told_to_all() -> None:
    session = Session(OSError("disk full"))
    answers = await asyncio.gather(
        *(commit_soon(session) for _ in range(3)), return_exceptions=True
    )
    assert [str(answer) for answer in answers] == ["disk full"] * 3
    assert session.rollbacks == 1


async def test_one_who_is_cancelled_takes_nobody_along() -> None:
    session = Session()
    first, second = (asyncio.create_task(commit_soon(session)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert session.commits == 1
