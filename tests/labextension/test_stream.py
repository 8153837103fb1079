"""One state for all listeners, each at its own pace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from jupyterlab_studiolo.stream import Broadcaster, frame_of


class Listener:
    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.frames: list[bytes] = []

    def send(self, frame: bytes) -> None:
        self.frames.append(frame)


class Source:
    """Counts, and fails when it is told to."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.broken = False

    async def __call__(self, interval: float) -> dict[str, Any]:
        self.asked.append(interval)
        if self.broken:
            raise RuntimeError("broken")
        return {"number": len(self.asked)}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_all_get_the_same_frame() -> None:
    source = Source()
    stream = Broadcaster(source)
    listeners = [Listener(0.1) for _ in range(20)]
    for listener in listeners:
        stream.join(listener)
    await until(lambda: len(listeners[0].frames) >= 3)
    for listener in listeners:
        stream.leave(listener)
    assert len(source.asked) <= len(listeners[0].frames) + 1
    assert len({tuple(listener.frames) for listener in listeners}) == 1


async def test_each_at_its_own_pace() -> None:
    stream = Broadcaster(Source())
    quick, slow = Listener(0.05), Listener(10)
    stream.join(slow)
    await until(lambda: len(slow.frames) == 1)
    stream.join(quick)
    await until(lambda: len(quick.frames) >= 4)
    assert len(slow.frames) == 1
    stream.leave(quick)
    stream.leave(slow)


async def test_who_joins_need_not_wait_for_the_others_interval() -> None:
    stream = Broadcaster(Source())
    first, second = Listener(60), Listener(60)
    stream.join(first)
    await until(lambda: len(first.frames) == 1)
    stream.join(second)
    await until(lambda: len(second.frames) == 1)
    stream.leave(first)
    stream.leave(second)


async def test_nothing_is_asked_while_nobody_listens() -> None:
    source = Source()
    stream = Broadcaster(source)
    listener = Listener(0.05)
    stream.join(listener)
    await until(lambda: len(listener.frames) >= 1)
    stream.leave(listener)
    await asyncio.sleep(0.2)
    count = len(source.asked)
    await asyncio.sleep(0.3)
    assert len(source.asked) == count
    stream.join(listener)
    await until(lambda: len(source.asked) > count)
    stream.leave(listener)


async def test_a_failure_ends_nothing() -> None:
    source = Source()
    source.broken = True
    stream = Broadcaster(source)
    listener = Listener(0.05)
    stream.join(listener)
    await until(lambda: len(source.asked) >= 2)
    source.broken = False
    await until(lambda: len(listener.frames) >= 1)
    stream.leave(listener)


def test_a_frame_is_one_line_of_json() -> None:
    frame = frame_of({"text": "two\nlines, “quoted”"})
    assert frame.startswith(b"event: state\ndata: {")
    assert frame.endswith(b"}\n\n")
    assert frame.count(b"\n") == 3
    assert json.loads(frame.splitlines()[1][6:]) == {"text": "two\nlines, “quoted”"}
