import asyncio
from collections.abc import AsyncGenerator

import pytest
from studiolo_hub.workspace_feed import MAX_STREAMS, TooManyStreams, WorkspaceFeed
from studiolo_spawner.changes import Changes


class Made:
    """Makes texts and counts how often."""

    def __init__(self) -> None:
        self.times = 0
        self.text = "first"

    async def __call__(self) -> str:
        self.times += 1
        return self.text


async def next_of(stream: AsyncGenerator[str, None]) -> str:
    return await asyncio.wait_for(anext(stream), 5)


async def nothing_comes(stream: AsyncGenerator[str, None]) -> None:
    waiting = asyncio.ensure_future(anext(stream))
    done, _ = await asyncio.wait([waiting], timeout=0.4)
    assert not done
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_how_things_stand_and_then_each_change() -> None:
    source, made = Changes(), Made()
    feed = WorkspaceFeed(source)
    stream = feed.open("ana", made)
    assert await next_of(stream) == "first"
    made.text = "second"
    source.tell("ana", "")
    assert await next_of(stream) == "second"
    await stream.aclose()


async def test_one_text_for_all_pages_of_a_person() -> None:
    source, made = Changes(), Made()
    feed = WorkspaceFeed(source)
    streams = [feed.open("ana", made) for _ in range(5)]
    assert [await next_of(each) for each in streams] == ["first"] * 5
    assert made.times == 1
    late = feed.open("ana", made)
    assert await next_of(late) == "first"
    assert made.times == 1
    made.text = "second"
    for _ in range(20):
        source.tell("ana", "x")
    assert [await next_of(each) for each in (*streams, late)] == ["second"] * 6
    assert made.times == 2


async def test_what_did_not_change_is_not_told() -> None:
    source, made = Changes(), Made()
    stream = WorkspaceFeed(source).open("ana", made)
    assert await next_of(stream) == "first"
    source.tell("ana", "")
    await nothing_comes(stream)
    assert made.times == 2


async def test_a_change_of_somebody_else_costs_nothing() -> None:
    source, made = Changes(), Made()
    stream = WorkspaceFeed(source).open("ana", made)
    assert await next_of(stream) == "first"
    source.tell("ben", "")
    await nothing_comes(stream)
    assert made.times == 1


async def test_a_slow_reader_skips_to_the_newest() -> None:
    source, made = Changes(), Made()
    feed = WorkspaceFeed(source)
    slow, quick = feed.open("ana", made), feed.open("ana", made)
    assert [await next_of(slow), await next_of(quick)] == ["first", "first"]
    for text in ("second", "third"):
        made.text = text
        source.tell("ana", "")
        assert await next_of(quick) == text
    assert await next_of(slow) == "third"


async def test_who_reads_no_more_is_forgotten() -> None:
    source, made = Changes(), Made()
    feed = WorkspaceFeed(source)
    stream = feed.open("ana", made)
    await next_of(stream)
    await stream.aclose()
    source.tell("ana", "")
    await asyncio.sleep(0.3)
    assert made.times == 1
    again = feed.open("ana", made)
    assert await next_of(again) == "first"


async def test_a_person_has_so_many_pages_open_at_most() -> None:
    feed = WorkspaceFeed(Changes())
    streams = [feed.open("ana", Made()) for _ in range(MAX_STREAMS)]
    with pytest.raises(TooManyStreams):
        feed.open("ana", Made())
    other = feed.open("ben", Made())
    assert await next_of(other) == "first"
    assert len(streams) == MAX_STREAMS


async def test_everybody_is_told_at_once() -> None:
    feed, ana, ben = WorkspaceFeed(Changes()), Made(), Made()
    streams = [feed.open("ana", ana), feed.open("ben", ben)]
    for stream in streams:
        await next_of(stream)
    ana.text = ben.text = "new"
    feed.tell_all()
    assert [await next_of(stream) for stream in streams] == ["new", "new"]
