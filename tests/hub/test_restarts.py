"""Restarts, with a stand-in for JupyterHub's handler: what is tried again and what is told."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from studiolo_hub import restarts as module
from studiolo_hub.answers import Refused
from studiolo_hub.restarts import Restarts
from studiolo_hub.stopping import starts_to_come, stop_workspace
from tornado import web


class Spawner:
    """A server that runs, until it is stopped."""

    name = ""
    pending: str | None = None
    _stop_future: asyncio.Future[None] | None = None

    def __init__(self) -> None:
        self.active = True
        self.orm_spawner = SimpleNamespace(user_options={})


class Hub:
    """What restarts use of a handler, of a user and of the database."""

    log = logging.getLogger("tests")
    db = SimpleNamespace(commit=lambda: None)

    def __init__(self, *answers: Exception | None) -> None:
        self.spawner = Spawner()
        self.user: Any = SimpleNamespace(
            name="ana",
            spawners={"": self.spawner},
            get_or_create_spawner=lambda *_names, **_options: self.spawner,
        )
        self.answers = list(answers)
        self.starts: list[dict[str, object]] = []
        self.stops = 0

    async def stop_single_user(self, _user: Any, _name: str) -> asyncio.Future[None]:
        self.stops += 1
        stopped = asyncio.get_running_loop().create_future()

        def done() -> None:
            self.spawner.active = False
            stopped.set_result(None)

        asyncio.get_running_loop().call_later(0.05, done)
        return stopped

    async def spawn_single_user(self, _user: Any, _name: str, options: dict[str, object]) -> None:
        assert not self.spawner.active, "started before it was stopped"
        self.starts.append(options)
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.spawner.active = True


async def over(restarts: Restarts) -> None:
    async with asyncio.timeout(5):
        while restarts.under_way("ana", ""):
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_AGAIN_SECONDS", 0.01)


async def test_it_is_stopped_and_then_started_with_the_choice() -> None:
    hub, restarts = Hub(), Restarts()
    restarts.begin(hub, hub.user, "", {"profile": "cpu"})
    assert restarts.under_way("ana", "")
    assert hub.spawner.orm_spawner.user_options == {"profile": "cpu"}
    await over(restarts)
    assert (hub.stops, hub.starts) == (1, [{"profile": "cpu"}])
    assert restarts.trouble("ana", "") == ""
    assert starts_to_come == {}


async def test_the_same_wish_joins_and_another_one_waits() -> None:
    hub, restarts = Hub(), Restarts()
    restarts.begin(hub, hub.user, "", {"profile": "cpu"})
    restarts.begin(hub, hub.user, "", {"profile": "cpu"})
    with pytest.raises(Refused, match="being restarted already"):
        restarts.begin(hub, hub.user, "", {"profile": "gpu"})
    await over(restarts)
    assert len(hub.starts) == 1


async def test_a_busy_hub_is_asked_again() -> None:
    hub, restarts = Hub(web.HTTPError(429), web.HTTPError(429)), Restarts()
    restarts.begin(hub, hub.user, "", {})
    await over(restarts)
    assert len(hub.starts) == 3
    assert restarts.trouble("ana", "") == ""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(web.HTTPError(429), "Many people start workspaces now", id="busy-for-long"),
        pytest.param(Refused(403, "x", "Your quota is used up."), "quota", id="refused"),
        pytest.param(RuntimeError("canary 6610"), "Something", id="unforeseen"),
    ],
)
async def test_why_it_was_not_started_again_is_remembered(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.0)
    hub, restarts = Hub(*[error] * 9), Restarts()
    restarts.begin(hub, hub.user, "", {})
    await over(restarts)
    told = restarts.trouble("ana", "")
    assert told
    assert "canary" not in told
    if words != "Something":
        assert words in told
    restarts.forget("ana", "")
    assert restarts.trouble("ana", "") == ""


async def test_stopping_for_good_ends_it() -> None:
    hub, restarts = Hub(), Restarts()
    restarts.begin(hub, hub.user, "", {})
    await asyncio.sleep(0.01)
    await stop_workspace(hub, hub.user, "")
    await asyncio.sleep(0.1)
    assert hub.starts == []
    assert not restarts.under_way("ana", "")
    assert starts_to_come == {}


async def test_the_oldest_trouble_makes_room() -> None:
    restarts = Restarts(limit=1)
    for name in ("ana", "ben"):
        hub = Hub(RuntimeError())
        hub.user.name = name
        restarts.begin(hub, hub.user, "", {})
        async with asyncio.timeout(5):
            while restarts.under_way(name, ""):
                await asyncio.sleep(0.01)
    assert (restarts.trouble("ana", ""), bool(restarts.trouble("ben", ""))) == ("", True)
