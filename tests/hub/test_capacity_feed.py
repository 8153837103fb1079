"""The streams of what is free, by the clock of a test: what a hub process cannot be made to do."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any, Self

import pytest
from sqlalchemy.exc import OperationalError
from studiolo_hub import capacity_feed
from studiolo_hub.capacity_feed import CapacityFeed
from studiolo_spawner import quota_gate
from studiolo_spawner.offer import Person
from studiolo_spawner.quota_gate import QuotaGate

from tests.spawner.test_capacity_view import offered

ANA = Person("ana", frozenset({"students"}))


class Database:
    """A session that knows who is in which group, or does not answer."""

    def __init__(self) -> None:
        self.members = ["ana"]
        self.away = False
        self.asked_in_vain = 0
        self.rolled_back = 0

    def query(self, *_columns: Any) -> Self:
        return self

    join = filter = query

    def __iter__(self) -> Iterator[tuple[str, str]]:
        if self.away:
            self.asked_in_vain += 1
            raise OperationalError("SELECT", {}, Exception("canary-5150"))
        return iter([(name, "students") for name in self.members])

    def rollback(self) -> None:
        self.rolled_back += 1


async def test_an_absence_of_the_database_is_outlived(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(capacity_feed, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(quota_gate, "MEMBERS_SECONDS", 0.0)
    catalogue, gate, database = offered(), QuotaGate(), Database()
    gate.note(("ben", ""), catalogue.profiles_by_id["gpu"])
    parts: Any = SimpleNamespace(
        cluster=None, catalogue=SimpleNamespace(snapshot=catalogue), gate=gate
    )
    texts = CapacityFeed(pace=0.01).open(parts, ANA, database)
    async with aclosing(texts), asyncio.timeout(10):
        assert json.loads(await anext(texts))["quotas"][0]["used"] == 0
        with caplog.at_level(logging.WARNING):
            database.away = True
            while database.asked_in_vain < 3:
                await asyncio.sleep(0.01)
        database.members, database.away = ["ana", "ben"], False
        assert json.loads(await anext(texts))["quotas"][0]["used"] == 1
    assert database.rolled_back == database.asked_in_vain
    assert [each.getMessage() for each in caplog.records] == [
        "Quotas are not counted now: OperationalError"
    ]
