"""A container's output, as kubectl logs asks for it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from studiolo_local.api.logs import LogRequest
from studiolo_local.kubelet.container_log import last_words, parse_line, read_log

LINES = (
    "2026-03-01T09:00:00.000000001Z stdout F one\n"
    "2026-03-01T09:00:01.500000000Z stderr F two\n"
    "2026-03-01T09:00:02.000000000Z stdout P half \n"
    "2026-03-01T09:00:02.000000001Z stdout F line\n"
)


def request(**words: object) -> LogRequest:
    return LogRequest(namespace="n", pod="p", uid="u", container="c", **words)  # type: ignore[arg-type]


async def text_of(path: Path, asked: LogRequest) -> str:
    return b"".join([data async for data in read_log(path, asked, ended=lambda: True)]).decode()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "0.log"
    path.write_text(LINES)
    (tmp_path / "0.log.1").write_text("2026-03-01T08:00:00.000000000Z stdout F before\n")
    return path


async def test_all_of_it(log: Path) -> None:
    assert await text_of(log, request()) == "before\none\ntwo\nhalf line\n"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (request(tail_lines=2), "half line\n"),
        (request(tail_lines=0), ""),
        (request(limit_bytes=9), "before\non"),
        (request(since=datetime(2026, 3, 1, 9, 0, 1, tzinfo=UTC)), "two\nhalf line\n"),
        (request(tail_lines=1, timestamps=True), "2026-03-01T09:00:02.000000001Z line\n"),
    ],
    ids=["tail", "nothing", "limit", "since", "timestamps"],
)
async def test_parts_of_it(log: Path, asked: LogRequest, expected: str) -> None:
    assert await text_of(log, asked) == expected


async def test_it_is_followed_over_a_rotation(log: Path) -> None:
    ended = False
    seen: list[bytes] = []

    async def follow() -> None:
        async for data in read_log(log, request(follow=True, tail_lines=1), ended=lambda: ended):
            seen.append(data)

    task = asyncio.create_task(follow())
    while not seen:
        await asyncio.sleep(0.01)
    with log.open("a") as file:
        file.write("2026-03-01T09:00:03.0Z stdout F three\n")
    while len(seen) < 2:
        await asyncio.sleep(0.01)
    log.replace(log.with_name("0.log.1"))
    log.write_text("2026-03-01T09:00:04.0Z stdout F four\n")
    while len(seen) < 3:
        await asyncio.sleep(0.01)
    ended = True
    await task
    assert seen == [b"line\n", b"three\n", b"four\n"]


async def test_a_log_that_is_not_there_yet(tmp_path: Path) -> None:
    assert await text_of(tmp_path / "none.log", request()) == ""


def test_what_is_no_record() -> None:
    assert parse_line(b"") is None
    assert parse_line(b"half a rec") is None


def test_last_words_are_short(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text("".join(f"2026-03-01T09:00:00.0Z stdout F {n:0100d}\n" for n in range(200)))
    words = last_words(path)
    assert len(words) == 2048
    assert words.endswith("199")
