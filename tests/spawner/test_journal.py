"""Every listener hears everything, once, in order; all end with the journal."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from studiolo_spawner.journal import MAX_MESSAGES, Journal
from studiolo_spawner.progress import message


async def heard(journal: Journal) -> list[str]:
    return [item.text async for item in journal.follow()]


async def test_late_listeners_hear_it_from_the_beginning() -> None:
    journal = Journal()
    early = asyncio.create_task(heard(journal))
    await asyncio.sleep(0)
    journal.note([message(1, "one")])
    await asyncio.sleep(0)
    late = asyncio.create_task(heard(journal))
    journal.note([message(2, "two"), message(3, "three")])
    journal.close()
    assert await early == await late == await heard(journal) == ["one", "two", "three"]


async def test_nothing_is_told_twice_in_one_chapter() -> None:
    journal = Journal()
    assert journal.note([message(1, "pulling"), message(1, "pulling")])
    assert not journal.note([message(1, "pulling")])
    assert journal.note([message(1, "pulling")], chapter=1)
    journal.close()
    assert await heard(journal) == ["pulling", "pulling"]


async def test_closed_is_closed() -> None:
    journal = Journal()
    journal.close()
    assert not journal.note([message(1, "late")])
    assert await heard(journal) == []


async def test_length_is_bounded() -> None:
    journal = Journal()
    journal.note(message(1, str(number)) for number in range(MAX_MESSAGES + 10))
    journal.close()
    assert len(await heard(journal)) == MAX_MESSAGES


async def test_each_message_says_when_it_was_told() -> None:
    journal = Journal()
    before = datetime.now(UTC)
    journal.note([message(1, "one")])
    journal.note([message(2, "two")])
    one, two = journal.told
    assert before <= one.at <= two.at <= datetime.now(UTC)  # type: ignore[operator]
    assert journal.last == two
    assert one.to_event()["at"] == one.at.isoformat()  # type: ignore[union-attr]


async def test_whoever_keeps_the_journal_hears_of_news() -> None:
    heard_of: list[int] = []
    journal = Journal(lambda: heard_of.append(1))
    assert journal.last is None
    journal.note([message(1, "one")])
    journal.note([message(1, "one")])
    journal.close()
    assert len(heard_of) == 2
